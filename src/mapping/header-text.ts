/** Text from a stanza on its way into a header field: one line of UTF-8 (RFC 3261 §7.3, §25.1 TEXT-UTF8-TRIM). */

// Every control character, and the line breaks of Unicode: none of them can begin a field of its own, and none survives a telephone's screen.
const NOT_IN_A_LINE = /[\0-\x1f\x7f\x85\u2028\u2029][\0-\x20\x7f\x85\u2028\u2029]*/g

export function oneLine(text: string): string {
  return text.replace(NOT_IN_A_LINE, ' ').trim()
}

/** The first characters of a line, whole ones. */
export function shortened(text: string, maxCharacters: number): string {
  const line = oneLine(text)
  if (line.length <= maxCharacters) return line
  const cut = line.slice(0, maxCharacters - 1)
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}…`
}

/** A display name in quotes (RFC 3261 §25.1 quoted-string). */
export function quotedName(text: string): string {
  return `"${oneLine(text).replace(/["\\]/g, '\\$&')}"`
}
