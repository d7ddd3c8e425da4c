/** Another server, which does with TLS what a test wants to see, believes every dialback key, and keeps what it was told. */
import { createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { type Element, el } from '../../src/xml/element.ts'
import { type StreamHandler, StreamParser } from '../../src/xml/stream-parser.ts'
import { openTag, write, XML_DECLARATION } from '../../src/xml/write.ts'
import { NS_STREAM, NS_TLS } from './client.ts'

export const NS_SERVER = 'jabber:server'
export const NS_DIALBACK = 'jabber:server:dialback'
export const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const PREFIXES = ['stream', NS_STREAM, 'db', NS_DIALBACK]
/** A fatal handshake_failure. */
const ALERT = Buffer.from([0x15, 3, 3, 0, 2, 2, 40])

export interface Script {
  /** What becomes of TLS; `none`: it is not offered. */
  readonly tls: 'works' | 'none' | 'alert' | 'silence' | 'reset' | 'failure'
  readonly certificate?: { readonly cert: string; readonly key: string }
  /** TLS, or nothing. */
  readonly requiresTls?: boolean
  /** What it says to a key; nothing at all where undefined. */
  readonly verdict?: 'valid' | 'invalid' | undefined
  /** It sees that there are no stanzas for a while. */
  readonly isDirect?: boolean
}

export interface Got {
  readonly xml: Element
  readonly encrypted: boolean
}

export class ScriptedServer {
  /** Everything that came without TLS, as text. */
  clear = ''
  readonly stanzas: Got[] = []
  connections = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #waiting: { readonly count: number; readonly tell: () => void }[] = []

  private constructor(readonly script: Script) {
    this.#server = createServer((socket) => {
      this.connections++
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
      new Talk(this, socket)
    })
  }

  static async start(script: Script, port = 0): Promise<ScriptedServer> {
    const made = new ScriptedServer(script)
    await new Promise<void>((resolve) => made.#server.listen(port, '127.0.0.1', resolve))
    return made
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  get open(): number {
    return this.#sockets.size
  }

  got(stanza: Got): void {
    this.stanzas.push(stanza)
    for (const { count, tell } of this.#waiting) if (this.stanzas.length >= count) tell()
  }

  /** Resolves when so many stanzas have come. */
  until(count: number): Promise<void> {
    return this.stanzas.length >= count ? Promise.resolve() : new Promise((tell) => this.#waiting.push({ count, tell }))
  }

  /** As a machine that loses its power: connections are reset. */
  kill(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Streams end as they should. */
  goodbye(): void {
    for (const socket of this.#sockets) socket.end('</stream:stream>')
  }

  stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }
}

/** One stream. */
class Talk implements StreamHandler {
  #socket: Socket
  #parser = new StreamParser(this)
  #isSecure = false
  #id = 0

  constructor(
    readonly server: ScriptedServer,
    readonly raw: Socket,
  ) {
    this.#socket = raw
    raw.on('data', this.#plain)
  }

  readonly #plain = (chunk: Buffer): void => {
    this.server.clear += chunk.toString('latin1')
    this.#parser.push(chunk)
  }

  streamOpened(header: Element): void {
    const { script } = this.server
    const ours = el('stream', NS_STREAM, { from: header.attr('to'), to: header.attr('from'), id: `s${++this.#id}`, version: '1.0' })
    this.#socket.write(XML_DECLARATION + openTag(ours, NS_SERVER, PREFIXES))
    const starttls = el('starttls', NS_TLS, {}, ...(script.requiresTls ? [el('required', NS_TLS)] : []))
    this.#say(el('features', NS_STREAM, {}, ...(script.tls === 'none' || this.#isSecure ? [] : [starttls])))
  }

  elementArrived(xml: Element): void {
    const { script } = this.server
    if (xml.is('starttls', NS_TLS)) return this.#startTls()
    if (xml.is('result', NS_DIALBACK)) {
      if (!('verdict' in script) || script.verdict)
        this.#say(el('result', NS_DIALBACK, { from: xml.attr('to'), to: xml.attr('from'), type: script.verdict ?? 'valid' }))
      return
    }
    this.server.got({ xml, encrypted: this.#isSecure })
  }

  streamClosed(): void {
    this.#socket.end('</stream:stream>')
  }

  #startTls(): void {
    const { tls, certificate } = this.server.script
    if (tls === 'failure') {
      this.#say(el('failure', NS_TLS))
      return void this.#socket.end('</stream:stream>')
    }
    this.#say(el('proceed', NS_TLS))
    this.raw.off('data', this.#plain)
    if (tls === 'silence') return void this.raw.resume()
    if (tls === 'reset') return void this.raw.once('data', () => this.raw.resetAndDestroy())
    if (tls === 'alert' || !certificate) return void this.raw.once('data', () => this.raw.end(ALERT))
    const socket = new TLSSocket(this.raw, { isServer: true, secureContext: createSecureContext(certificate) })
    socket.on('error', () => {})
    this.#parser = new StreamParser(this)
    this.#isSecure = true
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#parser.push(chunk))
  }

  #say(xml: Element): void {
    this.#socket.write(write(xml, NS_SERVER, PREFIXES))
  }
}
