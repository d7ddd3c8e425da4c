/** A lean UDP telephone: registers with digest, answers MESSAGE with 200, sends MESSAGE one at a time (RFC 3428 §8). */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { chosen, Digest } from './digest.ts'

export interface Exchange {
  readonly sipPort: number
  readonly domain: string
  readonly password: string
}

interface Pending {
  readonly method: string
  readonly uri: string
  readonly lines: readonly string[]
  readonly text: string
  bytes: Buffer
  cseq: number
  sentAt: number
  tries: number
  readonly done: (status: number) => void
}

/** T1 of RFC 3261 §17: when nothing came back, the request goes out again. */
const t1Ms = 500
const maxTries = 7

export class Phone {
  /** Of the bodies of what came in; the number stands first. */
  received = 0
  repeated = 0
  problem: string | undefined
  /** After each new message that was answered. */
  onMessage: (() => void) | undefined
  readonly #socket: Socket = createSocket('udp4')
  readonly #callId = `${Math.random().toString(36).slice(2)}@phone`
  #port = 0
  #cseq = 0
  #branch = 0
  /** By the field that carries the answer: a registrar asks for itself, a proxy for its own. */
  readonly #digests = new Map<string, Digest>()
  #pending: Pending | undefined
  readonly #timer: NodeJS.Timeout

  constructor(
    readonly exchange: Exchange,
    readonly user: string,
  ) {
    this.#socket.on('message', (bytes) => this.#read(bytes.toString('latin1')))
    this.#timer = setInterval(() => this.#again(), t1Ms)
  }

  async register(): Promise<void> {
    this.#socket.bind(0, '127.0.0.1')
    await once(this.#socket, 'listening')
    this.#port = this.#socket.address().port
    await this.#bind(3600)
  }

  message(to: string, text: string, done: (status: number) => void): void {
    this.#request('MESSAGE', `sip:${to}`, `sip:${to}`, ['Content-Type: text/plain'], text, done)
  }

  /** Its contact goes with it: the next round's telephones would otherwise ring beside the dead ones. */
  async close(): Promise<void> {
    await this.#bind(0)
    clearInterval(this.#timer)
    this.#socket.close()
  }

  async #bind(expires: number): Promise<void> {
    const { domain } = this.exchange
    const status = await new Promise<number>((resolve) => {
      const contact = `Contact: <sip:${this.user}@127.0.0.1:${this.#port}>;expires=${expires}`
      this.#request('REGISTER', `sip:${domain}`, `sip:${this.user}@${domain}`, [contact], '', resolve)
    })
    if (status !== 200) throw new Error(`${this.user} could not register for ${expires} s: ${status}`)
  }

  #request(method: string, uri: string, to: string, more: readonly string[], text: string, done: (status: number) => void): void {
    const from = `sip:${this.user}@${this.exchange.domain}`
    const lines = [
      `From: <${from}>;tag=${this.user}t${this.#cseq}`,
      `To: <${to}>`,
      `Call-ID: ${method === 'REGISTER' ? this.#callId : `${this.#cseq}-${this.#callId}`}`,
      'Max-Forwards: 70',
      ...more,
    ]
    this.#pending = { method, uri, lines, text, bytes: Buffer.alloc(0), cseq: 0, sentAt: 0, tries: 0, done }
    this.#transmit(this.#pending)
  }

  #transmit(pending: Pending): void {
    pending.cseq = ++this.#cseq
    pending.tries = 0
    let head = `${pending.method} ${pending.uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${this.#port};rport;branch=z9hG4bK${this.user}x${++this.#branch}\r\n`
    for (const line of pending.lines) head += `${line}\r\n`
    head += `CSeq: ${pending.cseq} ${pending.method}\r\n`
    const field = fieldFor(pending.method)
    const digest = this.#digests.get(field)
    if (digest) head += `${field}: ${digest.credentials(pending.method, pending.uri)}\r\n`
    pending.bytes = Buffer.from(`${head}Content-Length: ${pending.text.length}\r\n\r\n${pending.text}`, 'latin1')
    this.#put(pending)
  }

  #put(pending: Pending): void {
    pending.sentAt = performance.now()
    pending.tries++
    this.#socket.send(pending.bytes, this.exchange.sipPort, '127.0.0.1')
  }

  #again(): void {
    const pending = this.#pending
    if (!pending || performance.now() - pending.sentAt < t1Ms) return
    if (pending.tries < maxTries) return this.#put(pending)
    this.#pending = undefined
    pending.done(408)
  }

  #read(text: string): void {
    if (text.startsWith('SIP/2.0 ')) this.#response(text)
    else if (text.startsWith('MESSAGE ')) this.#accept(text)
    else this.problem ??= `${this.user} got ${text.slice(0, 200)}`
  }

  #response(text: string): void {
    const status = Number(text.slice(8, 11))
    const pending = this.#pending
    if (!pending || status < 200 || Number(/\r\nCSeq:\s*(\d+)/i.exec(text)?.[1]) !== pending.cseq) return
    const field = fieldFor(pending.method)
    if ((status === 401 || status === 407) && (!this.#digests.has(field) || /stale\s*=\s*"?true/i.test(text))) {
      const challenges = [...text.matchAll(/\r\n(?:WWW|Proxy)-Authenticate:\s*([^\r]+)/gi)].map((match) => match[1] ?? '')
      this.#digests.set(field, new Digest(chosen(challenges), this.user, this.exchange.password))
      this.#transmit(pending)
      return
    }
    this.#pending = undefined
    pending.done(status)
  }

  /** 200, with the fields a response echoes (RFC 3261 §8.2.6.2). */
  #accept(text: string): void {
    const head = text.indexOf('\r\n\r\n')
    let answer = 'SIP/2.0 200 OK\r\n'
    let from = text.indexOf('\r\n') + 2
    while (from < head) {
      let end = text.indexOf('\r\n', from)
      if (end < 0) end = head
      const first = text.charCodeAt(from) | 0x20
      // v f t c: only lines that may be Via, From, To, Call-ID or CSeq, long or compact, are looked at.
      if (first === 0x76 || first === 0x66 || first === 0x74 || first === 0x63 || first === 0x69) {
        const line = text.slice(from, end)
        if (/^(?:via|v|from|f|call-id|i|cseq)\s*:/i.test(line)) answer += `${line}\r\n`
        else if (/^(?:to|t)\s*:/i.test(line)) answer += `${line};tag=p\r\n`
      }
      from = end + 2
    }
    const source = this.exchange
    this.#socket.send(Buffer.from(`${answer}Content-Length: 0\r\n\r\n`, 'latin1'), source.sipPort, '127.0.0.1')
    const number = Number.parseInt(text.slice(head + 4, head + 16), 10)
    if (number <= this.received) {
      this.repeated++ // A retransmission: its 200 was lost.
      return
    }
    if (number !== this.received + 1) this.problem ??= `${this.user} expected message ${this.received + 1}, got ${text}`
    this.received++
    this.onMessage?.()
  }
}

/** Our exchange is the registrar of its telephones (401) and the proxy of what they send on (407). */
function fieldFor(method: string): string {
  return method === 'REGISTER' ? 'Authorization' : 'Proxy-Authorization'
}
