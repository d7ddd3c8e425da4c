/** RFC 8048 §6.3: a presence document as stanzas, one for each tuple; what it leaves to implementations is read from whatever telephones write. */
import type { Jid } from '../../address/jid.ts'
import { RefusedError } from '../../core/port.ts'
import type { Document } from '../../core/subscriptions/port.ts'
import { parseDateTime } from '../../stanza/datetime.ts'
import { delayElement } from '../../stanza/delay.ts'
import { NS_CLIENT, Stanza } from '../../stanza/stanza.ts'
import { Element, el, type Node } from '../../xml/element.ts'
import { isSameLanguage, languageTag } from '../language.ts'
import { LIMITS } from '../limits.ts'
import { bodyOfType, rootOf } from './body.ts'
import { activityFrom, moodFrom } from './feeling.ts'
import { PRESENCE_LIMITS } from './limits.ts'
import { ACCEPT_PIDF, isOfPidf, PIDF } from './pidf.ts'
import { NS_IDLE } from './presence-document.ts'
import { priorityOf } from './priority.ts'
import { isShow, NOTES_WITHOUT_NEWS, SHOW_OF_ACTIVITY, SHOW_OF_EXTENDED, SHOW_OF_NOTE, type Show, strongest } from './rpid.ts'
import { resourceOf } from './tuple-id.ts'

export interface ReadingOptions {
  /** Given, a change that is not of now is marked with when it was (XEP-0203). */
  readonly now?: Date
  /** Content-Language, for notes that name none. */
  readonly language?: string | undefined
}

/**
 * All of them come from `watched`, whatever entity the document names: the dialog says whose presence it is, and PBXs write their own address
 * there. No tuple at all is somebody who is offline. Throws RefusedError for what cannot be read.
 */
export function presencesIn(document: Document, watched: Jid, watcher: Jid, options: ReadingOptions = {}): readonly Stanza[] {
  const root = presenceRoot(document)
  const tuples = tuplesOf(root)
  const account = watched.bare
  if (tuples.length === 0) return [stanza(account, watcher, ['type', 'unavailable'], [])]
  const around = root.elements().filter((child) => isOfPidf(child.ns) && child.name !== 'tuple')
  const stanzas = new Map<string, Stanza>()
  for (const tuple of tuples) {
    const from = account.withResource(resourceOf(tuple.attr('id')?.trim() || 'unnamed', account))
    const found = presenceOf(tuple, around, from, watcher, options)
    const before = stanzas.get(from.toString())
    // An id that comes twice is one device: open if either says so.
    if (!before || before.type === 'unavailable') stanzas.set(from.toString(), found)
  }
  return [...stanzas.values()]
}

/** What the person feels and does (XEP-0107, XEP-0108), to be published in their name; undefined where the document does not say. */
export function feelingIn(document: Document): { readonly mood: Element | undefined; readonly activity: Element | undefined } {
  const root = presenceRoot(document)
  const moods = named(root, 'mood', 4)
  const activities = named(root, 'activities', 4)
  return { mood: moods[0] && moodFrom(moods[0]), activity: activities[0] && activityFrom(activities[0]) }
}

/** The root of a PIDF document, alone or in a multipart body. */
export function presenceRoot(document: Document): Element {
  const root = rootOf(bodyOfType(document, PIDF, ACCEPT_PIDF))
  if (root.name !== 'presence' || !isOfPidf(root.ns)) throw new RefusedError(400, 'The document is no presence document')
  return root
}

export function tuplesOf(root: Element): readonly Element[] {
  const tuples = root.elements().filter(({ name, ns }) => name === 'tuple' && isOfPidf(ns))
  if (tuples.length > PRESENCE_LIMITS.tuples) throw new RefusedError(400, `The document has more than ${PRESENCE_LIMITS.tuples} tuples`)
  return tuples
}

function presenceOf(tuple: Element, around: readonly Element[], from: Jid, to: Jid, options: ReadingOptions): Stanza {
  const own = notesIn(tuple.elements())
  const notes = own.length > 0 ? own : notesIn([...around.flatMap(({ children }) => children.filter(isElement)), ...around])
  const children: Node[] = []
  const isOpen = isOpenTuple(tuple)
  if (isOpen) {
    const show = showIn(tuple, around, notes)
    if (show) children.push(el('show', NS_CLIENT, {}, show))
  }
  for (const { text, lang } of notes) {
    if (!NOTES_WITHOUT_NEWS.has(text.toLowerCase())) children.push(el('status', NS_CLIENT, { 'xml:lang': lang }, text))
  }
  if (isOpen) {
    const priority = priorityOf(child(tuple, 'contact')?.attr('priority'))
    if (priority !== undefined) children.push(el('priority', NS_CLIENT, {}, String(priority)))
    const idle = idleIn(tuple, around)
    if (idle) children.push(idle)
  }
  const changed = parseDateTime(child(tuple, 'timestamp')?.text().trim() ?? '')
  if (changed && options.now && options.now.getTime() - changed.getTime() > LIMITS.lateSeconds * 1000)
    children.push(delayElement(changed, from.domain))
  const attrs = isOpen ? [] : ['type', 'unavailable']
  // RFC 8048 Table 2: the field is the language of what names none itself.
  const lang = notes.some((note) => note.lang === undefined) ? languageTag(options.language) : undefined
  if (lang !== undefined) attrs.push('xml:lang', lang)
  return stanza(from, to, attrs, children)
}

