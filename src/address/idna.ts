/** Internationalised domain names: A-labels on the wire of SIP and DNS, U-labels in XMPP (RFC 5890, RFC 5891). */
import { domainToASCII, domainToUnicode } from 'node:url'

const LDH = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/
/** What the URL parser would take for the end of the host, or decode. */
const NEVER_IN_A_NAME = /[\x00-\x2c\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]/

/** The name in A-labels, lower case; undefined where it is not a name. */
export function toAscii(name: string): string | undefined {
  if (LDH.test(name) && !name.includes('xn--')) return name
  if (NEVER_IN_A_NAME.test(name)) return undefined
  const ascii = domainToASCII(name)
  return LDH.test(ascii) ? ascii : undefined
}

/** The name in U-labels; undefined where it is not a name. */
export function toUnicode(name: string): string | undefined {
  const ascii = toAscii(name)
  if (ascii === undefined || !ascii.includes('xn--')) return ascii
  return domainToUnicode(ascii)
}
