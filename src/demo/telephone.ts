/** romeo's telephone: a SIP user agent over UDP that registers, sends and answers MESSAGE (RFC 3261, RFC 3428), on the pieces of the embedded stack. */
import { RefusedError } from '../core/port.ts'
import type { Log } from '../log/log.ts'
import { saidIn } from '../mapping/said.ts'
import { bestChallenge, DigestAnswers } from '../sip/digest-client.ts'
import { defaultLimits } from '../sip/embedded/limits.ts'
import { LocalAddresses } from '../sip/embedded/local-address.ts'
import { EmbeddedStack } from '../sip/embedded/stack.ts'
import { defaultTimers } from '../sip/embedded/timers.ts'
import { UdpTransport } from '../sip/embedded/udp.ts'
import { newCallId, newTag } from '../sip/identifier.ts'
import { Headers, response, SipRequest, type SipResponse } from '../sip/message.ts'
import { parseNameAddr } from '../sip/name-addr.ts'
import { type Listening, NoResponseError, type Received } from '../sip/port.ts'
import type { Witness } from './crossing.ts'
import { RecentMessages } from './recent-messages.ts'
import { sipCrossing } from './sip-crossing.ts'
import { TappedTransport } from './tapped-transport.ts'

export interface TelephoneSettings {
  readonly host: string
  /** Of the gateway, for UDP. */
  readonly port: number
  readonly user: string
  readonly domain: string
  readonly password: string
}

const NO_BODY = Buffer.alloc(0)
const EXPIRES_SECONDS = 3_600
/** For an answer that is still to be given: who asked would wait for it longer. */
const LAST_WORDS_MS = 1_500
const ALLOW = [['Allow', 'MESSAGE, OPTIONS']] as const

/** Requests that belong together by their Call-ID, and are numbered (RFC 3261 §8.1.1.5). */
class Thread {
  readonly callId = newCallId()
  readonly tag = newTag()
  #count = 0

  next(): number {
    return ++this.#count
  }
}

export class Telephone {
  readonly #stack: EmbeddedStack
  readonly #registration = new Thread()
  readonly #toBeGiven: { readonly status: number; readonly afterMs: number }[] = []
  #refreshing: NodeJS.Timeout | undefined
  #contact = ''
  /** To the last challenge of a proxy, which is good for more than one request. */
  #toProxy: DigestAnswers | undefined
  #answersBack: ((text: string) => string) | undefined

  private constructor(
    private readonly settings: TelephoneSettings,
    witness: Witness,
    private readonly log: Log,
  ) {
    const seen = new RecentMessages()
    const udp = new UdpTransport([{ port: 0, address: settings.host }], new LocalAddresses(), log)
    const tapped = new TappedTransport(udp, {
      sent: (message) => witness.crossed(sipCrossing(message, 'in', seen.has(message))),
      received: (message) => witness.crossed(sipCrossing(message, 'out', seen.has(message))),
    })
    this.#stack = new EmbeddedStack([tapped], defaultTimers, defaultLimits, log)
  }

  static async switchOn(settings: TelephoneSettings, witness: Witness, log: Log): Promise<Telephone> {
    const telephone = new Telephone(settings, witness, log)
    const [socket]: readonly Listening[] = await telephone.#stack.start((received) => telephone.#serve(received))
    if (!socket) throw new Error('the telephone has no socket')
    telephone.#contact = `sip:${settings.user}@${socket.address}:${socket.port}`
    return telephone
  }

  /** Now, and again before the registrar forgets it. */
  async register(): Promise<void> {
    const { domain } = this.settings
    const fields = ['Contact', `<${this.#contact}>`, 'Expires', String(EXPIRES_SECONDS)]
    const answer = await this.#request('REGISTER', `sip:${domain}`, this.#own, this.#registration, fields)
    if (answer.status !== 200) throw new Error(`the telephone was not registered: ${answer.status} ${answer.reason}`)
    this.#refreshing = setTimeout(() => this.#refresh(), (EXPIRES_SECONDS / 2) * 1_000).unref()
  }

