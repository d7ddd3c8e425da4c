/** What a telephone says of itself: the fields of RFC 3261 §20 that name its abilities, and the feature tags of its Contact (RFC 3840 §5, §9). */
import { parseContacts } from '../sip/contact.ts'
import { parseDate } from '../sip/date.ts'
import type { Headers } from '../sip/message.ts'
import type { NameAddr } from '../sip/name-addr.ts'
import { SipSyntaxError } from '../sip/syntax-error.ts'

/** What it has not said is undefined, which is not the same as none. */
export interface Traits {
  /** User-Agent, or Server in what it answers. */
  readonly software?: string
  /** The name its owner gave it. */
  readonly displayName?: string
  /** Allow; names of methods are as they are written (RFC 3261 §7.1). */
  readonly methods?: readonly string[]
  /** Accept, without parameters, in small letters. */
  readonly types?: readonly string[]
  /** Base tags by name, `+` and all others left out: the value, or 'TRUE'. */
  readonly tags?: ReadonlyMap<string, string>
  /** Milliseconds its clock is ahead of ours, by its Date. */
  readonly clockAheadMs?: number
}

/** A stranger's words are kept for as long as he is known, and told to others. */
const LIMITS = {
  values: 60, // methods, types, tags: more than twice what the richest telephone has
  characters: 200, // of one of them
}

/** RFC 3840 §9: those of the base set. What begins with `+` is known to those who made it. */
const BASE_TAGS: ReadonlySet<string> = new Set([
  'audio',
  'automata',
  'class',
  'duplex',
  'data',
  'control',
  'mobility',
  'description',
  'events',
  'priority',
  'methods',
  'schemes',
  'application',
  'video',
  'language',
  'type',
  'isfocus',
  'actor',
  'text',
  'extensions',
])

/** What a REGISTER of one contact says, or what the answer to an OPTIONS does. */
export function traitsIn(headers: Headers, contact: NameAddr | undefined, now: number): Traits {
  const software = shown(headers.get('User-Agent') ?? headers.get('Server'))
  const displayName = shown(contact?.displayName)
  const tags = contact && tagsOf(contact)
  const methods = headers.has('Allow') ? words(headers.values('Allow')) : methodsIn(tags)
  const types = headers.has('Accept') ? words(headers.values('Accept').map((type) => type.split(';', 1)[0] ?? '')) : undefined
  const date = parseDate(headers.get('Date') ?? '')
  return {
    ...(software === undefined ? {} : { software }),
    ...(displayName === undefined ? {} : { displayName }),
    ...(methods === undefined ? {} : { methods }),
    ...(types === undefined ? {} : { types: types.map((type) => type.toLowerCase()) }),
    ...(tags === undefined || tags.size === 0 ? {} : { tags }),
    ...(date === undefined ? {} : { clockAheadMs: date.getTime() - now }),
  }
}

/** The Contact of an answer that speaks for one telephone. */
export function onlyContactOf(headers: Headers): NameAddr | undefined {
  try {
    const contacts = parseContacts(headers)
    return contacts === '*' || contacts.length > 1 ? undefined : contacts[0]
  } catch (cause) {
    // What it is able to do stands in other fields, too.
    if (cause instanceof SipSyntaxError) return undefined
    throw cause
  }
}

function tagsOf({ params: { list } }: NameAddr): ReadonlyMap<string, string> {
  const tags = new Map<string, string>()
  for (let at = 0; at < list.length && tags.size < LIMITS.values; at += 2) {
    const name = (list[at] ?? '').toLowerCase()
    // §9: string values stand in angle brackets inside their quotes.
    const value = (list[at + 1] ?? '').replace(/^"<?|>?"$/g, '')
    if (BASE_TAGS.has(name) && value.toUpperCase() !== 'FALSE') tags.set(name, value === '' ? 'TRUE' : value.slice(0, LIMITS.characters))
  }
  return tags
}

/** RFC 3840 §10.1: the tag says what Allow says. */
const methodsIn = (tags: ReadonlyMap<string, string> | undefined): readonly string[] | undefined => {
  const methods = tags?.get('methods')
  return methods === undefined ? undefined : words(methods.split(','))
}

function words(values: readonly string[]): readonly string[] {
  const kept = new Set<string>()
  for (const value of values) {
    const word = value.trim()
    if (word !== '' && word.length <= LIMITS.characters && kept.size < LIMITS.values) kept.add(word)
  }
  return [...kept]
}

const shown = (text: string | undefined): string | undefined => text?.trim().slice(0, LIMITS.characters) || undefined
