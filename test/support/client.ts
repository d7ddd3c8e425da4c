/** An XMPP client for tests: speaks the protocol on our own XML room, over TCP, TLS or a pair of streams in memory. It does what the test says, not what a good client would. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { connect as connectTcp, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls'
import { type Element, el } from '../../src/xml/element.ts'
import { XML_LIMITS } from '../../src/xml/limits.ts'
import { type StreamHandler, StreamParser } from '../../src/xml/stream-parser.ts'
import { openTag, STREAM_PREFIX, write } from '../../src/xml/write.ts'
import { challengeIn, NS_SASL, successIn } from './sasl-answers.ts'

export const NS_CLIENT = 'jabber:client'
export const NS_STREAM = 'http://etherx.jabber.org/streams'
export const NS_TLS = 'urn:ietf:params:xml:ns:xmpp-tls'
export const NS_BIND = 'urn:ietf:params:xml:ns:xmpp-bind'
export const NS_STREAM_ERRORS = 'urn:ietf:params:xml:ns:xmpp-streams'
export const NS_STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

/** What a server can do to a client. `end`: it says nothing more; what follows never comes. */
export type Arrival =
  | { readonly kind: 'header'; readonly header: Element }
  | { readonly kind: 'element'; readonly element: Element }
  | { readonly kind: 'closing tag' }
  | { readonly kind: 'end' }

export interface Header {
  readonly to?: string | undefined
  readonly from?: string | undefined
  readonly version?: string | undefined
  readonly lang?: string | undefined
  readonly ns?: string
}

export interface ScramOptions {
  readonly user: string
  readonly password: string
  readonly hash?: 'SHA-1' | 'SHA-256'
  /** The channel binding to use, which makes it -PLUS. */
  readonly binding?: string
  /** Binding data that is not that of the channel, for a man in the middle. */
  readonly bindingData?: Buffer
  /** `y`: we would bind, but think the server cannot. */
  readonly flag?: 'n' | 'y'
  readonly authzid?: string
  /** The mechanism as it stands in `<auth/>`, where it is not what the rest says. */
  readonly mechanism?: string
}

/** Certificates of test servers are self-signed. */
const TRUSTING: ConnectionOptions = { rejectUnauthorized: false }
const HASHES = { 'SHA-1': ['sha1', 20], 'SHA-256': ['sha256', 32] } as const

export class Client implements StreamHandler {
  /** Who is there and who is not passes it by, for tests that speak of something else. */
  ignoresPresence = false
  #socket: Duplex
  #parser: StreamParser
  readonly #arrived: Arrival[] = []
  readonly #wanted: ((arrival: Arrival) => void)[] = []
  #isOver = false
  #header: Header = {}

  private constructor(socket: Duplex) {
    this.#socket = socket
    this.#parser = this.#newParser()
    this.#read(socket)
  }

  static async connect(port: number, host = '127.0.0.1', localAddress?: string): Promise<Client> {
    const socket = connectTcp({ port, host, ...(localAddress === undefined ? {} : { localAddress }) })
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return new Client(socket)
  }

  static async connectSecurely(port: number, options: ConnectionOptions = {}): Promise<Client> {
    const socket = connectTls({ port, host: '127.0.0.1', ALPNProtocols: ['xmpp-client'], ...TRUSTING, ...options })
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
    return new Client(socket)
  }

  static over(socket: Duplex): Client {
    return new Client(socket)
  }

  /** TCP, STARTTLS, SCRAM, bind: a session as people have it. */
  static async session(port: number, user: string, domain: string, password: string, resource?: string): Promise<Client> {
    const client = await Client.connect(port)
    await client.open({ to: domain })
    await client.startTls()
    await client.scram({ user, password })
    await client.restart()
    await client.bind(resource)
    return client
  }

  // --- what it says ---

  say(text: string | Buffer): void {
    this.#socket.write(text)
  }

  send(xml: Element): void {
    this.say(write(xml, NS_CLIENT, STREAM_PREFIX))
  }

  sayHeader(header: Header): void {
    this.#header = header
    const { to, from, version = '1.0', lang, ns = NS_CLIENT } = header
    const stream = el('stream', NS_STREAM, { to, from, version: version === '' ? undefined : version, 'xml:lang': lang })
    this.say(`<?xml version='1.0'?>${openTag(stream, ns)}`)
  }

  /** Opens a stream; what comes back is its features. */
  async open(header: Header): Promise<Element> {
    this.sayHeader(header)
    await this.receiveHeader()
    return this.receive()
  }

