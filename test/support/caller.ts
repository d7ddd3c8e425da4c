/** A telephone that calls and is called, in bytes and by hand: each message is what the test says, so that nothing of our own stack stands between. */
import { parseMessage, print } from '../../src/sip/codec.ts'
import { bestChallenge, DigestAnswers } from '../../src/sip/digest-client.ts'
import { withEcho } from '../../src/sip/echo.ts'
import type { Place } from '../../src/sip/embedded/memory.ts'
import { newBranch, newCallId, newTag } from '../../src/sip/identifier.ts'
import { Headers, response, SipRequest, SipResponse } from '../../src/sip/message.ts'
import { parseNameAddr } from '../../src/sip/name-addr.ts'
import type { Transport } from '../../src/sip/port.ts'

type Message = SipRequest | SipResponse
export type Fields = readonly (readonly [string, string])[]

export const OFFER = 'v=0\r\no=- 1 1 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n'

/** What it is connected to: the network in memory, or a socket of its own. */
export interface Wire {
  enter(place: Place): void
  leave(place: Place): void
  carry(from: Place, bytes: Buffer, host: string, port: number): void
}

export interface CallerPlace {
  readonly host: string
  readonly port?: number
  readonly transport?: Transport
  /** Its contact says another host, as behind an address translator. */
  readonly contactHost?: string
  readonly gateway: { readonly host: string; readonly port: number }
}

export class Caller implements Place {
  readonly transport: Transport
  readonly host: string
  readonly port: number
  readonly aor: string
  /** Everything that came, in order. */
  readonly all: Message[] = []
  readonly #place: CallerPlace
  readonly #unread: Message[] = []
  readonly #waiting: { readonly wants: (message: Message) => boolean; readonly take: (message: Message) => void }[] = []
  #cseq = 0

  constructor(
    readonly network: Wire,
    readonly user: string,
    readonly domain: string,
    readonly password: string,
    place: CallerPlace,
  ) {
    this.#place = place
    this.transport = place.transport ?? 'udp'
    this.host = place.host
    this.port = place.port ?? 5_060
    this.aor = `sip:${user}@${domain}`
    network.enter(this)
  }

  get contact(): string {
    return `sip:${this.user}@${this.#place.contactHost ?? this.host}:${this.port}${this.#transportParameter}`
  }

