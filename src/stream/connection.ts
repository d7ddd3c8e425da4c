/** One accepted connection: bytes become elements and elements bytes (RFC 6120 §4). What they mean is its conversation's affair. */

import { randomUUID, type X509Certificate } from 'node:crypto'
import { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { blankStanza } from '../log/blank-stanza.ts'
import type { Log } from '../log/log.ts'
import { NS_CLIENT } from '../stanza/stanza.ts'
import { type Element, el } from '../xml/element.ts'
import type { StreamHandler } from '../xml/stream-parser.ts'
import { XmlError } from '../xml/xml-error.ts'
import { Allowance } from './allowance.ts'
import type { TlsBinding } from './channel-binding.ts'
import { type ConnectionSettings, type Conversation, type Header, versionOf } from './conversation.ts'
import { DOCUMENT, type Framing, type Protection, type StreamReader } from './framing.ts'
import { NS_STREAM } from './namespaces.ts'
import { Outlet } from './outlet.ts'
import { type Pipe, read, type SocketOwner, stopReading, watch } from './socket-events.ts'
import { StreamError } from './stream-error.ts'
import { type Remote, type Role, tagOf } from './tag.ts'
import { peerCertificateOf, type Securing, trustedPeerOf } from './tls.ts'

export class Connection implements StreamHandler, SocketOwner, Securing {
  role: Role = 'XMPPI'
  #conversation: Conversation
  readonly #raw: Pipe
  /** Where the stream is read and written: the raw connection, or TLS around it. */
  #socket: Pipe
  readonly #parser: StreamReader
  readonly #outlet: Outlet
  #state: 'open' | 'securing' | 'closing' | 'over' = 'open'
  /** The name of the TLS handshake that is under way. */
  #handshake: string | undefined
  #isSecure = false
  #binding: TlsBinding | undefined
  /** Ours; undefined until it is sent. */
  #header: Header | undefined
  #timer: NodeJS.Timeout | undefined
  #stranger: Allowance | undefined // until somebody has logged in

  constructor(
    socket: Pipe,
    readonly number: number,
    readonly remote: Remote,
    private readonly settings: ConnectionSettings,
    private readonly framing: Framing = DOCUMENT,
  ) {
    const { limits } = settings
    this.#raw = socket
    this.#socket = socket
    this.#parser = framing.reader(this, settings.xml.strangers)
    this.#outlet = new Outlet(socket, limits.sessionPendingMaxBytes)
    this.#stranger = new Allowance(limits.strangerMaxBytes)
    this.#conversation = settings.conversationOn(this)
    this.#timer = setTimeout(onTimer, limits.authenticationSeconds * 1000, this)
    watch(socket, this)
  }

  /** Reads the stream as it comes; `protection`: where what carries it has TLS of its own. */
  begin(protection?: Protection): void {
    this.#isSecure = protection !== undefined
    this.#binding = protection?.binding
    read(this.#raw)
  }

  /** TLS first (XEP-0368). */
  beginSecure(): void {
    this.#secure(undefined)
  }

  get log(): Log {
    return this.settings.log.tagged(tagOf(this.role, this.number, this.remote))
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Nobody else can read what is said here. */
  get isSecure(): boolean {
    return this.#isSecure
  }

  get canStartTls(): boolean {
    return !this.isSecure && this.settings.tls !== undefined && this.#raw instanceof Socket
  }

  get defaultDomain(): string {
    return this.settings.defaultDomain
  }

  /** What a login can be bound to; undefined in the clear, and where the TLS is somebody else's. */
  get binding(): TlsBinding | undefined {
    return this.#binding
  }

  /** The certificate its peer has shown under TLS, where an authority we trust stands behind it. */
  get trustedPeer(): X509Certificate | undefined {
    return trustedPeerOf(this.#socket)
  }

  /** The one it has shown, whoever stands behind it. */
  get peerCertificate(): X509Certificate | undefined {
    return peerCertificateOf(this.#socket)
  }

  /** Somebody else takes over; the one before hears nothing more. */
  talkWith(conversation: Conversation): void {
    this.#conversation = conversation
  }

  // --- out ---

  /** Answers the stream's id. */
  header(header: Header): string {
    const { ns, from, to, prefixes } = header
    this.#header = header
    const id = randomUUID() // RFC 6120 §4.7.3: nobody can guess it
    this.#say(this.framing.opening(el('stream', NS_STREAM, { from, to, id, version: versionOf(header), 'xml:lang': 'en' }), ns, prefixes))
    return id
  }

  /** One first-level element, written before this turn of the event loop ends. */
  send(xml: Element): void {
    if (this.#state === 'open') this.#say(this.#textOf(xml))
  }

  /** A stanza, in jabber:client as everywhere in the house, as one of this stream's own namespace. */
  sendStanza(xml: Element): void {
    if (this.#state === 'open') this.#say(this.framing.element(xml, NS_CLIENT))
  }

  /** Characters that the kernel has not taken. */
  get waiting(): number {
    return this.#outlet.waiting
  }

  /** As Session.written: resolves when the kernel has taken all that was sent so far. */
  written(): Promise<void> {
    return this.#outlet.written()
  }

  #textOf(xml: Element): string {
    return this.framing.element(xml, this.#header?.ns ?? NS_CLIENT, this.#header?.prefixes)
  }

  #say(text: string): void {
    if (this.settings.log.wants.all) this.log.all({ what: 'sent', xml: blankStanza(text) })
    if (this.#outlet.write(text)) return
    this.log.problem({ what: 'reader_too_slow', waiting: this.#outlet.waiting })
    this.#outlet.drop(new Error('the client does not read'))
    this.fail(new StreamError('policy-violation', 'You read too slowly for what is sent to you'))
  }

  // --- in ---

  streamOpened(root: Element): void {
    if (this.#state !== 'open') return
    if (this.settings.log.wants.all) this.log.all({ what: 'stream_opened', attributes: root.attrs })
    if (root.ns !== NS_STREAM) throw new StreamError('invalid-namespace', `A stream is in the namespace ${NS_STREAM}`)
    if (root.name !== 'stream') throw new StreamError('bad-format', 'A stream begins with a stream element')
    this.#conversation.opened(root, this.#parser.namespaceFor('') ?? '')
  }

  elementArrived(xml: Element): void {
    if (this.#state !== 'open') return
    if (this.settings.log.wants.all) this.log.all({ what: 'received', xml: blankStanza(this.#textOf(xml)) })
    this.#conversation.element(xml)
  }

  streamClosed(): void {
    this.close()
  }

  /** Nothing is read until resume(); what comes meanwhile waits in the kernel. */
  hold(): void {
    this.#parser.hold()
    this.#socket.pause()
  }

  resume(): void {
    if (this.#state !== 'open') return
    this.#socket.resume()
    this.guard(() => this.#parser.resume())
  }

  /** Somebody we know by now begins a new stream (RFC 6120 §4.3.3). */
  restart(): void {
    this.#stranger = undefined
    this.#parser.restart(this.settings.xml.known)
  }

  /** Somebody has proved who he is, and goes on speaking on the same stream (XEP-0114). */
  welcome(): void {
    this.#stranger = undefined
    this.#parser.widen(this.settings.xml.known)
    this.settled()
  }

  /** Negotiation is over, and with it the time that was given for it. */
  settled(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** For what goes on after a wait: what it throws ends the stream, as if it had happened while reading. */
  guard(action: () => void): void {
    try {
      action()
    } catch (cause) {
      this.#broken(cause)
    }
  }

  received(chunk: Buffer): void {
    // In a closing stream nothing is read any more, but taken: bytes that nobody takes would make the kernel reset what we said last.
    if (this.#state !== 'open') return
    try {
      this.#stranger?.take(chunk.length)
      this.#parser.push(chunk)
    } catch (cause) {
      this.#broken(cause)
    }
  }

  #broken(cause: unknown): void {
    if (cause instanceof XmlError) return this.fail(new StreamError(cause.condition, cause.message))
    if (cause instanceof StreamError) return this.fail(cause)
    this.log.failure({ what: 'stream_failed', error: cause instanceof Error ? cause.stack : cause })
    this.fail(new StreamError('internal-server-error'))
  }

  // --- TLS ---

  /** Sends `proceed` and waits for the handshake; `domain`, as A-labels, shows its certificate where the client names no server. A server may show one of its own. */
  startTls(proceed: Element, domain: string, isServer = false): void {
    this.#parser.hold()
    const rest = this.#parser.takeRest()
    // Whatever stands behind <starttls/> in the clear may come from anybody, and must not be taken for what TLS protected.
    if (rest && /[^ \t\r\n]/.test(rest.toString('latin1')))
      throw new StreamError('policy-violation', 'Nothing may follow starttls in the clear')
    this.send(proceed)
    this.#outlet.flush()
    stopReading(this.#raw)
    this.#secure(domain, isServer)
  }

  #secure(domain: string | undefined, isServer = false): void {
    const { tls } = this.settings
    if (!tls || !(this.#raw instanceof Socket)) return this.destroy()
    this.#state = 'securing'
    // A peer that ends in the middle of the handshake has nothing to wait for.
    this.#raw.allowHalfOpen = false
    this.#handshake = tls.secure(this.#raw, domain, this, isServer)
  }

  secured(socket: TLSSocket, binding: TlsBinding): void {
    if (this.#state !== 'securing') return void socket.destroy()
    this.#state = 'open'
    this.#handshake = undefined
    this.#isSecure = true
    this.#binding = binding
    this.#parser.restart()
    this.#parser.resume()
    socket.allowHalfOpen = true
    this.#socket = socket
    this.#outlet.use(socket)
    watch(socket, this)
    read(socket)
    if (this.settings.log.wants['low-level'])
      this.log.lowLevel({ what: 'tls_established', protocol: socket.getProtocol(), cipher: socket.getCipher().name })
  }

  notSecured(why: Error): void {
    this.log.problem({ what: 'tls_failed', why: why.message })
    this.destroy()
  }

  // --- the end ---

  /** Ends the stream with an error (RFC 6120 §4.9), behind a header where none was sent yet. */
  fail(error: StreamError): void {
    if (this.#state !== 'open') return this.#state === 'securing' ? this.destroy() : undefined
    this.log.problem({ what: 'stream_error', condition: error.condition, text: error.text })
    if (this.#header === undefined) this.header({ ns: NS_CLIENT, from: this.settings.defaultDomain })
    this.#leave(this.#textOf(error.element()) + this.framing.closing)
  }

  /** Ends the stream without one (RFC 6120 §4.4), or answers the peer that does. */
  close(): void {
    if (this.#state === 'open') this.#leave(this.#header === undefined ? '' : this.framing.closing)
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#raw.destroy()
    this.#over()
  }

  #leave(lastWords: string): void {
    this.#state = 'closing'
    this.#conversation.ended()
    if (this.settings.log.wants.all) this.log.all({ what: 'sent', xml: lastWords })
    this.#outlet.end(lastWords)
    this.#socket.resume()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(onTimer, this.settings.limits.closeSeconds * 1000, this)
  }

  peerEnded(): void {
    this.close()
  }

  socketFailed(error: Error): void {
    // 'close' follows, and says the rest.
    this.log.lowLevel({ what: 'connection_failed', why: error.message })
  }

  socketClosed(): void {
    this.#over()
  }

  #over(): void {
    if (this.#state === 'over') return
    const isSilent = this.#state === 'closing'
    if (this.#handshake !== undefined) this.settings.tls?.abandon(this.#handshake)
    this.#state = 'over'
    clearTimeout(this.#timer)
    this.#outlet.lost()
    if (!isSilent) this.#conversation.ended()
    this.log.lowLevel({ what: 'disconnected' })
    this.settings.gone(this)
  }

  /** Called by the timer. */
  timeIsUp(): void {
    if (this.#state !== 'open') return this.destroy()
    const { authenticationSeconds } = this.settings.limits
    const heard = this.#header !== undefined
    this.fail(
      heard
        ? new StreamError('policy-violation', `A login has to be done in ${authenticationSeconds} seconds`)
        : new StreamError('connection-timeout', `No stream header for ${authenticationSeconds} seconds`),
    )
  }
}

function onTimer(connection: Connection): void {
  connection.timeIsUp()
}
