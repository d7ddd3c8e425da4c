/** A stanza as a signal: message is MESSAGE, iq is INFO, presence is SUBSCRIBE or NOTIFY. What the router asks is there at once; the request is built when a hop wants it. */
import type { SipUri } from '../address/sip-uri.ts'
import { SipUriError } from '../address/sip-uri.ts'
import type { Arrival, HopPolicy, Signal } from '../core/port.ts'
import { printDate } from '../sip/date.ts'
import type { SipRequest } from '../sip/message.ts'
import { delayOf } from '../stanza/delay.ts'
import { StanzaError } from '../stanza/error.ts'
import type { Stanza } from '../stanza/stanza.ts'
import { uriFor } from './address.ts'
import { callIdFor } from './call-id.ts'
import { oneLine, quotedName } from './header-text.ts'
import { IqContent } from './iq-to-sip.ts'
import { languageOf, languageTag, nativeChild } from './language.ts'
import type { Making } from './making.ts'
import { MessageContent } from './message-to-sip.ts'
import { KINDS } from './presence/kinds.ts'
import { PresenceContent, presenceField } from './presence/presence-to-sip.ts'
import { type Content, requestOf } from './request.ts'

const NS_NICK = 'http://jabber.org/protocol/nick'
const MAX_FORWARDS = 70 // RFC 3261 §8.1.1.6
const FROM_STREAM: Arrival = { kind: 'stream' }

export interface SignalOptions {
  readonly arrival?: Arrival
  /** The addresses as URIs, where the caller has them already. */
  readonly from?: SipUri
  readonly to?: SipUri
  readonly maxForwards?: number
}

const NONE: SignalOptions = {}

/** Throws StanzaError for what cannot become a signal. */
export function toSignal(stanza: Stanza, making: Making, options: SignalOptions = NONE): Signal {
  const method = methodFor(stanza)
  const from = options.from ?? uriOf(stanza.from)
  const to = options.to ?? uriOf(stanza.to)
  return new StanzaSignal(
    method,
    stanza,
    from,
    to,
    options.maxForwards ?? MAX_FORWARDS,
    options.arrival ?? FROM_STREAM,
    making,
    to,
    undefined,
  )
}

function methodFor(stanza: Stanza): string {
  const { xml } = stanza
  if (xml.name === 'message') return 'MESSAGE'
  if (xml.name === 'presence') return methodOfPresence(stanza)
  // RFC 6120 §8.2.3: an id, one of four types, and in a request exactly one payload.
  if (!xml.attr('id')) throw new StanzaError('modify', 'bad-request', 'An iq needs an id')
  const type = xml.attr('type')
  if (type === 'get' || type === 'set') {
    let payloads = 0
    for (const child of xml.children) if (typeof child !== 'string') payloads++
    if (payloads !== 1) throw new StanzaError('modify', 'bad-request', 'A request holds exactly one element')
  } else if (type !== 'result' && type !== 'error') {
    throw new StanzaError('modify', 'bad-request', 'An iq is a get, a set, a result or an error')
  }
  return 'INFO'
}

function methodOfPresence({ type }: Stanza): string {
  const kind = KINDS.get(type)
  if (kind) return kind.method
  throw new StanzaError('modify', 'bad-request', 'A presence of this type is unknown (RFC 6121 §4.7.1)')
}

function uriOf(jid: Stanza['to']): SipUri {
  try {
    return uriFor(jid)
  } catch (cause) {
    if (cause instanceof SipUriError) throw new StanzaError('modify', 'jid-malformed', cause.message)
    throw cause
  }
}

export class StanzaSignal implements Signal {
  readonly received = undefined
  readonly #making: Making
  readonly #addressed: SipUri
  /** The signal this is a readdressed copy of: all copies are one request to SIP, with one Call-ID and one From-tag. */
  readonly #first: StanzaSignal | undefined
  #callId: string | undefined = undefined
  #tag: string | undefined = undefined

