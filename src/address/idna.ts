/** Internationalised domain names: A-labels for SIP and DNS, U-labels for XMPP (RFC 5890, RFC 5891, RFC 5892). */
import { domainToASCII, domainToUnicode } from 'node:url'
import { satisfiesBidiRule } from './bidi-rule.ts'
import { isLabel } from './string-class.ts'

/** RFC 1035 §2.3.4, less the length octets. */
const NAME_MAX_BYTES = 253

const LDH = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/
/** ASCII that is in no name; also what the URL parser behind domainToASCII would read as the end of the host, or decode. */
const NEVER_IN_A_NAME = /[\x00-,/:-@[-`{-\x7f]/

/** The name in A-labels, lower case; undefined where it is not a domain name. */
export function toAscii(name: string): string | undefined {
  const lower = name.toLowerCase()
  if (LDH.test(lower) && !lower.includes('xn--')) return lower.length <= NAME_MAX_BYTES ? lower : undefined
  if (NEVER_IN_A_NAME.test(lower)) return undefined
  // UTS #46 maps width and case, as RFC 7622 §3.2.1 asks; IDNA 2008 is narrower in what it allows, so the U-labels are judged too.
  const ascii = domainToASCII(lower)
  if (ascii.length > NAME_MAX_BYTES || !LDH.test(ascii)) return undefined
  return !ascii.includes('xn--') || isGoodUnicode(ascii) ? ascii : undefined
}

/** The name in U-labels, lower case; undefined where it is not a domain name. */
export function toUnicode(name: string): string | undefined {
  const ascii = toAscii(name)
  return ascii?.includes('xn--') ? domainToUnicode(ascii) : ascii
}

function isGoodUnicode(ascii: string): boolean {
  const name = domainToUnicode(ascii)
  return domainToASCII(name) === ascii && name.split('.').every(isGoodLabel)
}

function isGoodLabel(label: string): boolean {
  return isLabel(label) && satisfiesBidiRule(label)
}