  /** RFC 7118 §5.2.2 knows one for both kinds of WebSocket. */
  get #transportParameter(): string {
    return this.transport === 'udp' ? '' : `;transport=${this.transport === 'wss' ? 'ws' : this.transport}`
  }

  take(bytes: Buffer): void {
    const message = parseMessage(bytes)
    this.all.push(message)
    const at = this.#waiting.findIndex(({ wants }) => wants(message))
    if (at < 0) this.#unread.push(message)
    else this.#waiting.splice(at, 1)[0]?.take(message)
  }

  /** The next request of that method which nobody has taken. */
  async request(method: string): Promise<SipRequest> {
    const found = await this.#next((message) => message instanceof SipRequest && message.method === method)
    if (found instanceof SipRequest) return found
    throw new Error('no request')
  }

  /** The next response to that method from this status on. */
  async response(method: string, from = 200, to = 699): Promise<SipResponse> {
    const found = await this.#next(
      (message) =>
        message instanceof SipResponse &&
        message.status >= from &&
        message.status <= to &&
        message.headers.get('CSeq')?.endsWith(` ${method}`) === true,
    )
    if (found instanceof SipResponse) return found
    throw new Error('no response')
  }

  /** What came and was not asked for: its methods and statuses. */
  get untaken(): readonly (string | number)[] {
    return this.#unread.map((message) => (message instanceof SipRequest ? message.method : message.status))
  }

  /** What came so far is of no interest any more. */
  forget(): void {
    this.all.length = 0
    this.#unread.length = 0
  }

  async register(fields: Fields = [], params = ''): Promise<SipResponse> {
    const parts: Fields = [['Contact', `<${this.contact}>${params}`], ['Expires', '3600'], ...fields]
    const { answer } = await this.ask('REGISTER', `sip:${this.domain}`, parts, '', this.aor)
    return answer
  }

  /** A request outside a dialog; a challenge is answered. */
  async ask(method: string, uri: string, fields: Fields = [], body = '', to = uri): Promise<{ request: SipRequest; answer: SipResponse }> {
    const callId = newCallId()
    const tag = newTag()
    const own = ['From', `<${this.aor}>;tag=${tag}`] as const
    const hasFrom = fields.some(([name]) => name === 'From')
    const make = (more: Fields): SipRequest => {
      const made = this.make(method, uri, [['Call-ID', callId], ...(hasFrom ? [] : [own]), ['To', `<${to}>`], ...fields, ...more], body)
      this.send(made)
      return made
    }
    const request = make([])
    const answer = await this.response(method, 101)
    if (method === 'INVITE' && answer.status >= 300) this.acknowledge(request, answer)
    if (answer.status !== 401 && answer.status !== 407) return { request, answer }
    const isProxy = answer.status === 407
    const challenge = bestChallenge(answer.headers.all(isProxy ? 'Proxy-Authenticate' : 'WWW-Authenticate'))
    if (!challenge) throw new Error('a challenge nobody understands')
    const credentials = new DigestAnswers(challenge, this.user, this.password).answer(method, uri)
    const again = make([[isProxy ? 'Proxy-Authorization' : 'Authorization', credentials]])
    return { request: again, answer: method === 'INVITE' ? answer : await this.response(method) }
  }

  /** Past the challenge: from now on it rings somewhere, or is refused. */
  async call(to: string, fields: Fields = []): Promise<Dialled> {
    const { request } = await this.ask(
      'INVITE',
      to,
      [['Contact', `<${this.contact}>`], ['Content-Type', 'application/sdp'], ...fields],
      OFFER,
    )
    return new Dialled(this, request)
  }

  /** The next call that comes. */
  async rung(): Promise<Rung> {
    return new Rung(this, await this.request('INVITE'))
  }

  make(method: string, uri: string, fields: Fields, body = ''): SipRequest {
    const headers = new Headers()
    headers.append('Via', `SIP/2.0/${this.transport.toUpperCase()} ${this.host}:${this.port};branch=${newBranch()};rport`)
    headers.append('Max-Forwards', '70')
    for (const [name, value] of fields) headers.append(name, value)
    if (!headers.has('CSeq')) headers.append('CSeq', `${++this.#cseq} ${method}`)
    return new SipRequest(method, uri, headers, Buffer.from(body))
  }

  send(message: Message): void {
    const { host, port } = this.#place.gateway
    this.network.carry(this, print(message), host, port)
  }

  reply(request: SipRequest, status: number, tag: string, fields: Fields = [], body = ''): void {
    this.send(withEcho(request, response(status, undefined, fields, Buffer.from(body)), tag))
  }

  /** Of what is no 2xx: in the transaction of its INVITE. */
  acknowledge(invite: SipRequest, answer: SipResponse): void {
    this.send(inTransaction(invite, 'ACK', answer.headers.get('To')))
  }

  leave(): void {
    this.network.leave(this)
  }

  #next(wants: (message: Message) => boolean): Promise<Message> {
    const at = this.#unread.findIndex(wants)
    const [found] = at < 0 ? [] : this.#unread.splice(at, 1)
    if (found) return Promise.resolve(found)
    return new Promise((take) => this.#waiting.push({ wants, take }))
  }
}

/** One side of a dialog. */
export class Side {
  constructor(
    readonly phone: Caller,
    readonly callId: string,
    readonly local: string,
    readonly remote: string,
    readonly target: string,
    readonly routes: readonly string[],
  ) {}

  make(method: string, fields: Fields = [], body = ''): SipRequest {
    const routes = this.routes.map((route): readonly [string, string] => ['Route', route])
    const ids: Fields = [
      ['Call-ID', this.callId],
      ['From', this.local],
      ['To', this.remote],
    ]
    return this.phone.make(method, this.target, [...routes, ...ids, ...fields], body)
  }

