/** The commas of a list-valued header field (RFC 3261 §7.3.1, §25.1): those outside quoted strings and angle brackets. */

const COMMA = 0x2c
const QUOTE = 0x22
const BACKSLASH = 0x5c
const LESS = 0x3c
const GREATER = 0x3e

/** Where the value that begins at `from` ends: the index of its comma, or the length of the text. */
export function endOfValue(text: string, from: number): number {
  let inQuotes = false
  let inBrackets = false
  for (let at = from; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (inQuotes) {
      if (c === BACKSLASH) at++
      else if (c === QUOTE) inQuotes = false
    } else if (c === QUOTE) inQuotes = true
    else if (c === LESS) inBrackets = true
    else if (c === GREATER) inBrackets = false
    else if (c === COMMA && !inBrackets) return at
  }
  return text.length
}

/** Every value, trimmed; empty ones stand as '' for those who must refuse them. An empty field has no value at all (`Supported:`). */
export function splitList(text: string): string[] {
  if (text.trim() === '') return []
  if (!text.includes(',')) return [text.trim()]
  const values: string[] = []
  let from = 0
  for (;;) {
    const end = endOfValue(text, from)
    values.push(text.slice(from, end).trim())
    if (end === text.length) return values
    from = end + 1
  }
}
