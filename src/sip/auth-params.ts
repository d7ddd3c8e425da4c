/** `Scheme name=value, name="value" …`, as challenges and credentials are written (RFC 3261 §25.1, RFC 7616 §3.3, §3.4). */
import { skipQuoted, skipSpace, unquoted } from './params.ts'
import { SipSyntaxError } from './syntax-error.ts'

export interface AuthParams {
  /** In small letters. */
  readonly scheme: string
  /** Names in small letters, values without their quotes. */
  readonly params: ReadonlyMap<string, string>
}

const SCHEME = /^[ \t]*([A-Za-z0-9\-.!%*_+`'~]+)[ \t]+/
const NAME = /([A-Za-z0-9\-.!%*_+`'~]+)[ \t]*=[ \t]*/y
const VALUE = /[^\s",]+/y
/** What a parameter is not: two words, and only then its `=`. */
const SCHEME_WITH_PARAM = /,[ \t]*(?=[A-Za-z0-9\-.!%*_+`'~]+[ \t]+[A-Za-z0-9\-.!%*_+`'~]+[ \t]*=)/y
const CLOSED = /"(?:[^"\\]|\\.)*"/sy
const COMMA = 0x2c
const QUOTE = 0x22
/** Digest has a dozen. */
const PARAMS_MAX = 40

/** Throws SipSyntaxError. */
export function parseAuthParams(text: string): AuthParams {
  const scheme = SCHEME.exec(text)
  if (!scheme) throw new SipSyntaxError('it names no scheme with parameters')
  const params = new Map<string, string>()
  let at = scheme[0].length
  for (;;) {
    NAME.lastIndex = at
    const name = NAME.exec(text)?.[1]?.toLowerCase()
    if (name === undefined) throw new SipSyntaxError('a parameter has no name or no value')
    at = NAME.lastIndex
    const end = text.charCodeAt(at) === QUOTE ? skipQuoted(text, at) : endOfToken(text, at)
    // Two values for one name: whoever else reads this may take the other one.
    if (params.has(name)) throw new SipSyntaxError(`it has ${name} twice`)
    if (params.size >= PARAMS_MAX) throw new SipSyntaxError(`it has more than ${PARAMS_MAX} parameters`)
    params.set(name, unquoted(text.slice(at, end)))
    at = skipSpace(text, end)
    if (at >= text.length) return { scheme: (scheme[1] ?? '').toLowerCase(), params }
    if (text.charCodeAt(at) !== COMMA) throw new SipSyntaxError('no comma stands between two parameters')
    at = skipSpace(text, at + 1)
    if (at >= text.length) throw new SipSyntaxError('it ends with a comma')
  }
}

/** Several challenges or credentials in one field, which RFC 3261 §7.3.1 forbids and not everybody on the way knows: each on its own. */
export function schemesIn(field: string): string[] {
  const found: string[] = []
  let from = 0
  for (let at = 0; at < field.length; ) {
    const code = field.charCodeAt(at)
    SCHEME_WITH_PARAM.lastIndex = at
    if (code === QUOTE) {
      // One that has no end has nothing behind it, either.
      CLOSED.lastIndex = at
      if (!CLOSED.test(field)) break
      at = CLOSED.lastIndex
    } else if (code === COMMA && SCHEME_WITH_PARAM.test(field)) {
      found.push(field.slice(from, at))
      from = at = SCHEME_WITH_PARAM.lastIndex
    } else at++
  }
  return [...found, field.slice(from)]
}

function endOfToken(text: string, at: number): number {
  VALUE.lastIndex = at
  if (!VALUE.test(text)) throw new SipSyntaxError('a parameter has no value')
  return VALUE.lastIndex
}