// --- open or closed, and how ---

/** RFC 3863 §4.1.4. `<basic/>` is optional: where it is missing another state says that somebody is there. */
function isOpenTuple(tuple: Element): boolean {
  const status = child(tuple, 'status')
  const basic = status && child(status, 'basic')?.text().trim().toLowerCase()
  const extended = status
    ?.elements()
    .find(({ name }) => name === 'extended')
    ?.text()
    .trim()
    .toLowerCase()
  if (extended === 'offline') return false
  return basic === 'open' || (basic === undefined && (status?.elements().length ?? 0) > 0)
}

/** `<show/>` before RPID, RPID before what notes let guess; but a note tells ringing from busy where the PBX has one word for both (Asterisk). */
function showIn(tuple: Element, around: readonly Element[], notes: readonly Note[]): Show | undefined {
  const status = child(tuple, 'status')
  const written = status
    ?.elements()
    .find(({ name, ns }) => name === 'show' && ns === NS_CLIENT)
    ?.text()
    .trim()
  if (isShow(written)) return written
  const extended = SHOW_OF_EXTENDED.get(
    status
      ?.elements()
      .find(({ name }) => name === 'extended')
      ?.text()
      .trim()
      .toLowerCase() ?? '',
  )
  if (extended) return extended
  const noted = notes.map(({ text }) => SHOW_OF_NOTE.get(text.toLowerCase())).find((show) => show !== undefined)
  const own = activitiesIn(tuple)
  const activities = own.size > 0 ? own : new Set(around.flatMap((element) => [...activitiesIn(element)]))
  const isVague = activities.size === 0 || (activities.size === 1 && (activities.has('busy') || activities.has('away')))
  if (noted && isVague) return noted
  return strongest([...activities].flatMap((activity) => SHOW_OF_ACTIVITY.get(activity) ?? []))
}

/** Names of activities, at whatever depth the program's draft put them. */
function activitiesIn(element: Element): ReadonlySet<string> {
  const found = new Set<string>()
  for (const activities of named(element, 'activities', 3))
    for (const { name, ns } of activities.elements()) if (isOfPidf(ns) && name !== 'note' && name !== 'unknown') found.add(name)
  return found
}

function idleIn(tuple: Element, around: readonly Element[]): Element | undefined {
  const own = named(tuple, 'user-input', 3)
  const inputs = own.length > 0 ? own : around.flatMap((element) => named(element, 'user-input', 3))
  for (const input of inputs) {
    const last = parseDateTime(input.attr('last-input')?.trim() ?? '')
    if (last && input.text().trim().toLowerCase() === 'idle')
      return el('idle', NS_IDLE, { since: last.toISOString().replace('.000Z', 'Z') })
  }
  return undefined
}

// --- notes ---

interface Note {
  readonly text: string
  readonly lang: string | undefined
}

/** RFC 6121 §4.7.2.2 allows one status for each language: notes of one language are its lines. */
function notesIn(elements: readonly Element[]): readonly Note[] {
  const notes: Note[] = []
  for (const note of elements) {
    if (note.name !== 'note' || !isOfPidf(note.ns)) continue
    const text = note.text().trim()
    const lang = languageTag(note.attr('xml:lang'))
    if (text === '') continue
    const at = notes.findIndex((other) => isSameLanguage(other.lang, lang))
    const before = notes[at]
    if (!before) notes.push({ text, lang })
    else if (!before.text.split('\n').includes(text)) notes[at] = { text: `${before.text}\n${text}`, lang }
  }
  return notes.slice(0, PRESENCE_LIMITS.notes)
}

// --- trees ---

const isElement = (node: Node): node is Element => typeof node !== 'string'

/** A child of PIDF's own family. */
const child = (element: Element, name: string): Element | undefined =>
  element.elements().find((one) => one.name === name && isOfPidf(one.ns))

function named(element: Element, name: string, depth: number): readonly Element[] {
  if (element.name === name && isOfPidf(element.ns)) return [element]
  return depth === 0 ? [] : element.elements().flatMap((inner) => named(inner, name, depth - 1))
}

const stanza = (from: Jid, to: Jid, attrs: readonly string[], children: readonly Node[]): Stanza =>
  new Stanza(new Element('presence', NS_CLIENT, ['from', from.toString(), 'to', to.toString(), ...attrs], children), from, to)
