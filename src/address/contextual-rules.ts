/** Code points that are allowed only in the company that needs them (RFC 5892 appendix A). */
import { JOINS_AFTER, JOINS_BEFORE, JOINS_BOTH, VIRAMA } from './joining.ts'

/** What the rules below speak of. */
const CONTEXTUAL = /[\u00b7\u0375\u05f3\u05f4\u0660-\u0669\u06f0-\u06f9\u30fb]|\u200c|\u200d/
const ALL_CONTEXTUAL = new RegExp(CONTEXTUAL, 'g')

const AFTER_VIRAMA = new RegExp(`[${VIRAMA}]$`, 'u')
// A.1: transparent characters between the letters and the joiner do not count.
const TRANSPARENT = '[\\p{Mn}\\p{Me}]*'
const JOINING_ON = new RegExp(`[${JOINS_BOTH}${JOINS_AFTER}]${TRANSPARENT}$`, 'u')
const JOINED_TO = new RegExp(`^${TRANSPARENT}[${JOINS_BOTH}${JOINS_BEFORE}]`, 'u')
const GREEK_FIRST = /^\p{Script=Greek}/u
const HEBREW_LAST = /\p{Script=Hebrew}$/u
const JAPANESE = /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u
const ARABIC_INDIC_DIGIT = /[\u0660-\u0669]/
const EXTENDED_ARABIC_INDIC_DIGIT = /[\u06f0-\u06f9]/

/** Whether there is anything to ask the rules about. */
export function hasContextual(text: string): boolean {
  return CONTEXTUAL.test(text)
}

/** The text without its contextual code points, the rest being for the string class to judge; undefined where one stands in the wrong company. */
export function withoutContextual(text: string): string | undefined {
  for (const match of text.matchAll(ALL_CONTEXTUAL)) {
    if (!allowed(match[0], text.slice(0, match.index), text.slice(match.index + 1), text)) return undefined
  }
  return text.replace(ALL_CONTEXTUAL, '')
}

function allowed(codePoint: string, before: string, after: string, text: string): boolean {
  switch (codePoint) {
    case '\u200c': // A.1 ZERO WIDTH NON-JOINER
      return AFTER_VIRAMA.test(before) || (JOINING_ON.test(before) && JOINED_TO.test(after))
    case '\u200d': // A.2 ZERO WIDTH JOINER
      return AFTER_VIRAMA.test(before)
    case '\u00b7': // A.3 MIDDLE DOT, as in Catalan
      return before.endsWith('l') && after.startsWith('l')
    case '\u0375': // A.4 GREEK LOWER NUMERAL SIGN
      return GREEK_FIRST.test(after)
    case '\u05f3': // A.5 HEBREW PUNCTUATION GERESH
    case '\u05f4': // A.6 HEBREW PUNCTUATION GERSHAYIM
      return HEBREW_LAST.test(before)
    case '\u30fb': // A.7 KATAKANA MIDDLE DOT
      return JAPANESE.test(text)
    default: // A.8, A.9: the two sets of Arabic digits are not mixed
      return !(ARABIC_INDIC_DIGIT.test(text) && EXTENDED_ARABIC_INDIC_DIGIT.test(text))
  }
}
