/** The bodies of a MESSAGE we can show an XMPP user, as a 415 says it (RFC 3428 §7, RFC 3261 §8.2.3). */

export const ACCEPTED_TYPES = [
  'text/plain',
  'text/html',
  'message/cpim',
  'multipart/mixed',
  'multipart/alternative',
  'multipart/related',
  'application/im-iscomposing+xml',
  'message/imdn+xml',
  'application/xmpp+xml',
] as const

export const ACCEPT: readonly (readonly [string, string])[] = [['Accept', ACCEPTED_TYPES.join(', ')]]

/** Where the type is right and its charset is not. */
export const ACCEPT_TEXT: readonly (readonly [string, string])[] = [['Accept', 'text/plain;charset=UTF-8, text/html;charset=UTF-8']]

export const ACCEPT_ENCODING: readonly (readonly [string, string])[] = [['Accept-Encoding', 'identity']]
