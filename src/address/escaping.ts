/**
 * XEP-0106: what may not stand in a localpart is written there as \20, \40 … This turns the user of a SIP URI into the localpart of the
 * same account, and back, without loss in either direction.
 *
 * Two places where the XEP alone would lose something:
 * - It reads `\5c` as a backslash wherever it stands, but writes it only before what would read as an escape; so a localpart a\5cb, which
 *   it never writes, would come back as a\b. Localparts are lower case and SIP users need not be: such a `\5c` is `\5C` to SIP.
 * - SIP users are not lower case: `\2F` would be folded into an escape afterwards, so its backslash is escaped like that of `\2f`.
 */
import { caseMapped, widthMapped } from './precis.ts'

/** The hexadecimal of `space " & ' / : < > @ \`, in either case. */
const CODE = '(?:20|22|26|27|2[fF]|3[aAcCeE]|40|5[cC])'
const BACKSLASH_TO_ESCAPE = new RegExp(`\\\\(?=20|22|26|27|2[fF]|3[aAcCeE]|40|5c|5C${CODE})`, 'g')
const ESCAPE = /\\(20|22|26|27|2f|3a|3c|3e|40|5c)/g
const BEGINS_WITH_CODE = /^(?:20|22|26|27|2f|3a|3c|3e|40|5c)/
const DISALLOWED = /([ "&'/:<>@])/

const LOWER_ASCII = /^[a-z0-9!#$%()*+,\-.;=?[\]^_`{|}~]*$/

/** The user of a SIP URI as a localpart, folded as localparts are (RFC 7622 §3.3) but not judged. */
export function escaped(user: string): string {
  if (LOWER_ASCII.test(user)) return user
  const parts = widthMapped(user).split(DISALLOWED)
  let local = ''
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] ?? ''
    // split() with a group: every second part is the character it was split at. Each part is normalised alone, or a mark after "<" would join it.
    local += i % 2 === 1 ? `\\${part.charCodeAt(0).toString(16)}` : caseMapped(part.normalize('NFC').replace(BACKSLASH_TO_ESCAPE, '\\5c'))
  }
  return local
}

/** A localpart as the user of a SIP URI. */
export function unescaped(local: string): string {
  if (!local.includes('\\')) return local
  return local.replace(ESCAPE, (whole, code: string, at: number) => {
    if (code !== '5c') return String.fromCharCode(Number.parseInt(code, 16))
    return BEGINS_WITH_CODE.test(local.slice(at + whole.length, at + whole.length + 2)) ? '\\' : '\\5C'
  })
}
