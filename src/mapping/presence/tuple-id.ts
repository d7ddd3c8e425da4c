/**
 * RFC 8048 Table 1, note 2: the resource is the id of a tuple. An id is an NCName, and a resource may be anything: what is no ASCII letter, digit,
 * hyphen or dot (so every underscore too) is written byte by byte as `_xHH`, so that the id of one resource is never that of another.
 */
import { createHash } from 'node:crypto'
import { type Jid, JidError } from '../../address/jid.ts'

const PREFIX = 'ID-'
/** Of somebody's presence that is no device's: an XML id needs at least a letter. */
const NO_RESOURCE = 'ID'

const PLAIN = /^[A-Za-z0-9.-]*$/
const ESCAPES = /(?:_x[0-9A-F]{2})+/g

export function tupleId(resource: string | undefined): string {
  if (resource === undefined) return NO_RESOURCE
  if (PLAIN.test(resource)) return PREFIX + resource
  let id = PREFIX
  for (const character of resource) id += PLAIN.test(character) ? character : bytesOf(character)
  return id
}

function bytesOf(character: string): string {
  let text = ''
  for (const byte of Buffer.from(character)) text += `_x${byte.toString(16).toUpperCase().padStart(2, '0')}`
  return text
}

/** The resource behind an id: of ours the one it was, of others' the id as it stands, and its digest where XMPP has no such resource. */
export function resourceOf(id: string, account: Jid): string | undefined {
  if (id === NO_RESOURCE) return undefined
  const written = id.startsWith(PREFIX) && id.length > PREFIX.length ? id.slice(PREFIX.length).replace(ESCAPES, unescaped) : id
  try {
    return account.withResource(written).resource
  } catch (cause) {
    if (cause instanceof JidError) return createHash('sha256').update(id).digest('base64url').slice(0, 16)
    throw cause
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function unescaped(escapes: string): string {
  try {
    return utf8.decode(Buffer.from(escapes.replaceAll('_x', ''), 'hex'))
  } catch {
    // Not bytes of UTF-8: somebody else's id that looks like ours.
    return escapes
  }
}
