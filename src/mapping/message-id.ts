/** The id of a stanza as the Message-ID of an IMDN (RFC 5438 §6.3), which is a token, and back without anybody having to remember it. */
import { LIMITS } from './limits.ts'

/** RFC 3862 §3.6, without the characters beyond ASCII that it also allows. */
const TOKEN = /^[!#-'*+\-.^-`|~A-Za-z0-9]+$/
/** In front of an id that is written as base64url, because it is no token or begins like this itself. */
const WRITTEN = 'stox.'

/** Undefined where the id is too long to come back whole. */
export function messageIdOf(id: string): string | undefined {
  const token = TOKEN.test(id) && !id.startsWith(WRITTEN) ? id : WRITTEN + Buffer.from(id).toString('base64url')
  return token.length <= LIMITS.idCharacters ? token : undefined
}

export function idOf(messageId: string): string {
  if (!messageId.startsWith(WRITTEN)) return messageId
  const id = Buffer.from(messageId.slice(WRITTEN.length), 'base64url').toString()
  // Not one of ours, whatever it looks like.
  return id !== '' && messageIdOf(id) === messageId ? id : messageId
}
