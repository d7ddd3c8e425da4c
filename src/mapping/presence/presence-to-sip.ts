/** RFC 8048 §5, §6.2: one `<presence/>` with an addressee becomes one SUBSCRIBE or NOTIFY; only those who carry P-XMPP-Data get it in this form. */
import type { SipUri } from '../../address/sip-uri.ts'
import type { HopPolicy } from '../../core/port.ts'
import type { Stanza } from '../../stanza/stanza.ts'
import type { Element } from '../../xml/element.ts'
import { isSameLanguage, languageTag } from '../language.ts'
import type { Content } from '../request.ts'
import { NOTHING_NATIVE, residueOf } from '../residue.ts'
import { isAvailable } from './aggregate.ts'
import { EVENT, KINDS } from './kinds.ts'
import { PRESENCE_LIMITS } from './limits.ts'
import { PIDF } from './pidf.ts'
import { presenceDocument } from './presence-document.ts'
import { decimalOf, priorityIn } from './priority.ts'
import { isShow } from './rpid.ts'

/** The fields that say what kind of presence it is. */
export function presenceField(stanza: Stanza, name: string): string | undefined {
  const kind = KINDS.get(stanza.type)
  switch (name) {
    case 'event':
      return EVENT
    case 'expires':
      return kind?.expires
    case 'subscription-state':
      return kind?.state
    case 'accept':
      return kind?.method === 'SUBSCRIBE' ? PIDF : undefined
    case 'content-language':
      return kind?.hasDocument ? languageTag(stanza.xml.attr('xml:lang')) : undefined
    default:
      return undefined
  }
}

const FIELDS = ['Event', 'Expires', 'Subscription-State', 'Accept', 'Content-Language'] as const

export class PresenceContent implements Content {
  readonly fields: readonly string[]
  readonly text: string | undefined
  readonly type = PIDF
  /** In no dialog: who carries no P-XMPP-Data has asked for none of it, and gets its NOTIFY in the dialogs it began. */
  readonly standsAlone = false

  constructor(
    readonly stanza: Stanza,
    /** Max-Forwards, From, To, Call-ID, CSeq. */
    head: readonly string[],
    from: SipUri,
    readonly hop: HopPolicy,
    now: Date,
  ) {
    // RFC 6665 §8.1: both methods name a contact; the address of the device is one.
    const fields = [...head, 'Contact', `<${from}>`]
    for (const name of FIELDS) {
      const value = presenceField(stanza, name.toLowerCase())
      if (value !== undefined) fields.push(name, value)
    }
    this.fields = fields
    this.text = KINDS.get(stanza.type)?.hasDocument
      ? presenceDocument(from, [stanza.xml], now, { aggregate: 'most-available' }).body.toString()
      : undefined
  }

  data(): Element {
    const { stanza, hop } = this
    if (hop.fullXmppData) return stanza.xml
    const residue = residueOf(stanza, NOTHING_NATIVE)
    if (this.text === undefined) return residue
    const native = nativeChildren(stanza.xml)
    return residue.withChildren(residue.children.filter((child) => typeof child === 'string' || !native.has(child)))
  }
}

/** The children that come back from the document exactly as they were. */
function nativeChildren(presence: Element): ReadonlySet<Element> {
  const native = new Set<Element>()
  const isOpen = isAvailable(presence)
  const show = only(presence, 'show')
  if (isOpen && show && isPlain(show) && isShow(show.text())) native.add(show)
  const priority = only(presence, 'priority')
  if (isOpen && priority && isPlain(priority)) {
    const value = priorityIn(priority.text())
    if (value !== undefined && decimalOf(value) !== undefined) native.add(priority)
  }
  const statuses = presence.elements().filter((child) => child.is('status', presence.ns))
  if (statuses.length <= PRESENCE_LIMITS.notes && statuses.every((status) => isNote(status, presence)))
    for (const one of statuses) native.add(one)
  return native
}

function only(presence: Element, name: string): Element | undefined {
  const all = presence.elements().filter((child) => child.is(name, presence.ns))
  return all.length === 1 ? all[0] : undefined
}

const isPlain = (element: Element): boolean => element.attrs.length === 0 && element.elements().length === 0

/** A note holds its text and its language; one that repeats the language of its stanza would lose that. */
function isNote(status: Element, presence: Element): boolean {
  const text = status.text()
  if (text.trim() === '' || text.length > PRESENCE_LIMITS.noteCharacters || status.elements().length > 0) return false
  const lang = status.attr('xml:lang')
  if (status.attrs.length > (lang === undefined ? 0 : 2)) return false
  const around = presence.attr('xml:lang')
  return lang === undefined ? around === languageTag(around) : lang === languageTag(lang) && !isSameLanguage(lang, around)
}
