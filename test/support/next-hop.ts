/** Somebody a route names: a PBX, a core. It keeps what came, answers what it is told, and sends what the test wants. */
import { newCallId, newTag } from '../../src/sip/identifier.ts'
import { Headers, response, SipRequest, type SipResponse } from '../../src/sip/message.ts'
import type { NextHop, Received, SipStack } from '../../src/sip/port.ts'

export type HopAnswer = number | 'never' | ((request: SipRequest) => SipResponse | Promise<SipResponse>)

export class NextHopParty {
  readonly requests: SipRequest[] = []
  answer: HopAnswer = 200
  readonly #unread: SipRequest[] = []
  readonly #readers: ((request: SipRequest) => void)[] = []

  private constructor(
    readonly stack: SipStack,
    /** The gateway, as this party reaches it. */
    readonly gateway: NextHop,
  ) {}

  static async on(stack: SipStack, gateway: NextHop): Promise<NextHopParty> {
    const party = new NextHopParty(stack, gateway)
    await stack.start((received) => party.#serve(received))
    return party
  }

  /** The next request that nobody has read. */
  received(): Promise<SipRequest> {
    const next = this.#unread.shift()
    return next ? Promise.resolve(next) : new Promise((resolve) => this.#readers.push(resolve))
  }

  message(from: string, to: string, text: string, fields: readonly (readonly [string, string])[] = []): Promise<SipResponse> {
    return this.send('MESSAGE', from, to, text, [['Content-Type', 'text/plain;charset=UTF-8'], ...fields])
  }

  send(method: string, from: string, to: string, body: string, fields: readonly (readonly [string, string])[] = []): Promise<SipResponse> {
    const headers = new Headers()
    headers.append('Max-Forwards', '70')
    headers.append('From', `<${from}>;tag=${newTag()}`)
    headers.append('To', `<${to}>`)
    headers.append('Call-ID', newCallId())
    headers.append('CSeq', `1 ${method}`)
    for (const [name, value] of fields) headers.append(name, value)
    return this.stack.send(new SipRequest(method, to, headers, Buffer.from(body)), this.gateway)
  }

  /** Back to the gateway as a proxy would: the same request, one hop later. */
  readonly sentBack = async (request: SipRequest): Promise<SipResponse> => {
    const headers = request.headers.copy()
    headers.set('Max-Forwards', String(Number(headers.get('Max-Forwards')) - 1))
    const answer = await this.stack.send(new SipRequest(request.method, request.uri, headers, request.body), this.gateway)
    const own = answer.headers.copy()
    for (const name of ['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Content-Length']) own.remove(name)
    return response(
      answer.status,
      answer.reason,
      own.list.flatMap((name, i) => (i % 2 === 0 ? [[name, own.list[i + 1] ?? ''] as const] : [])),
      answer.body,
    )
  }

  stop(): Promise<void> {
    return this.stack.stop(0)
  }

  #serve({ request }: Received): SipResponse | Promise<SipResponse> {
    this.requests.push(request)
    const reader = this.#readers.shift()
    if (reader) reader(request)
    else this.#unread.push(request)
    const { answer } = this
    if (answer === 'never') return new Promise(() => {})
    return typeof answer === 'number' ? response(answer) : answer(request)
  }
}
