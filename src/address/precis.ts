/** Strings as people write them, brought to one form and checked: UsernameCaseMapped and OpaqueString (RFC 8265 §3.3, §4.2). */
import { satisfiesBidiRule } from './bidi-rule.ts'
import { isFreeform, isIdentifier } from './string-class.ts'

/** Not a string of that profile; the message completes "the string …". */
export class PrecisError extends Error {
  override name = 'PrecisError'
}

/** What has a decomposition of type wide or narrow (UAX #11). */
const FULL_OR_HALF_WIDTH = /[\u3000\uff01-\uffee]/g
const NON_ASCII_SPACE = /[\u0080-\uffff]/

/** The Width Mapping Rule. */
export function widthMapped(text: string): string {
  return text.replace(FULL_OR_HALF_WIDTH, (character) => character.normalize('NFKC'))
}

/** Case mapping and normalisation. A capital sigma is a plain one also at the end of a word: the rule looks at no neighbours (RFC 8265 §3.6). */
export function caseMapped(text: string): string {
  return text.replaceAll('\u03a3', '\u03c3').toLowerCase().normalize('NFC')
}

/** Preparation and enforcement of UsernameCaseMapped; throws PrecisError. */
export function usernameCaseMapped(text: string): string {
  // Judged last, as RFC 8264 §7 has it: what mapping makes acceptable is accepted (RFC 7622 §4), and what it makes worse is not.
  const name = caseMapped(widthMapped(text))
  if (!isIdentifier(name)) throw new PrecisError('has a character that no user name may have, or not there (RFC 8264 IdentifierClass)')
  if (!satisfiesBidiRule(name)) throw new PrecisError('mixes directions of writing (RFC 5893)')
  return name
}

/** Preparation and enforcement of OpaqueString; throws PrecisError. */
export function opaqueString(text: string): string {
  const spaced = NON_ASCII_SPACE.test(text) ? text.replace(/\p{Zs}/gu, ' ') : text
  const opaque = spaced.normalize('NFC')
  if (!isFreeform(opaque)) throw new PrecisError('has a control character, or another that may not stand there (RFC 8264 FreeformClass)')
  return opaque
}
