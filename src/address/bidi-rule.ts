/** The Bidi Rule: text with right-to-left letters reads in one way only (RFC 5893 §2). */

// Bidi_Class by block, as DerivedBidiClass.txt has its defaults: exact for letters and digits, which are all that string classes let through.
const RIGHT_TO_LEFT = '\\u0590-\\u08ff\\ufb1d-\\ufdff\\ufe70-\\ufeff\\u{10800}-\\u{10fff}\\u{1e800}-\\u{1efff}'
const ARABIC_NUMBER = '\\u0660-\\u0669\\u{10d30}-\\u{10d39}\\u{10e60}-\\u{10e7e}'
const EUROPEAN_NUMBER = '0-9\\u06f0-\\u06f9'
/** R, AL: in those blocks and neither number nor mark. */
const RTL = `(?![${ARABIC_NUMBER}${EUROPEAN_NUMBER}\\p{Mn}])[${RIGHT_TO_LEFT}]`

const NEEDS_THE_RULE = new RegExp(`(?!\\p{Mn})(?![\\u06f0-\\u06f9])[${RIGHT_TO_LEFT}]`, 'u')
/** ES, CS, ET, ON, BN: the printable ASCII that is neither letter nor digit, modifier letters, and what the contextual rules let through. */
const NEUTRAL =
  '!-\\/:-@\\[-`\\{-~\\u00b7\\u02b9\\u02ba\\u02c6-\\u02cf\\u02ec\\u0374\\u0375\\u200c\\u200d\\u2e2f\\u30fb\\ua67f\\ua717-\\ua71f\\ua788'
// Conditions 1 (begins with R or AL), 2 (what it may hold) and 3 (how it ends). Condition 4 is asked apart.
const RTL_LABEL = new RegExp(
  `^(?=${RTL})(?:${RTL}|[${ARABIC_NUMBER}${EUROPEAN_NUMBER}${NEUTRAL}\\p{Mn}])*(?:${RTL}|[${ARABIC_NUMBER}${EUROPEAN_NUMBER}])\\p{Mn}*$`,
  'u',
)
const HAS_ARABIC_NUMBER = new RegExp(`[${ARABIC_NUMBER}]`, 'u')
const HAS_EUROPEAN_NUMBER = new RegExp(`[${EUROPEAN_NUMBER}]`)

/**
 * True for text without right-to-left code points, and for text whose order on the screen leaves no doubt.
 * A text that begins with a left-to-right letter and holds a right-to-left one always fails condition 5.
 */
export function satisfiesBidiRule(text: string): boolean {
  if (!NEEDS_THE_RULE.test(text)) return true
  return RTL_LABEL.test(text) && !(HAS_ARABIC_NUMBER.test(text) && HAS_EUROPEAN_NUMBER.test(text))
}
