/**
 * XEP-0106: characters that may not stand in a localpart, written as \20, \40 … A user of SIP and the localpart of the same account:
 * both ways without loss.
 *
 * The XEP reads `\5c` as a backslash everywhere but writes it only before something that would read as an escape, so a localpart
 * a\5cb@d (which it never writes) would come back as a\b@d. Localparts are lower case and SIP users need not be: `\5c` that is not
 * followed by an escape is `\5C` to SIP, and that comes back as it was.
 */
import { caseMapped } from './precis.ts'

const CODES = '(?:20|22|26|27|2f|3a|3c|3e|40|5c)'
/** In a localpart: an escape, or a `\5c` that escapes nothing (group 1 says what follows). */
const IN_LOCALPART = new RegExp(`\\\\(?:(20|22|26|27|2f|3a|3c|3e|40)|5c(?=${CODES})|5c)`, 'g')
const TO_ESCAPE = new RegExp(`[ "&'/:<>@]|\\\\(?=${CODES})`, 'g')
const LONE_MARK = new RegExp(`\\\\5C(?!${CODES})`, 'i')

/** The user of SIP as a localpart, folded as localparts are (RFC 7622 §3.3), not yet checked. */
export function escaped(user: string): string {
  if (!LONE_MARK.test(user)) return escapedFolded(caseMapped(user))
  return user
    .normalize('NFC')
    .split(new RegExp(`\\\\5C(?!${CODES.toUpperCase()}|${CODES})`))
    .map((part) => escapedFolded(caseMapped(part)))
    .join('\\5c')
}

function escapedFolded(folded: string): string {
  return folded.replace(TO_ESCAPE, (character) => `\\${character.charCodeAt(0).toString(16)}`)
}

/** The localpart as a user of SIP. */
export function unescaped(localpart: string): string {
  if (!localpart.includes('\\')) return localpart
  return localpart.replace(IN_LOCALPART, (match, code: string | undefined, at: number) => {
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16))
    return /^(?:20|22|26|27|2f|3a|3c|3e|40|5c)/.test(localpart.slice(at + match.length)) ? '\\' : '\\5C'
  })
}
