/** How a value stands in a line of the log: whatever a stranger sends, it ends no line and begins no other. */

/** Characters of one value; what is longer is cut with a note. A stanza's or a request's own text is not a value but a block. */
export const VALUE_MAX_CHARS = 1_000

/** Printable ASCII without space, quote, equals sign and backslash: stands as it is. */
const PLAIN = /^[!#-<>-[\]-~]+$/

/** What JSON leaves as it is although a terminal or an editor acts on it: C1 controls, line and paragraph separators, what turns or hides text. */
const ACTING = /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g

const CONTROL = /[\u0000-\u0008\u000b-\u001f]/g

export function quoted(text: string): string {
  if (PLAIN.test(text)) return text
  return inert(JSON.stringify(text))
}

/** JSON that no terminal acts on; it means the same to who parses it. */
export function inert(json: string): string {
  return json.replace(ACTING, escaped)
}

/** Text of several lines under a line of the log; each is indented, so that none can pass for a line of ours. */
export function block(text: string): string {
  const safe = text.replace(/\r\n/g, '\n').replace(CONTROL, escaped).replace(ACTING, escaped)
  return `\n  | ${safe.replace(/\n$/, '').replaceAll('\n', '\n  | ')}`
}

/** A value as JSON can carry it: errors by name and message, addresses by their text, bytes by their number. */
export function plain(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
      return cut(value)
    case 'number':
    case 'boolean':
      return value
    case 'undefined':
      return undefined
    case 'object':
      return value === null ? null : plainObject(value)
    case 'bigint':
    case 'symbol':
    case 'function':
      return cut(String(value))
  }
}

function plainObject(value: object): unknown {
  if (value instanceof Error) return cut(`${value.name}: ${value.message}`)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'no date' : value.toISOString()
  if (value instanceof Uint8Array) return `(${value.length} bytes)`
  if (!Array.isArray(value) && value.toString !== Object.prototype.toString) return cut(String(value))
  try {
    const json = JSON.stringify(value)
    if (json === undefined) return undefined
    return json.length <= VALUE_MAX_CHARS ? JSON.parse(json) : cut(json)
  } catch {
    // A circle, or a getter that throws: a line of the log is no place to fail.
    return '(no text)'
  }
}

function cut(text: string): string {
  if (text.length <= VALUE_MAX_CHARS) return text
  return `${text.slice(0, VALUE_MAX_CHARS)}… (${text.length - VALUE_MAX_CHARS} more)`
}

function escaped(characters: string): string {
  let text = ''
  for (let i = 0; i < characters.length; i++) text += `\\u${characters.charCodeAt(i).toString(16).padStart(4, '0')}`
  return text
}