  constructor(
    readonly method: string,
    readonly origin: Stanza,
    readonly from: SipUri,
    readonly to: SipUri,
    readonly maxForwards: number,
    readonly arrival: Arrival,
    making: Making,
    /** What To names: the address the sender wrote, wherever the signal goes now. */
    addressed: SipUri,
    first: StanzaSignal | undefined,
  ) {
    this.#making = making
    this.#addressed = addressed
    this.#first = first
  }

  /** Goes where the stanza says. */
  get isAsAddressed(): boolean {
    return this.to === this.#addressed
  }

  get callId(): string {
    if (this.#first) return this.#first.callId
    this.#callId ??= callIdFor(this.method === 'MESSAGE' ? this.origin.xml.child('thread')?.text() : undefined, this.#making)
    return this.#callId
  }

  /** Fresh for each stanza: in one thread the same Call-ID and CSeq come again, and only this says that it is another request. */
  get tag(): string {
    if (this.#first) return this.#first.tag
    this.#tag ??= this.#making.tag()
    return this.#tag
  }

  readdressed(to: SipUri): StanzaSignal {
    const { method, origin, from, maxForwards, arrival } = this
    return new StanzaSignal(method, origin, from, to, maxForwards - 1, arrival, this.#making, this.#addressed, this.#first ?? this)
  }

  /** The fields a stanza has by itself; P-XMPP-Data and Content-Type depend on the hop and are only in the request. */
  header(name: string): string | undefined {
    const { xml } = this.origin
    switch (name.toLowerCase()) {
      case 'from':
        return this.#fromField(this.from)
      case 'to':
        return `<${this.#addressed}>`
      case 'call-id':
        return this.callId
      case 'cseq':
        return `1 ${this.method}`
      case 'max-forwards':
        return String(this.maxForwards)
      case 'subject':
        return this.method === 'MESSAGE' ? oneLine(nativeChild(xml, 'subject')?.text() ?? '') || undefined : undefined
      case 'content-language': {
        const body = this.method === 'MESSAGE' ? nativeChild(xml, 'body') : undefined
        if (xml.name === 'presence') return presenceField(this.origin, 'content-language')
        return body && languageTag(languageOf(body, xml))
      }
      case 'date': {
        const sent = this.method === 'MESSAGE' ? delayOf(xml) : undefined
        return sent && printDate(sent.stamp)
      }
      default:
        return this.origin.kind === 'presence' ? this.#presenceField(name.toLowerCase()) : undefined
    }
  }

  #presenceField(name: string): string | undefined {
    return name === 'contact' ? `<${this.from}>` : presenceField(this.origin, name)
  }

  requestFor(hop: HopPolicy): SipRequest {
    const from = hop.fromGruu ? this.from : this.from.bare
    const head = [
      'Max-Forwards',
      String(this.maxForwards - 1),
      'From',
      this.#fromField(from),
      'To',
      `<${this.#addressed}>`,
      'Call-ID',
      this.callId,
      'CSeq',
      `1 ${this.method}`,
    ]
    return requestOf(this.method, this.to.toString(), this.#content(head, from, hop), hop)
  }

  #content(head: readonly string[], from: SipUri, hop: HopPolicy): Content {
    const { origin } = this
    if (this.method === 'MESSAGE') return new MessageContent(origin, head, hop, this.#making)
    if (this.method === 'INFO') return new IqContent(origin, head, hop)
    return new PresenceContent(origin, head, from, hop, this.#making.now())
  }

  /** XEP-0172: the name the sender gives to a stranger is what SIP shows as the display name. */
  #fromField(uri: SipUri): string {
    const nick = this.method !== 'INFO' ? quotedName(this.origin.xml.child('nick', NS_NICK)?.text() ?? '') : ''
    return nick.length > 2 ? `${nick} <${uri}>;tag=${this.tag}` : `<${uri}>;tag=${this.tag}`
  }
}
