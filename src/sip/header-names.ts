/** The names of SIP header fields: their compact forms (IANA "Header Fields", RFC 3261 §7.3.3) and which of them hold a list (§7.3.1). */

const COMPACT_FORMS: readonly (readonly [string, string])[] = [
  ['a', 'accept-contact'],
  ['b', 'referred-by'],
  ['c', 'content-type'],
  ['d', 'request-disposition'],
  ['e', 'content-encoding'],
  ['f', 'from'],
  ['i', 'call-id'],
  ['j', 'reject-contact'],
  ['k', 'supported'],
  ['l', 'content-length'],
  ['m', 'contact'],
  ['n', 'identity-info'],
  ['o', 'event'],
  ['r', 'refer-to'],
  ['s', 'subject'],
  ['t', 'to'],
  ['u', 'allow-events'],
  ['v', 'via'],
  ['x', 'session-expires'],
  ['y', 'identity'],
]

const LONG = new Map(COMPACT_FORMS)
const COMPACT = new Map(COMPACT_FORMS.map(([compact, long]) => [long, compact]))

/** Fields whose value is `#(value)`: several lines mean the same as one line with commas. Authorization and Date have commas and are no lists. */
const LISTS = new Set([
  'accept',
  'accept-contact',
  'accept-encoding',
  'accept-language',
  'alert-info',
  'allow',
  'allow-events',
  'call-info',
  'contact',
  'content-encoding',
  'content-language',
  'diversion',
  'error-info',
  'history-info',
  'in-reply-to',
  'p-asserted-identity',
  'p-associated-uri',
  'p-preferred-identity',
  'path',
  'proxy-require',
  'reason',
  'record-route',
  'reject-contact',
  'require',
  'route',
  'security-client',
  'security-server',
  'security-verify',
  'service-route',
  'supported',
  'unsupported',
  'via',
  'warning',
])

/** A name to look for: in small letters, long, and the one letter it may be written as. */
export interface SoughtName {
  readonly lower: string
  /** '' where there is none. */
  readonly compact: string
  readonly isList: boolean
}

// Names that are looked for come from the source code, so this cannot grow by what strangers send; the bound is for a caller who forgets that.
const soughtMax = 1_000
const sought = new Map<string, SoughtName>()

export function soughtName(name: string): SoughtName {
  const known = sought.get(name)
  if (known) return known
  const small = name.toLowerCase()
  const lower = LONG.get(small) ?? small
  const made = { lower, compact: COMPACT.get(lower) ?? '', isList: LISTS.has(lower) }
  if (sought.size < soughtMax) sought.set(name, made)
  return made
}

export function isNamed(written: string, name: SoughtName): boolean {
  const { lower } = name
  if (written.length === lower.length) {
    // First letters differ in almost every comparison, so the rest is rarely looked at.
    if ((written.charCodeAt(0) | 0x20) !== lower.charCodeAt(0)) return lower.length === 1 && written === lower
    return written === lower || written.toLowerCase() === lower
  }
  return written.length === 1 && name.compact !== '' && written.toLowerCase() === name.compact
}
