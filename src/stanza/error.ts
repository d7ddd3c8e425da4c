/** Stanza errors (RFC 6120 §8.3): thrown as news for the other side, written as the error stanza that answers. */

export const NS_STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

export type ErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait'

/** RFC 6120 §8.3.3, with the type each has by default (mapping.md 2.1). */
export const CONDITIONS = {
  'bad-request': 'modify',
  conflict: 'cancel',
  'feature-not-implemented': 'cancel',
  forbidden: 'auth',
  gone: 'cancel',
  'internal-server-error': 'cancel',
  'item-not-found': 'cancel',
  'jid-malformed': 'modify',
  'not-acceptable': 'modify',
  'not-allowed': 'cancel',
  'not-authorized': 'auth',
  'policy-violation': 'modify',
  'recipient-unavailable': 'wait',
  redirect: 'modify',
  'registration-required': 'auth',
  'remote-server-not-found': 'cancel',
  'remote-server-timeout': 'wait',
  'resource-constraint': 'wait',
  'service-unavailable': 'cancel',
  'subscription-required': 'auth',
  'undefined-condition': 'cancel',
  'unexpected-request': 'wait',
} as const satisfies Record<string, ErrorType>
export type Condition = keyof typeof CONDITIONS

/** A refusal on the XMPP side: becomes `<error/>` in the stanza that answers. */
export class StanzaError extends Error {
  constructor(
    readonly type: ErrorType,
    readonly condition: Condition,
    /** A sentence a person understands. */
    readonly text?: string,
    /** The new address inside `<gone/>` or `<redirect/>`. */
    readonly address?: string,
  ) {
    super(text ?? condition)
    this.name = 'StanzaError'
  }
}
