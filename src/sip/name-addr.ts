/** Who is meant: `"Name" <uri>;params` or a bare `uri;params`, as From, To, Contact and Route hold it (RFC 3261 §20.10, §25.1). */
import { type Params, parseParams, quoted, skipQuoted, skipSpace, unquoted } from './params.ts'
import { SipSyntaxError } from './syntax-error.ts'

/** Any scheme: whether it is one of ours is asked later, and answered with another status (RFC 3261 §8.2.2.1). */
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"\\^`{|}\x00-\x1f\x7f]+$/
// RFC 3261 wants tokens here. Telephones write unquoted names with @, ( or : in them; what would change the meaning of the rest stays out.
const BARE_NAME = /^[^",;<>\\]*$/
/** §20.10: a URI that holds one of these must stand in angle brackets. */
const NEEDS_BRACKETS = /[,?]/
const TOKENS = /^[A-Za-z0-9\-.!%*_+`'~]+(?: [A-Za-z0-9\-.!%*_+`'~]+)*$/

export class NameAddr {
  constructor(
    /** Unquoted; undefined where none is given, or an empty one. */
    readonly displayName: string | undefined,
    /** As written, whatever its scheme. */
    readonly uri: string,
    /** Those of the header field, not of the URI. */
    readonly params: Params,
  ) {}

  get tag(): string | undefined {
    return this.params.get('tag')
  }

  /** The URI with its `gr`, also where the sender wrote that outside the brackets, as the examples of RFC 8048 do. */
  get uriWithGr(): string {
    const outside = this.params.get('gr')
    if (outside === undefined || /;gr(?:[=;?]|$)/i.test(this.uri)) return this.uri
    const headers = this.uri.indexOf('?')
    const end = headers < 0 ? this.uri.length : headers
    const gr = outside === '' ? ';gr' : `;gr=${outside}`
    return this.uri.slice(0, end) + gr + this.uri.slice(end)
  }

  toString(): string {
    const name = this.displayName
    if (name === undefined || name === '') return `<${this.uri}>${this.params}`
    return `${TOKENS.test(name) ? name : quoted(name)} <${this.uri}>${this.params}`
  }
}

/** One value; throws SipSyntaxError. */
export function parseNameAddr(text: string): NameAddr {
  const start = skipSpace(text, 0)
  let name: string | undefined
  let open = start
  if (text.charCodeAt(start) === 0x22) {
    const end = skipQuoted(text, start)
    // A NUL behind a backslash is legal here, and ends strings elsewhere.
    name = unquoted(text.slice(start, end)).replaceAll('\0', '')
    open = skipSpace(text, end)
    if (text.charCodeAt(open) !== 0x3c) throw new SipSyntaxError('no < stands behind the display name')
  } else {
    open = text.indexOf('<', start)
    if (open < 0) return parseAddrSpec(text, start)
    name = text.slice(start, open).trimEnd()
    if (!BARE_NAME.test(name)) throw new SipSyntaxError('the display name needs quotes')
  }
  const close = text.indexOf('>', open)
  if (close < 0) throw new SipSyntaxError('the URI has no closing >')
  const uri = text.slice(open + 1, close)
  if (!URI.test(uri)) throw new SipSyntaxError('what stands between < and > is no URI')
  return new NameAddr(name === '' ? undefined : name, uri, parseParams(text, close + 1))
}

/** Without brackets every parameter is the header field's (§20.10). */
function parseAddrSpec(text: string, start: number): NameAddr {
  const semicolon = text.indexOf(';', start)
  const end = semicolon < 0 ? text.length : semicolon
  const uri = text.slice(start, end).trimEnd()
  if (!URI.test(uri)) throw new SipSyntaxError('it is no URI')
  if (NEEDS_BRACKETS.test(uri)) throw new SipSyntaxError('a URI with a comma or question mark needs < and >')
  return new NameAddr(undefined, uri, parseParams(text, end))
}

/** The tag alone, without taking the rest apart: undefined where there is none, and where the text is malformed before it. */
export function tagOf(text: string): string | undefined {
  let at = 0
  const quote = text.indexOf('"')
  const bracket = text.indexOf('<')
  if (quote >= 0 && (bracket < 0 || quote < bracket)) {
    try {
      at = skipQuoted(text, quote)
    } catch {
      return undefined // an open quote swallows everything behind it
    }
  }
  const close = text.indexOf('>', at)
  at = text.indexOf(';', close < 0 ? at : close)
  if (text.indexOf('"', at) > at) return tagAmongQuotes(text, at)
  while (at >= 0) {
    const name = skipSpace(text, at + 1)
    const next = text.indexOf(';', name)
    const end = next < 0 ? text.length : next
    if ((text.charCodeAt(name) | 0x20) === 0x74 && /^tag[ \t]*=/i.test(text.slice(name, end))) {
      const value = text.slice(text.indexOf('=', name) + 1, end).trim()
      return value === '' ? undefined : value
    }
    at = next
  }
  return undefined
}

/** A quoted parameter may hold what looks like a tag. */
function tagAmongQuotes(text: string, from: number): string | undefined {
  try {
    return parseParams(text, from).get('tag') || undefined
  } catch {
    return undefined
  }
}
