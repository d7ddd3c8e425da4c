/** `type/subtype;name=value`, as Content-Type and Content-Disposition hold it (RFC 3261 §20.15, RFC 2045 §5.1). */
import { LIMITS } from './limits.ts'

export class ContentType {
  constructor(
    /** In lower case, without parameters. */
    readonly type: string,
    readonly params: ReadonlyMap<string, string>,
  ) {}
}

/** One parameter: a token or a quoted string, with white space wherever somebody puts it. Sticky: it must follow where the last one ended. */
const PARAMETER = /\s*;\s*([^\s;="]+)\s*(?:=\s*(?:"((?:[^"\\]|\\[\s\S])*)"|([^\s;"]*)))?\s*/y
const TYPE = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+(?:\/[!#$%&'*+.^_`|~0-9A-Za-z-]+)?)\s*(?=;|$)/

/** Undefined where the text is not of that form. A parameter that comes twice counts as it came first. */
export function parseContentType(text: string): ContentType | undefined {
  if (text.length > LIMITS.contentTypeCharacters) return undefined
  const type = TYPE.exec(text)
  if (!type?.[1]) return undefined
  const params = new Map<string, string>()
  PARAMETER.lastIndex = type[0].length
  while (PARAMETER.lastIndex < text.length) {
    // RFC 2045 has none, but a semicolon with nothing behind it is common.
    if (/^\s*;?\s*$/.test(text.slice(PARAMETER.lastIndex))) break
    const match = PARAMETER.exec(text)
    if (!match) return undefined
    const name = (match[1] ?? '').toLowerCase()
    if (!params.has(name)) params.set(name, match[2] === undefined ? (match[3] ?? '') : match[2].replace(/\\([\s\S])/g, '$1'))
  }
  return new ContentType(type[1].toLowerCase(), params)
}