  /** The same again, after TLS or a login. */
  restart(header: Header = this.#header): Promise<Element> {
    this.expectRestart()
    return this.open(header)
  }

  /** What comes next from the server is a new stream. */
  expectRestart(): void {
    this.#parser.restart()
    this.#parser.resume()
  }

  // --- what it hears ---

  next(): Promise<Arrival> {
    const arrival = this.#arrived.shift()
    if (arrival) return Promise.resolve(arrival)
    if (this.#isOver) return Promise.resolve({ kind: 'end' })
    return new Promise((resolve) => this.#wanted.push(resolve))
  }

  async receiveHeader(): Promise<Element> {
    const arrival = await this.next()
    if (arrival.kind !== 'header') throw new Error(`wanted a stream header, got ${told(arrival)}`)
    return arrival.header
  }

  /** The next first-level element. */
  async receive(): Promise<Element> {
    const arrival = await this.next()
    if (arrival.kind !== 'element') throw new Error(`wanted an element, got ${told(arrival)}`)
    return arrival.element
  }

  /** The condition and text of the stream error that comes now, after which the stream must end. */
  async receiveStreamError(): Promise<{ condition: string; text: string }> {
    let arrival = await this.next()
    if (arrival.kind === 'header') arrival = await this.next()
    if (arrival.kind !== 'element' || !arrival.element.is('error', NS_STREAM))
      throw new Error(`wanted a stream error, got ${told(arrival)}`)
    const { element } = arrival
    const condition = element.elements().find(({ name }) => name !== 'text')?.name ?? ''
    const text = element.child('text', NS_STREAM_ERRORS)?.text() ?? ''
    const closing = await this.next()
    if (closing.kind !== 'closing tag') throw new Error(`wanted the closing tag, got ${told(closing)}`)
    return { condition, text }
  }

  /** Resolves when the server has said its last. */
  async receiveEnd(): Promise<void> {
    for (;;) if ((await this.next()).kind === 'end') return
  }

  // --- negotiation ---

  async startTls(options: ConnectionOptions = {}): Promise<Element> {
    this.send(el('starttls', NS_TLS))
    const answer = await this.receive()
    if (!answer.is('proceed', NS_TLS)) throw new Error(`starttls was answered by ${answer.name}`)
    await this.secure(options)
    return this.open(this.#header)
  }

  /** Puts TLS around what is there. */
  async secure(options: ConnectionOptions = {}): Promise<void> {
    const raw = this.#socket
    raw.removeAllListeners()
    this.#parser = this.#newParser()
    raw.on('error', () => this.#arrive({ kind: 'end' }))
    if (!(raw instanceof Socket)) throw new Error('TLS wants a TCP socket')
    const servername = this.#header.to
    const socket = connectTls({ socket: raw, ...(servername === undefined ? {} : { servername }), ...TRUSTING, ...options })
    this.#socket = socket
    await new Promise<void>((resolve, reject) =>
      socket
        .once('secureConnect', resolve)
        .once('error', reject)
        .once('close', () => reject(new Error('closed in the handshake'))),
    )
    this.#read(socket)
  }

  get tls(): TLSSocket {
    if (!(this.#socket instanceof TLSSocket)) throw new Error('there is no TLS')
    return this.#socket
  }

  auth(mechanism: string | undefined, message?: string | Buffer): void {
    this.send(el('auth', NS_SASL, { mechanism }, ...content(message)))
  }

  respond(message?: string | Buffer): void {
    this.send(el('response', NS_SASL, {}, ...content(message)))
  }

  /** Throws Refused. */
  async plain(user: string, password: string, authzid = ''): Promise<void> {
    this.auth('PLAIN', Buffer.from(`${authzid}\0${user}\0${password}`))
    successIn(await this.receive())
  }

  /** Throws Refused. Checks the server's signature, as a client must. */
  async scram(options: ScramOptions): Promise<void> {
    const { user, password, hash = 'SHA-256', binding, flag = 'n', authzid } = options
    const [digest, length] = HASHES[hash]
    const gs2 = `${binding === undefined ? flag : `p=${binding}`},${authzid === undefined ? '' : `a=${authzid}`},`
    const bare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${randomBytes(12).toString('base64')}`
    this.auth(options.mechanism ?? `SCRAM-${hash}${binding === undefined ? '' : '-PLUS'}`, Buffer.from(gs2 + bare))
    const challenge = Buffer.from(challengeIn(await this.receive()), 'base64').toString()
    const { r = '', s = '', i = '' } = Object.fromEntries(challenge.split(',').map((part) => [part[0], part.slice(2)]))
    const cbind = binding === undefined ? Buffer.alloc(0) : (options.bindingData ?? this.bindingData(binding))
    const withoutProof = `c=${Buffer.concat([Buffer.from(gs2), cbind]).toString('base64')},r=${r}`
    const salted = pbkdf2Sync(password, Buffer.from(s, 'base64'), Number(i), length, digest)
    const hmac = (key: Buffer, text: string) => createHmac(digest, key).update(text).digest()
    const clientKey = hmac(salted, 'Client Key')
    const authMessage = `${bare},${challenge},${withoutProof}`
    const signature = hmac(createHash(digest).update(clientKey).digest(), authMessage)
    const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)))
    this.respond(Buffer.from(`${withoutProof},p=${proof.toString('base64')}`))
    const final = Buffer.from(successIn(await this.receive()), 'base64').toString()
    const expected = `v=${hmac(hmac(salted, 'Server Key'), authMessage).toString('base64')}`
    if (final !== expected) throw new Error('the server does not know the password either')
  }

  bindingData(type: string): Buffer {
    if (type === 'tls-exporter') return this.tls.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
    if (type === 'tls-unique') return this.tls.getFinished() ?? Buffer.alloc(0)
    // Certificates of these tests are signed with SHA-256.
    return createHash('sha256').update(this.tls.getPeerCertificate().raw).digest()
  }

  /** Answers the full address. */
  async bind(resource?: string): Promise<string> {
    const wanted = resource === undefined ? [] : [el('resource', NS_BIND, {}, resource)]
    this.send(el('iq', NS_CLIENT, { type: 'set', id: 'bind' }, el('bind', NS_BIND, {}, ...wanted)))
    const answer = await this.receive()
    const jid = answer.child('bind', NS_BIND)?.child('jid')?.text()
    if (answer.attr('type') !== 'result' || jid === undefined) throw new Error(`binding was answered by ${write(answer, NS_CLIENT)}`)
    return jid
  }

  // --- the end ---

  /** The closing handshake of RFC 6120 §4.4. */
  async close(): Promise<void> {
    this.say('</stream:stream>')
    await this.receiveEnd()
    this.#socket.end()
  }

  /** Our half ends without a word. */
  hangUp(): void {
    this.#socket.end()
  }

  /** As a cable that is pulled out. */
  destroy(): void {
    this.#socket.destroy()
  }

  /** Stops taking what comes, until resume(). */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  // --- the handler of its parser ---

  streamOpened(header: Element): void {
    this.#arrive({ kind: 'header', header })
  }

  elementArrived(element: Element): void {
    // What stands behind these belongs to another stream, which is read when the test says so.
    if (element.is('success', NS_SASL) || element.is('proceed', NS_TLS)) this.#parser.hold()
    if (this.ignoresPresence && element.name === 'presence' && [undefined, 'unavailable'].includes(element.attr('type'))) return
    this.#arrive({ kind: 'element', element })
  }

  streamClosed(): void {
    this.#arrive({ kind: 'closing tag' })
  }

  #newParser(): StreamParser {
    return new StreamParser(this, { ...XML_LIMITS, stanzaMaxBytes: 1_000_000_000, elementsMax: 1_000_000 })
  }

  #read(socket: Duplex): void {
    socket.on('data', (chunk: Buffer) => this.#parser.push(chunk))
    socket.on('end', () => this.#arrive({ kind: 'end' }))
    socket.on('error', () => this.#arrive({ kind: 'end' }))
    socket.on('close', () => this.#arrive({ kind: 'end' }))
  }

  #arrive(arrival: Arrival): void {
    if (this.#isOver) return
    this.#isOver = arrival.kind === 'end'
    const wanted = this.#wanted.shift()
    if (wanted) wanted(arrival)
    else this.#arrived.push(arrival)
    if (this.#isOver) for (const other of this.#wanted.splice(0)) other(arrival)
  }
}

function content(message: string | Buffer | undefined): string[] {
  if (message === undefined) return []
  if (typeof message === 'string') return [message]
  return [message.length === 0 ? '=' : message.toString('base64')]
}

function told(arrival: Arrival): string {
  return arrival.kind === 'element' ? write(arrival.element, NS_CLIENT) : `the ${arrival.kind}`
}
