/** Internationalised domain names: A-labels for SIP and DNS, U-labels for XMPP (RFC 5890, RFC 5891, RFC 5892). */
import { domainToASCII, domainToUnicode } from 'node:url'
import { satisfiesBidiRule } from './bidi-rule.ts'
import { isLabel } from './string-class.ts'

/** RFC 1035 §2.3.4, less the length octets. */
const NAME_MAX_BYTES = 253
/** Names whose other form is remembered: working one out costs 5 µs, and a server meets the same few all day. Strangers can fill it, not grow it. */
const REMEMBERED_NAMES = 1000
/** Longer spellings are not worth remembering. */
const REMEMBERED_CHARACTERS = 253

const LDH = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/
/** ASCII that is in no name; also what the URL parser behind domainToASCII would read as the end of the host, or decode. */
const NEVER_IN_A_NAME = /[\x00-,/:-@[-`{-\x7f]/

/** RFC 5891 §4.2.3.2. */
const BEGINS_WITH_MARK = /^\p{M}/u

/** A name that needs IDNA, in both forms. */
interface Name {
  readonly ascii: string
  readonly unicode: string
}

const remembered = new Map<string, Name | undefined>()

/** The name in A-labels, lower case; undefined where it is not a domain name. */
export function toAscii(name: string): string | undefined {
  return isPlain(name) ? name : known(name)?.ascii
}

/** The name in U-labels, lower case; undefined where it is not a domain name. */
export function toUnicode(name: string): string | undefined {
  return isPlain(name) ? name : known(name)?.unicode
}

function isPlain(name: string): boolean {
  return name.length <= NAME_MAX_BYTES && LDH.test(name) && !name.includes('xn--')
}

function known(name: string): Name | undefined {
  const found = remembered.get(name)
  if (found !== undefined || remembered.has(name)) return found
  const made = worked(name)
  if (name.length <= REMEMBERED_CHARACTERS) {
    if (remembered.size >= REMEMBERED_NAMES) remembered.clear()
    remembered.set(name, made)
  }
  return made
}

function worked(name: string): Name | undefined {
  const lower = name.toLowerCase()
  if (isPlain(lower)) return { ascii: lower, unicode: lower }
  if (NEVER_IN_A_NAME.test(lower)) return undefined
  // UTS #46 maps width and case, as RFC 7622 §3.2.1 asks; IDNA 2008 is narrower in what it allows, so the U-labels are judged too.
  const ascii = domainToASCII(lower)
  if (!LDH.test(ascii) || ascii.length > NAME_MAX_BYTES) return undefined
  if (!ascii.includes('xn--')) return { ascii, unicode: ascii }
  const unicode = domainToUnicode(ascii)
  return domainToASCII(unicode) === ascii && unicode.split('.').every(isGoodLabel) ? { ascii, unicode } : undefined
}

function isGoodLabel(label: string): boolean {
  return isLabel(label) && !BEGINS_WITH_MARK.test(label) && satisfiesBidiRule(label)
}
