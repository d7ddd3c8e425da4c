/** A bound client stream (RFC 6120 §7, RFC 6121): what it sends goes to the core, what reaches its address is written to it. */
import { kept } from '../account/presence-stanza.ts'
import type { Session } from '../account/sessions.ts'
import { Jid, JidError } from '../address/jid.ts'
import type { SipUri } from '../address/sip-uri.ts'
import type { MaybePromise } from '../core/port.ts'
import { CONDITIONS, NS_STANZAS } from '../stanza/error.ts'
import { NS_CLIENT } from '../stanza/stanza.ts'
import { type Element, el } from '../xml/element.ts'
import type { ClientRooms } from './c2s.ts'
import type { Connection } from './connection.ts'
import type { Conversation } from './conversation.ts'
import { NS_BIND, NS_SESSION } from './namespaces.ts'
import { isStreamCondition, StreamError } from './stream-error.ts'

/** xs:byte, as RFC 6121 §4.7.2.3 has it. */
const PRIORITY = /^\s*[+-]?\d{1,3}\s*$/

export class BoundSession implements Session, Conversation {
  priority: number | undefined
  presence: Element | undefined
  isInterested = false

  constructor(
    readonly connection: Connection,
    private readonly rooms: ClientRooms,
    readonly jid: Jid,
    readonly uri: SipUri,
    readonly lang: string | undefined,
  ) {}

  // --- as the account sees it ---

  deliver(xml: Element): void {
    this.connection.send(xml)
  }

  written(): Promise<void> {
    return this.connection.written()
  }

  end(condition: string, text?: string): void {
    const known = isStreamCondition(condition) ? condition : 'undefined-condition'
    this.connection.fail(new StreamError(known, text))
  }

  // --- as the connection sees it ---

  opened(): void {
    throw new StreamError('bad-format', 'A stream does not begin again after binding')
  }

  element(xml: Element): void {
    if (xml.ns !== NS_CLIENT) throw unsupported(xml)
    const from = xml.attr('from')
    if (from !== undefined) this.#checkFrom(from)
    switch (xml.name) {
      case 'message':
        return this.#takenInOrder(this.rooms.fromClient.take(this, xml))
      case 'presence':
        return this.#presence(xml)
      case 'iq':
        return this.#iq(xml)
      default:
        throw unsupported(xml)
    }
  }

  ended(): void {
    const wasAvailable = this.presence !== undefined
    this.priority = undefined
    this.presence = undefined
    this.rooms.sessions.remove(this)
    this.rooms.fromClient.ended(this, wasAvailable)
  }

  /** What the client says next counts on what it has said (RFC 6120 §10.1), so it is read when that is done. */
  #takenInOrder(taken: MaybePromise<void>): void {
    if (!(taken instanceof Promise)) return
    this.connection.hold()
    taken.finally(() => this.connection.resume())
  }

  /** Undirected presence says whether this device is there (RFC 6121 §4.2, §4.5); any other goes its way. */
  #presence(xml: Element): void {
    const { fromClient } = this.rooms
    const type = xml.attr('type')
    if (xml.attr('to') !== undefined || (type !== undefined && type !== 'unavailable'))
      return this.#takenInOrder(fromClient.take(this, xml))
    const wasAvailable = this.presence !== undefined
    const presence = kept(xml, this.lang)
    if (type === 'unavailable') {
      this.priority = undefined
      this.presence = undefined
      return this.#takenInOrder(fromClient.unavailable(this, presence, wasAvailable))
    }
    const written = xml.child('priority')?.text() ?? '0'
    const priority = PRIORITY.test(written) ? Number(written) : Number.NaN
    if (!(priority >= -128 && priority <= 127)) return this.#answer(xml, 'error', badRequest('A priority is a number from -128 to 127'))
    this.priority = priority
    this.presence = presence
    this.#takenInOrder(fromClient.available(this, presence, !wasAvailable))
  }

  #iq(xml: Element): void {
    if (xml.attr('type') === 'set') {
      const ns = xml.firstElement()?.ns
      if (ns === NS_SESSION) return this.#answer(xml, 'result')
      if (ns === NS_BIND) return this.#answer(xml, 'error', notAllowed('A stream binds one resource'))
    }
    this.#takenInOrder(this.rooms.fromClient.take(this, xml))
  }

  #answer(xml: Element, type: 'result' | 'error', ...content: Element[]): void {
    this.deliver(el(xml.name, NS_CLIENT, { type, id: xml.attr('id'), to: this.jid.toString() }, ...content))
  }

  /** RFC 6120 §8.1.2.1: the sender is this device or its account, or somebody pretends. */
  #checkFrom(from: string): void {
    if (from === this.jid.toString()) return
    try {
      const jid = Jid.parse(from)
      if (jid.equals(this.jid) || jid.equals(this.jid.bare)) return
    } catch (cause) {
      if (!(cause instanceof JidError)) throw cause
    }
    throw new StreamError('invalid-from', `You are ${this.jid} and nobody else`)
  }
}

const unsupported = (xml: Element): StreamError =>
  new StreamError('unsupported-stanza-type', `<${xml.name}/> in the namespace ${xml.ns} means nothing here`)

const error = (condition: 'bad-request' | 'not-allowed', text: string): Element =>
  el('error', NS_CLIENT, { type: CONDITIONS[condition] }, el(condition, NS_STANZAS), el('text', NS_STANZAS, { 'xml:lang': 'en' }, text))
const badRequest = (text: string): Element => error('bad-request', text)
const notAllowed = (text: string): Element => error('not-allowed', text)