  send(method: string, fields: Fields = [], body = ''): SipRequest {
    const made = this.make(method, fields, body)
    this.phone.send(made)
    return made
  }

  async bye(): Promise<SipResponse> {
    this.send('BYE')
    return this.phone.response('BYE')
  }

  /** Waits until the other side hangs up. */
  async hungUp(): Promise<SipRequest> {
    const bye = await this.phone.request('BYE')
    this.phone.reply(bye, 200, '')
    return bye
  }
}

export class Dialled {
  constructor(
    readonly phone: Caller,
    readonly invite: SipRequest,
  ) {}

  progress(status: number): Promise<SipResponse> {
    return this.phone.response('INVITE', status, status)
  }

  async answered(): Promise<Side> {
    const answer = await this.phone.response('INVITE', 200, 299)
    const side = this.sideOf(answer)
    side.send('ACK', [['CSeq', ackOf(this.invite)]])
    return side
  }

  sideOf(answer: SipResponse): Side {
    const { headers } = this.invite
    const target = parseNameAddr(answer.headers.get('Contact') ?? '').uri
    const routes = answer.headers.values('Record-Route').toReversed()
    return new Side(this.phone, headers.get('Call-ID') ?? '', headers.get('From') ?? '', answer.headers.get('To') ?? '', target, routes)
  }

  async refused(): Promise<SipResponse> {
    const answer = await this.phone.response('INVITE', 300)
    this.phone.acknowledge(this.invite, answer)
    return answer
  }

  /** The answer to the CANCEL; what becomes of the call is told apart. */
  cancel(reason?: string): Promise<SipResponse> {
    const cancel = inTransaction(this.invite, 'CANCEL', undefined)
    if (reason !== undefined) cancel.headers.append('Reason', reason)
    this.phone.send(cancel)
    return this.phone.response('CANCEL')
  }
}

export class Rung {
  readonly tag = newTag()

  constructor(
    readonly phone: Caller,
    readonly invite: SipRequest,
  ) {}

  ring(status = 180): void {
    this.phone.reply(this.invite, status, this.tag, this.#own)
  }

  answer(): void {
    this.phone.reply(this.invite, 200, this.tag, [...this.#own, ['Content-Type', 'application/sdp']], OFFER)
  }

  /** Until the ACK of the other end is here. */
  async talking(): Promise<Side> {
    await this.phone.request('ACK')
    return this.side
  }

  get side(): Side {
    const { headers } = this.invite
    const target = parseNameAddr(headers.get('Contact') ?? '').uri
    const local = `${headers.get('To')};tag=${this.tag}`
    return new Side(this.phone, headers.get('Call-ID') ?? '', local, headers.get('From') ?? '', target, headers.values('Record-Route'))
  }

  /** Until its ACK is here. */
  async refuse(status: number, fields: Fields = []): Promise<void> {
    this.phone.reply(this.invite, status, this.tag, fields)
    await this.phone.request('ACK')
  }

  /** Until somebody stops it from ringing. */
  async cancelled(): Promise<SipRequest> {
    const cancel = await this.phone.request('CANCEL')
    this.phone.reply(cancel, 200, this.tag)
    await this.refuse(487)
    return cancel
  }

  get #own(): Fields {
    const records = this.invite.headers.all('Record-Route').map((value): readonly [string, string] => ['Record-Route', value])
    return [...records, ['Contact', `<${this.phone.contact}>`]]
  }
}

function ackOf(invite: SipRequest): string {
  return (invite.headers.get('CSeq') ?? '').replace('INVITE', 'ACK')
}

/** ACK or CANCEL with the branch of its INVITE. */
function inTransaction(invite: SipRequest, method: string, to: string | undefined): SipRequest {
  const headers = new Headers()
  for (const name of ['Via', 'Max-Forwards', 'Call-ID', 'From', 'To']) headers.append(name, invite.headers.get(name) ?? '')
  if (to !== undefined) headers.set('To', to)
  headers.append('CSeq', (invite.headers.get('CSeq') ?? '').replace('INVITE', method))
  return new SipRequest(method, invite.uri, headers, Buffer.alloc(0))
}
