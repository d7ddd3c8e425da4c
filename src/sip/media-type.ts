/** Content-Type: `text/plain;charset=UTF-8` (RFC 3261 §20.15). */
import { type Params, parseParams } from './params.ts'
import { SipSyntaxError } from './syntax-error.ts'

export interface MediaType {
  /** In small letters. */
  readonly type: string
  readonly subtype: string
  readonly params: Params
}

const TYPE = /^[ \t]*([A-Za-z0-9\-.!%*_+`'~]+)[ \t]*\/[ \t]*([A-Za-z0-9\-.!%*_+`'~]+)/

export function parseMediaType(text: string): MediaType {
  const parts = TYPE.exec(text)
  if (!parts) throw new SipSyntaxError('it is not type/subtype')
  return { type: (parts[1] ?? '').toLowerCase(), subtype: (parts[2] ?? '').toLowerCase(), params: parseParams(text, parts[0].length) }
}