  async message(to: string, text: string): Promise<SipResponse> {
    return this.#request('MESSAGE', to, to, new Thread(), ['Content-Type', 'text/plain;charset=UTF-8'], Buffer.from(text))
  }

  /** Whether the domain is there, and what it can. */
  async options(): Promise<SipResponse> {
    const domain = `sip:${this.settings.domain}`
    return this.#request('OPTIONS', domain, domain, new Thread(), ['Accept', 'text/plain'])
  }

  /** The next message gets this answer instead of a 200 at once. */
  answerNext(status: number, afterMs = 0): void {
    this.#toBeGiven.push({ status, afterMs })
  }

  /** From now on somebody is there who says something back. */
  answerBack(words: (text: string) => string): void {
    this.#answersBack = words
  }

  async switchOff(): Promise<void> {
    clearTimeout(this.#refreshing)
    this.#answersBack = undefined
    await this.#stack.stop(LAST_WORDS_MS)
  }

  get #own(): string {
    return `sip:${this.settings.user}@${this.settings.domain}`
  }

  // --- what it is asked ---

  async #serve({ request }: Received): Promise<SipResponse> {
    if (request.method === 'OPTIONS') return response(200, undefined, ALLOW)
    if (request.method !== 'MESSAGE') return response(405, undefined, ALLOW)
    let text: string | undefined
    try {
      text = saidIn(request).texts[0]?.text
    } catch (cause) {
      if (cause instanceof RefusedError) return response(cause.status, cause.reason, cause.headers)
      throw cause
    }
    const { status, afterMs } = this.#toBeGiven.shift() ?? { status: 200, afterMs: 0 }
    if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs))
    if (status === 200 && text !== undefined) this.#sayBack(request, text)
    return response(status)
  }

  #sayBack(request: SipRequest, text: string): void {
    const sender = parseNameAddr(request.headers.get('From') ?? '').uri
    // Another telephone of romeo's: two that answer each other would never end.
    if (!this.#answersBack || sender === this.#own || sender.startsWith(`${this.#own};`)) return
    const words = this.#answersBack(text)
    // First comes the 200, which leaves when this turn ends.
    setImmediate(() => this.message(sender, words).catch((cause: unknown) => this.#failed('answering_back_failed', cause)))
  }

  // --- what it asks ---

  #refresh(): void {
    this.register().catch((cause: unknown) => this.#failed('registering_again_failed', cause))
  }

  /** Nobody waits for what it does by itself. That nothing came back is to be seen in the ladder; anything else is a mistake. */
  #failed(what: string, cause: unknown): void {
    if (!(cause instanceof NoResponseError)) this.log.failure({ what, cause })
  }

  /** Answers a challenge once; a second one says that the password is wrong. */
  async #request(method: string, uri: string, to: string, thread: Thread, fields: string[], body: Buffer = NO_BODY): Promise<SipResponse> {
    const { host, port, user, password } = this.settings
    const send = (proof: readonly string[]): Promise<SipResponse> => {
      const who = ['Max-Forwards', '70', 'From', `<${this.#own}>;tag=${thread.tag}`, 'To', `<${to}>`]
      const headers = new Headers([...who, 'Call-ID', thread.callId, 'CSeq', `${thread.next()} ${method}`, ...fields, ...proof])
      return this.#stack.send(new SipRequest(method, uri, headers, body), { transport: 'udp', host, port })
    }
    const forProxy = () => (this.#toProxy ? ['Proxy-Authorization', this.#toProxy.answer(method, uri)] : [])
    const answer = await send(method === 'MESSAGE' ? forProxy() : [])
    const isProxy = answer.status === 407
    if (answer.status !== 401 && !isProxy) return answer
    const challenge = bestChallenge(answer.headers.all(isProxy ? 'Proxy-Authenticate' : 'WWW-Authenticate'))
    if (!challenge) return answer
    const answers = new DigestAnswers(challenge, user, password)
    if (!isProxy) return send(['Authorization', answers.answer(method, uri)])
    this.#toProxy = answers
    return send(forProxy())
  }
}
