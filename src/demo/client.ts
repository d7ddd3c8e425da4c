/** juliet's client: as much of an XMPP client as the demonstration needs (RFC 6120 over TCP with STARTTLS). It tells a witness what it sends and hears. */
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import { errorElement, StanzaError } from '../stanza/error.ts'
import { NS_CLIENT } from '../stanza/stanza.ts'
import { NS_BIND, NS_SASL, NS_STREAM, NS_TLS } from '../stream/namespaces.ts'
import { type Element, el } from '../xml/element.ts'
import { type StreamHandler, StreamParser } from '../xml/stream-parser.ts'
import { openTag, STREAM_PREFIX, write, XML_DECLARATION } from '../xml/write.ts'
import type { Witness } from './crossing.ts'
import { MECHANISM, ScramClient } from './scram-client.ts'
import { stanzaCrossing } from './stanza-crossing.ts'

export interface ClientSettings {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly domain: string
  readonly resource: string
  readonly password: string
  /** PEM: whom it trusts to be the domain. */
  readonly certificate: string
}

interface Waiting {
  readonly answered: (answer: Element) => void
  readonly failed: (cause: Error) => void
}

const NS_PING = 'urn:xmpp:ping'
const NOT_HERE = new StanzaError('cancel', 'service-unavailable', 'A client of a demonstration answers no questions')

export class XmppClient implements StreamHandler {
  #socket: Socket
  #parser = new StreamParser(this)
  #waiting: Waiting | undefined
  #isBound = false
  #isClosing = false

  private constructor(
    socket: Socket,
    private readonly settings: ClientSettings,
    private readonly witness: Witness,
  ) {
    this.#socket = socket
    this.#read(socket)
  }

  /** Connects, secures the stream, proves the password, binds the resource, and says that it is there. */
  static async logIn(settings: ClientSettings, witness: Witness): Promise<XmppClient> {
    const socket = connectTcp({ host: settings.host, port: settings.port, noDelay: true })
    await once(socket, 'connect')
    const client = new XmppClient(socket, settings, witness)
    await client.#open()
    await client.#secure()
    await client.#authenticate()
    await client.#bind()
    client.send(el('presence', NS_CLIENT))
    return client
  }

  message(to: string, id: string, text: string): void {
    this.send(el('message', NS_CLIENT, { to, id, type: 'chat' }, el('body', NS_CLIENT, {}, text)))
  }

  ping(to: string, id: string): void {
    this.send(el('iq', NS_CLIENT, { to, id, type: 'get' }, el('ping', NS_PING)))
  }

  send(xml: Element): void {
    this.#tell(xml, 'in')
    this.#socket.write(write(xml, NS_CLIENT, STREAM_PREFIX))
  }

  async close(): Promise<void> {
    if (this.#socket.destroyed) return
    this.#isClosing = true
    const closed = once(this.#socket, 'close')
    this.#socket.end('</stream:stream>')
    await closed
  }

  // --- the steps of logging in ---

  /** A stream begins; what comes back first is its features. */
  async #open(): Promise<void> {
    this.#parser = new StreamParser(this)
    const header = el('stream', NS_STREAM, { to: this.settings.domain, version: '1.0' })
    const features = this.#answer()
    this.#socket.write(XML_DECLARATION + openTag(header, NS_CLIENT))
    expected(await features, 'features', NS_STREAM)
  }

  async #secure(): Promise<void> {
    expected(await this.#ask(el('starttls', NS_TLS)), 'proceed', NS_TLS)
    const { domain: servername, certificate: ca } = this.settings
    // What stood behind <proceed/> in the clear would be anybody's: it stays in the parser that is left here.
    this.#socket.removeAllListeners()
    const socket = connectTls({ socket: this.#socket, servername, ca })
    this.#socket = socket
    await once(socket, 'secureConnect')
    this.#read(socket)
    this.witness.remarked('xmpp', `${socket.getProtocol()} from here on`)
    await this.#open()
  }

  async #authenticate(): Promise<void> {
    const { user, password } = this.settings
    if (!(this.#socket instanceof TLSSocket)) throw new Error('there is no TLS to bind the login to')
    const scram = new ScramClient(user, password, this.#socket)
    const challenge = await this.#ask(el('auth', NS_SASL, { mechanism: MECHANISM }, scram.first()))
    const response = el('response', NS_SASL, {}, await scram.proof(expected(challenge, 'challenge', NS_SASL).text()))
    scram.confirm(expected(await this.#ask(response), 'success', NS_SASL).text())
    await this.#open()
  }

  async #bind(): Promise<void> {
    const resource = el('resource', NS_BIND, {}, this.settings.resource)
    const answer = await this.#ask(el('iq', NS_CLIENT, { type: 'set', id: 'bind' }, el('bind', NS_BIND, {}, resource)))
    if (answer.attr('type') !== 'result') throw new Error(`the resource was refused: ${answer.child('error')?.firstElement()?.name}`)
    this.#isBound = true
  }

  #ask(xml: Element): Promise<Element> {
    const answer = this.#answer()
    this.send(xml)
    return answer
  }

  /** While a client logs in, every element is the answer to what it said last. */
  #answer(): Promise<Element> {
    return new Promise((answered, failed) => {
      this.#waiting = { answered, failed }
    })
  }

  // --- what it hears ---

  streamOpened(): void {}

  elementArrived(xml: Element): void {
    this.#tell(xml, 'out')
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.answered(xml)
    if (this.#isBound && xml.is('iq', NS_CLIENT)) this.#decline(xml)
  }

  streamClosed(): void {
    this.#socket.end()
  }

  /** RFC 6120 §8.2.3: whoever asks gets an answer. */
  #decline(iq: Element): void {
    const type = iq.attr('type')
    if (type !== 'get' && type !== 'set') return
    this.send(el('iq', NS_CLIENT, { to: iq.attr('from'), id: iq.attr('id'), type: 'error' }, errorElement(NOT_HERE)))
  }

  #tell(xml: Element, direction: 'in' | 'out'): void {
    const crossing = stanzaCrossing(xml, direction)
    if (crossing) this.witness.crossed(crossing)
  }

  #read(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      try {
        this.#parser.push(chunk)
      } catch (cause) {
        socket.destroy(cause instanceof Error ? cause : new Error(String(cause)))
      }
    })
    let why = 'the stream has ended'
    // 'close' follows, and tells who waits.
    socket.on('error', (cause) => {
      why = cause.message
    })
    socket.on('close', () => {
      this.#waiting?.failed(new Error(`juliet's client: ${why}`))
      if (!this.#isClosing) this.witness.remarked('xmpp', why)
    })
  }
}

function expected(answer: Element, name: string, ns: string): Element {
  if (answer.is(name, ns)) return answer
  throw new Error(`wanted <${name}/>, got <${answer.name}/> ${answer.firstElement()?.name ?? ''}`)
}
