/** Character data on its way out: XML 1.0 §2.2 (what may be written at all), §2.4, §2.11 and §3.3.3 (what would not come back as it was). */

/**
 * A character XML cannot hold (a NUL from a telephone's MESSAGE, half a surrogate pair) is written as U+FFFD: by the time a stanza is written
 * its sender has been answered, and a lost bell character harms less than a lost message. With the flag u, only lone surrogates match.
 */
const IN_TEXT = /[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]/u
const ALL_IN_TEXT = new RegExp(IN_TEXT, 'gu')
const IN_VALUE = /[&<>'\x00-\x1f\ufffe\uffff\ud800-\udfff]/u
const ALL_IN_VALUE = new RegExp(IN_VALUE, 'gu')

export function escapeText(text: string): string {
  return IN_TEXT.test(text) ? text.replace(ALL_IN_TEXT, reference) : text
}

/** For a value between apostrophes. */
export function escapeValue(value: string): string {
  return IN_VALUE.test(value) ? value.replace(ALL_IN_VALUE, reference) : value
}

function reference(character: string): string {
  switch (character) {
    case '&':
      return '&amp;'
    case '<':
      return '&lt;'
    case '>':
      return '&gt;' // needed after ]] only, and harmless elsewhere
    case "'":
      return '&apos;'
    case '\t':
      return '&#9;'
    case '\n':
      return '&#10;'
    case '\r':
      return '&#13;'
    default:
      return '\ufffd'
  }
}
