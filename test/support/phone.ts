/** A telephone for tests: registers with digest, sends and takes messages. It stands on any SIP stack: in memory, over UDP or over TCP. */
import { silent } from '../../src/log/log.ts'
import { bestChallenge, DigestAnswers } from '../../src/sip/digest-client.ts'
import type { DigestAlgorithm } from '../../src/sip/digest-hash.ts'
import { embeddedStack } from '../../src/sip/embedded/stack.ts'
import type { TlsContexts } from '../../src/sip/embedded/tls-contexts.ts'
import { newCallId, newTag } from '../../src/sip/identifier.ts'
import { Headers, response, SipRequest, type SipResponse } from '../../src/sip/message.ts'
import type { NextHop, Received, SipStack } from '../../src/sip/port.ts'

export interface PhoneIdentity {
  /** As it stands in its URI. */
  readonly user: string
  readonly domain: string
  readonly password?: string
  /** Where it sends everything, as an outbound proxy. */
  readonly proxy: NextHop
  /** Answers challenges of this algorithm only, as an old telephone does. */
  readonly algorithm?: DigestAlgorithm
  /** `+sip.instance`, without its brackets. */
  readonly instance?: string
}

/** A status, a response of its own making, or no answer at all. */
export type PhoneAnswer = number | 'never' | ((request: SipRequest) => SipResponse | Promise<SipResponse>)

export interface RequestParts {
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: string | Buffer
  readonly contentType?: string
  /** Absent: a new one, as RFC 3428 §4 has it. */
  readonly callId?: string
}

type Field = 'Authorization' | 'Proxy-Authorization'

export class Phone {
  /** `sip:romeo@xmpp.example` */
  readonly aor: string
  /** Everything that came, in order. */
  readonly requests: SipRequest[] = []
  /** What it says to a request; 200 until told otherwise. */
  answer: PhoneAnswer = 200
  readonly #stack: SipStack
  readonly #identity: PhoneIdentity
  readonly #callId = newCallId()
  readonly #unread: SipRequest[] = []
  readonly #readers: ((request: SipRequest) => void)[] = []
  /** One for each realm and field: a proxy behind another asks for a password of its own (RFC 3261 §22.3). */
  readonly #answers = new Map<string, { readonly field: Field; readonly digest: DigestAnswers }>()
  #cseq = 0

  private constructor(stack: SipStack, identity: PhoneIdentity) {
    this.#stack = stack
    this.#identity = identity
    this.aor = `sip:${identity.user}@${identity.domain}`
  }

  /** On a stack that is not started yet, which is the telephone's own from now on. */
  static async on(stack: SipStack, identity: PhoneIdentity): Promise<Phone> {
    const phone = new Phone(stack, identity)
    await stack.start((received) => phone.#serve(received))
    return phone
  }

  /** On a free port of this machine, by the proxy's transport; `tls`: whose certificates it believes, where that is secure. */
  static onLoopback(identity: PhoneIdentity, tls?: TlsContexts): Promise<Phone> {
    const { transport } = identity.proxy
    return Phone.on(embeddedStack({ listeners: [{ transport, port: 0, address: '127.0.0.1' }], tls }, silent), identity)
  }

  /** Where the proxy reaches it. */
  get contact(): string {
    const { transport, host, port } = this.#stack.localFor(this.#identity.proxy)
    const hostPort = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
    return `sip:${this.#identity.user}@${hostPort}${transport === 'udp' ? '' : `;transport=${transport}`}`
  }

  register(expires = 3_600, parts: RequestParts = {}): Promise<SipResponse> {
    const { domain, instance } = this.#identity
    const contact = `<${this.contact}>${instance === undefined ? '' : `;+sip.instance="<${instance}>"`}`
    const headers = [['Contact', contact], ['Expires', String(expires)], ...(parts.headers ?? [])] as const
    return this.request('REGISTER', `sip:${domain}`, { ...parts, headers }, this.aor)
  }

  unregister(): Promise<SipResponse> {
    return this.register(0)
  }

  /** Who is registered, by the registrar's answer. */
  bindings(): Promise<SipResponse> {
    return this.request('REGISTER', `sip:${this.#identity.domain}`, {}, this.aor)
  }

  message(to: string, text: string, parts: RequestParts = {}): Promise<SipResponse> {
    return this.request('MESSAGE', to, { contentType: 'text/plain;charset=UTF-8', body: text, ...parts })
  }

  options(to: string): Promise<SipResponse> {
    return this.request('OPTIONS', to)
  }

  /** Any request; a challenge is answered where there is a password. */
  async request(method: string, uri: string, parts: RequestParts = {}, to = uri): Promise<SipResponse> {
    let answer = await this.#send(method, uri, parts, to)
    // A nonce may have grown old meanwhile, or the next one on the way asks too.
    for (let asked = 0; asked < 3 && this.#takeChallenge(answer); asked++) answer = await this.#send(method, uri, parts, to)
    return answer
  }

  /** The next request that nobody has read. */
  received(): Promise<SipRequest> {
    const next = this.#unread.shift()
    return next ? Promise.resolve(next) : new Promise((resolve) => this.#readers.push(resolve))
  }

  stop(): Promise<void> {
    return this.#stack.stop(0)
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

  #send(method: string, uri: string, parts: RequestParts, to: string): Promise<SipResponse> {
    const headers = new Headers()
    headers.append('Max-Forwards', '70')
    headers.append('From', `<${this.aor}>;tag=${newTag()}`)
    headers.append('To', `<${to}>`)
    // A registrar compares CSeq within one Call-ID (RFC 3261 §10.2.4); every other request is on its own.
    headers.append('Call-ID', method === 'REGISTER' ? this.#callId : (parts.callId ?? newCallId()))
    headers.append('CSeq', `${++this.#cseq} ${method}`)
    headers.append('User-Agent', 'a telephone of the tests')
    for (const { field, digest } of this.#answers.values()) headers.append(field, digest.answer(method, uri))
    if (parts.contentType !== undefined) headers.append('Content-Type', parts.contentType)
    for (const [name, value] of parts.headers ?? []) headers.append(name, value)
    return this.#stack.send(new SipRequest(method, uri, headers, Buffer.from(parts.body ?? '')), this.#identity.proxy)
  }

  /** Whether the response asks for a password that can be given. One that was refused is not given again. */
  #takeChallenge(answer: SipResponse): boolean {
    const { user, password, algorithm } = this.#identity
    const isProxy = answer.status === 407
    if ((answer.status !== 401 && !isProxy) || password === undefined) return false
    const offered = answer.headers.all(isProxy ? 'Proxy-Authenticate' : 'WWW-Authenticate')
    const understood = algorithm === undefined ? offered : offered.filter((field) => field.includes(`algorithm=${algorithm}`))
    const challenge = bestChallenge(understood)
    const field: Field = isProxy ? 'Proxy-Authorization' : 'Authorization'
    const key = `${field} ${challenge?.realm}`
    if (!challenge || (this.#answers.has(key) && !challenge.isStale)) return false
    this.#answers.set(key, { field, digest: new DigestAnswers(challenge, decodeURIComponent(user), password) })
    return true
  }
}
