/** The directives of DIGEST-MD5 (RFC 2831 §7.1): a list of names with values, quoted or not. */
import { SaslError } from './error.ts'

// name "=" ( token | quoted-string ), then a comma or the end; empty elements count for nothing.
const DIRECTIVE =
  /[ \t\r\n,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t\r\n]*=[ \t\r\n]*(?:"((?:[^"\\]|\\[\s\S])*)"|([^ \t\r\n",]+))[ \t\r\n]*(?:,|$)/y

/** Throws where it is no such list, or a name stands twice. */
export function directives(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  let at = 0
  while (at < text.length) {
    DIRECTIVE.lastIndex = at
    const match = DIRECTIVE.exec(text)
    const [whole, name, quoted, token] = match ?? []
    if (whole === undefined || name === undefined) throw malformed('This is not a list of directives')
    const key = name.toLowerCase()
    if (found.has(key)) throw malformed(`The directive ${key} stands twice`)
    found.set(key, quoted?.replaceAll(/\\([\s\S])/g, '$1') ?? token ?? '')
    at += whole.length
  }
  return found
}

const malformed = (text: string): SaslError => new SaslError('malformed-request', text)
