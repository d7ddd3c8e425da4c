/** RFC 8048 §6.2: the presence of somebody on all devices as one PIDF document, a tuple for each: a part of the devices would erase the others. */
import { alphabet, percentEncoded } from '../../address/percent.ts'
import type { SipUri } from '../../address/sip-uri.ts'
import type { Document } from '../../core/subscriptions/port.ts'
import { formatDateTime, parseDateTime } from '../../stanza/datetime.ts'
import { delayOf } from '../../stanza/delay.ts'
import { writeDocument } from '../../xml/document.ts'
import { Element, el, type Node } from '../../xml/element.ts'
import { shortened } from '../header-text.ts'
import { languageTag } from '../language.ts'
import { type Aggregate, aggregateOf, isAvailable, isBefore, showOf } from './aggregate.ts'
import { activitiesOf, moodOf } from './feeling.ts'
import { PRESENCE_LIMITS } from './limits.ts'
import { NS_DATA_MODEL, NS_PIDF, NS_RPID, PIDF } from './pidf.ts'
import { decimalOf, priorityIn } from './priority.ts'
import { callIn } from './telephone.ts'
import { tupleId } from './tuple-id.ts'

export const NS_IDLE = 'urn:xmpp:idle:1'

export interface DocumentOptions {
  /** What one state for the whole person is made from. */
  readonly aggregate: Aggregate
  /** The last published items of XEP-0107 and XEP-0108, where they are known and the watcher may see them. */
  readonly mood?: Element | undefined
  readonly activity?: Element | undefined
}

/**
 * `presences`: one stanza for each device, available or unavailable, its `from` naming the device. None at all is somebody who is offline.
 * Devices that are gone are for the caller to leave out once they have been told as closed.
 */
export function presenceDocument(watched: SipUri, presences: readonly Element[], now: Date, options: DocumentOptions): Document {
  const { aggregate } = options
  // Telephones that read one tuple read the first.
  const ordered = presences.toSorted((a, b) => (isBefore(a, b, aggregate) ? -1 : isBefore(b, a, aggregate) ? 1 : 0))
  const tuples = new Map<string, Element>()
  for (const presence of ordered) {
    const resource = resourceIn(presence)
    const id = tupleId(resource)
    if (tuples.size < PRESENCE_LIMITS.tuples && !tuples.has(id)) tuples.set(id, tupleOf(id, watched.withGr(resource), presence, now))
  }
  if (tuples.size === 0) tuples.set(tupleId(undefined), nobody(watched, now))
  const person = personOf(aggregateOf(ordered, aggregate), options)
  const root = el('presence', NS_PIDF, { entity: presUri(watched) }, ...tuples.values(), ...(person ? [person] : []))
  return { contentType: PIDF, body: Buffer.from(writeDocument(root)) }
}

/** RFC 3863 allows a document without tuples, but some telephones take that for no news. */
const nobody = (watched: SipUri, now: Date): Element =>
  pidf(
    'tuple',
    ['id', tupleId(undefined)],
    pidf('status', [], pidf('basic', [], 'closed')),
    pidf('contact', [], watched.toString()),
    stamp(now),
  )

function tupleOf(id: string, contact: SipUri, presence: Element, now: Date): Element {
  const isOpen = isAvailable(presence)
  const show = isOpen ? showOf(presence) : undefined
  const status: Node[] = [pidf('basic', [], isOpen ? 'open' : 'closed')]
  // RFC 8048 Table 1, note 7: the extension everybody uses.
  if (show) status.push(el('show', 'jabber:client', {}, show))
  const children: Node[] = [pidf('status', [], ...status)]
  const idle = isOpen ? idleSince(presence) : undefined
  if (idle) children.push(el('user-input', NS_RPID, { 'last-input': formatDateTime(idle) }, 'idle'))
  children.push(contactOf(contact, isOpen ? priorityIn(presence.child('priority')?.text()) : undefined))
  children.push(...notesOf(presence), stamp(delayOf(presence)?.stamp ?? now))
  return pidf('tuple', ['id', id], ...children)
}

function contactOf(uri: SipUri, priority: number | undefined): Element {
  const decimal = priority === undefined ? undefined : decimalOf(priority)
  return pidf('contact', decimal === undefined ? [] : ['priority', decimal], uri.toString())
}

/** Every status in its language; Content-Language says nothing to a reader of XML. */
export function notesOf(presence: Element): readonly Element[] {
  const notes: Element[] = []
  for (const child of presence.children) {
    if (typeof child === 'string' || !child.is('status', presence.ns) || notes.length === PRESENCE_LIMITS.notes) continue
    const text = child.text()
    if (text.trim() === '') continue
    const lang = languageTag(child.attr('xml:lang') ?? presence.attr('xml:lang'))
    notes.push(pidf('note', lang === undefined ? [] : ['xml:lang', lang], fitting(text)))
  }
  return notes
}

const fitting = (text: string): string =>
  text.length <= PRESENCE_LIMITS.noteCharacters ? text : shortened(text, PRESENCE_LIMITS.noteCharacters)

/** What XEP-0319 says; a moment that is none is none. */
const idleSince = (presence: Element): Date | undefined => parseDateTime(presence.child('idle', NS_IDLE)?.attr('since') ?? '')

/** RFC 4479 §3.1: what is true of the person on whatever device. Left out where there is nothing to say. */
function personOf(presence: Element | undefined, { mood, activity }: DocumentOptions): Element | undefined {
  const show = presence && isAvailable(presence) ? showOf(presence) : undefined
  const children: Node[] = []
  const isTalking = presence !== undefined && show !== undefined && callIn(presence) === 'on-the-phone'
  const activities = activitiesOf(show, activity, isTalking)
  if (activities) children.push(activities)
  const feeling = mood && moodOf(mood)
  if (feeling) children.push(feeling)
  return children.length === 0 ? undefined : new Element('person', NS_DATA_MODEL, ['id', 'person'], children)
}

function resourceIn(presence: Element): string | undefined {
  const from = presence.attr('from') ?? ''
  const slash = from.indexOf('/')
  return slash < 0 ? undefined : from.slice(slash + 1)
}

const PRES_USER = alphabet('!#$&*/=?^`{|}~')

/** RFC 3859 and RFC 7247 §5.2: what a user may hold there unescaped is not what it may hold in a SIP URI. */
export function presUri({ user, host }: SipUri): string {
  if (user === undefined) return `pres:${host}`
  const encoded = percentEncoded(user, PRES_USER).replace(/[()]/g, (character) => `%${character.charCodeAt(0).toString(16)}`)
  return `pres:${encoded}@${host}`
}

const stamp = (date: Date): Element => pidf('timestamp', [], formatDateTime(date))
const pidf = (name: string, attrs: readonly string[], ...children: Node[]): Element => new Element(name, NS_PIDF, attrs, children)
