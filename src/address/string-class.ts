/** Which code points may stand in a string at all: IdentifierClass and FreeformClass (RFC 8264 §4, §8, §9), and labels of domain names (RFC 5892 §3). */
import { hasContextual, withoutContextual } from './contextual-rules.ts'

// The categories' letters are those of RFC 8264 §9 and RFC 5892 §2. Unassigned (J) and Controls (L) are in none of the classes below.
/** A: LetterDigits. */
const LETTER_DIGITS = '\\p{Ll}\\p{Lu}\\p{Lo}\\p{Nd}\\p{Lm}\\p{Mn}\\p{Mc}'
/** R, N, O, P: OtherLetterDigits, Spaces, Symbols, Punctuation. */
const FREE = '\\p{Lt}\\p{Nl}\\p{No}\\p{Me}\\p{Zs}\\p{S}\\p{P}'
/** F: Exceptions, the code points whose category speaks wrongly of them. */
const EXCEPTIONS_VALID = '\\u00df\\u03c2\\u06fd\\u06fe\\u0f0b\\u3007'
const EXCEPTIONS_DISALLOWED = '\\u0640\\u07fa\\u302e\\u302f\\u3031-\\u3035\\u303b'
/** I: OldHangulJamo; M: PrecisIgnorableProperties (noncharacters are unassigned). */
const DISALLOWED = new RegExp(
  `[${EXCEPTIONS_DISALLOWED}\\u1100-\\u11ff\\ua960-\\ua97c\\ud7b0-\\ud7c6\\ud7cb-\\ud7fb\\p{Default_Ignorable_Code_Point}]`,
  'u',
)
/** K: ASCII7, everything printable but the space. */
const IDENTIFIER = new RegExp(`^[!-~${LETTER_DIGITS}${EXCEPTIONS_VALID}]*$`, 'u')
const FREEFORM = new RegExp(`^[!-~${LETTER_DIGITS}${FREE}${EXCEPTIONS_VALID}]*$`, 'u')
const LABEL = new RegExp(`^[a-z0-9\\-${LETTER_DIGITS}${EXCEPTIONS_VALID}]*$`, 'u')
/** D: IgnorableBlocks of RFC 5892 §2.4 that hold letters or marks; the rest is out by its category. */
const IGNORABLE_BLOCKS = /[\u20d0-\u20ff\u{1d100}-\u{1d24f}]/u

/** IdentifierClass, contextual rules included. */
export function isIdentifier(text: string): boolean {
  const plain = hasContextual(text) ? withoutContextual(text) : text
  return plain !== undefined && IDENTIFIER.test(plain) && !DISALLOWED.test(plain) && !hasCompat(plain)
}

/** FreeformClass, contextual rules included. */
export function isFreeform(text: string): boolean {
  const plain = hasContextual(text) ? withoutContextual(text) : text
  return plain !== undefined && FREEFORM.test(plain) && !DISALLOWED.test(plain)
}

/** A U-label's code points (RFC 5892 §3), contextual rules included; that it is stable under case and NFKC (category B) is for UTS #46 to see to. */
export function isLabel(text: string): boolean {
  const plain = hasContextual(text) ? withoutContextual(text) : text
  return plain !== undefined && LABEL.test(plain) && !DISALLOWED.test(plain) && !IGNORABLE_BLOCKS.test(plain)
}

/** Q: HasCompat. A string that NFKC leaves alone has none; otherwise the culprit may only be an order of marks, so each is asked. */
function hasCompat(text: string): boolean {
  if (text.normalize('NFKC') === text) return false
  for (const codePoint of text) if (codePoint.normalize('NFKC') !== codePoint) return true
  return false
}
