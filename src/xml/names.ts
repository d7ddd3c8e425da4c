/** Names of elements and attributes as they stand in markup, looked up without building a string for each. */
import { isLocalName } from './characters.ts'
import { malformed, XmlError } from './xml-error.ts'

export type NameUse = 'plain' | 'prefixed' | 'xml' | 'default-declaration' | 'prefix-declaration'

/** A qualified name that has been checked against Namespaces in XML §3 and §4. */
export class Name {
  constructor(
    /** As it stands in the markup, with its prefix. */
    readonly text: string,
    readonly prefix: string,
    readonly local: string,
    /** What it means as the name of an attribute. */
    readonly use: NameUse,
  ) {}
}

/**
 * One process sees the same few hundred names all day. A direct-mapped table cannot grow, whatever strangers send: a newcomer takes the
 * place of the one it collides with.
 */
const SLOTS = 2_048
const KEPT_MAX_LENGTH = 64
const names: (Name | undefined)[] = new Array(SLOTS).fill(undefined)
const texts: (string | undefined)[] = new Array(SLOTS).fill(undefined)

/** The name in text[from..to); `hash` is any number that all its characters make, so that the scanner can compute it on its way. */
export function nameAt(text: string, from: number, to: number, hash: number, maxLength: number): Name {
  const name = names[hash & (SLOTS - 1)]
  if (name !== undefined && name.text === text.slice(from, to)) return name
  return learn(text, from, to, hash, maxLength)
}

/** The same text, one object for all its occurrences: for namespace names. */
export function shared(text: string): string {
  // Namespaces differ at their ends and in length; to compare is cheaper than to read them all for a hash.
  let hash = text.length
  for (let i = Math.max(0, text.length - 6); i < text.length; i++) hash = Math.imul(hash, 31) + text.charCodeAt(i)
  const slot = hash & (SLOTS - 1)
  const known = texts[slot]
  if (known === text) return known
  const fresh = internal(text)
  if (text.length <= 2 * KEPT_MAX_LENGTH) texts[slot] = fresh
  return fresh
}

function learn(text: string, from: number, to: number, hash: number, maxLength: number): Name {
  if (to - from > maxLength) throw new XmlError('policy-violation', `A name of more than ${maxLength} characters`)
  const whole = internal(text.slice(from, to))
  const colon = whole.indexOf(':')
  const prefix = colon < 0 ? '' : internal(whole.slice(0, colon))
  const local = colon < 0 ? whole : internal(whole.slice(colon + 1))
  if (!isLocalName(local) || (colon >= 0 && !isLocalName(prefix))) throw malformed('A tag with something that is not a name')
  const name = new Name(whole, prefix, local, useOf(prefix, local))
  if (whole.length <= KEPT_MAX_LENGTH) names[hash & (SLOTS - 1)] = name
  return name
}

function useOf(prefix: string, local: string): NameUse {
  if (prefix === '') return local === 'xmlns' ? 'default-declaration' : 'plain'
  if (prefix === 'xmlns') return 'prefix-declaration'
  return prefix === 'xml' ? 'xml' : 'prefixed'
}

/**
 * The same text as a property key, which V8 keeps once per process: it compares with literals by address, and does not hold on to the
 * chunk it was cut from, as a slice would. (Without a prototype, because V8 remembers every shape of ordinary objects: three times the cost.)
 */
function internal(text: string): string {
  const object: Record<string, boolean> = Object.create(null)
  object[text] = true
  return Object.keys(object)[0] ?? text
}
