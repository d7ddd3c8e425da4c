/**
 * RFC 7247 §7: the two tables, read row by row against the RFC. What stands in them and not in the RFC is marked: `ours` where we differ,
 * `added` where the RFC has no row.
 */
import { CONDITIONS, type Condition, type ErrorType, StanzaError } from '../stanza/error.ts'

/** What a condition becomes when one device is meant (a full JID), and when the whole user is (a bare JID): notes 1 and 2 of Table 2. */
export interface ToSip {
  readonly full: number
  readonly bare: number
}

const both = (status: number): ToSip => ({ full: status, bare: status })

/** Table 2. */
export const TO_SIP: Readonly<Record<Condition, ToSip>> = {
  'bad-request': both(400),
  conflict: both(400),
  'feature-not-implemented': { full: 405, bare: 501 },
  forbidden: { full: 403, bare: 603 },
  gone: both(410), // 301 with a new address: note 3
  'internal-server-error': both(500),
  'item-not-found': { full: 404, bare: 604 },
  'jid-malformed': both(400),
  'not-acceptable': { full: 406, bare: 606 },
  'not-allowed': both(403),
  'not-authorized': both(403), // ours; RFC 401: which must hold a challenge (RFC 3261 §20.44), and we have none
  'policy-violation': both(403),
  'recipient-unavailable': { full: 480, bare: 600 },
  redirect: both(302),
  'registration-required': both(403), // ours; RFC 407: which must hold a challenge too
  'remote-server-not-found': both(404), // 408 where the name could not be resolved: note 4, which a stanza does not tell apart
  'remote-server-timeout': both(408),
  'resource-constraint': both(500), // with Retry-After
  'service-unavailable': both(480), // ours, 405 for an iq (a subscription outlives a 480, and no 403 or 405: RFC 8048 §5.2.2); never 503, which speaks of the whole server: note 5
  'subscription-required': both(400),
  'undefined-condition': both(400), // ours: 480 where the sender may try again
  'unexpected-request': both(400), // 491 where the sender may try again
}

/** The status for an error stanza about this request. */
export function statusFor({ condition, type, address }: StanzaError, toDevice: boolean, method: string): number {
  if (condition === 'gone' && address !== undefined) return 301
  if (condition === 'service-unavailable' && method === 'INFO') return 405
  if (condition === 'undefined-condition' && type === 'wait') return 480
  if (condition === 'unexpected-request' && type === 'wait') return 491
  const row = TO_SIP[condition]
  return toDevice ? row.full : row.bare
}

/** Table 3. */
export const FROM_SIP: Readonly<Record<number, readonly [ErrorType, Condition]>> = {
  300: ['modify', 'redirect'],
  301: ['cancel', 'gone'], // with the new address: note 1
  302: ['modify', 'redirect'],
  305: ['modify', 'redirect'],
  380: ['modify', 'not-acceptable'],
  400: ['modify', 'bad-request'],
  401: ['auth', 'not-authorized'],
  402: ['modify', 'bad-request'], // payment-required was removed from XMPP: note 2
  403: ['auth', 'forbidden'],
  404: ['cancel', 'item-not-found'],
  405: ['cancel', 'feature-not-implemented'],
  406: ['modify', 'not-acceptable'],
  407: ['auth', 'registration-required'],
  408: ['wait', 'remote-server-timeout'],
  410: ['cancel', 'gone'], // without an address: note 1
  412: ['wait', 'unexpected-request'], // added
  413: ['modify', 'policy-violation'],
  414: ['modify', 'policy-violation'],
  415: ['modify', 'not-acceptable'],
  416: ['modify', 'not-acceptable'],
  420: ['cancel', 'feature-not-implemented'],
  421: ['modify', 'not-acceptable'],
  422: ['wait', 'resource-constraint'], // added
  423: ['wait', 'resource-constraint'],
  424: ['modify', 'not-acceptable'], // added
  428: ['auth', 'not-authorized'], // added, RFC 8224
  429: ['modify', 'policy-violation'], // added
  430: ['wait', 'recipient-unavailable'],
  433: ['modify', 'policy-violation'], // added
  436: ['auth', 'not-authorized'], // added, RFC 8224
  437: ['auth', 'not-authorized'], // added, RFC 8224
  438: ['auth', 'not-authorized'], // added, RFC 8224
  439: ['cancel', 'feature-not-implemented'],
  440: ['modify', 'policy-violation'],
  469: ['cancel', 'feature-not-implemented'], // added, RFC 6086
  470: ['auth', 'forbidden'], // added
  480: ['wait', 'recipient-unavailable'],
  481: ['cancel', 'item-not-found'],
  482: ['modify', 'not-acceptable'],
  483: ['modify', 'not-acceptable'],
  484: ['cancel', 'item-not-found'],
  485: ['cancel', 'item-not-found'],
  486: ['wait', 'recipient-unavailable'],
  487: ['wait', 'recipient-unavailable'],
  488: ['modify', 'not-acceptable'],
  489: ['modify', 'policy-violation'],
  491: ['wait', 'unexpected-request'],
  493: ['modify', 'bad-request'],
  494: ['auth', 'not-authorized'], // added
  500: ['cancel', 'internal-server-error'], // wait with Retry-After
  501: ['cancel', 'feature-not-implemented'],
  502: ['cancel', 'remote-server-not-found'],
  503: ['wait', 'internal-server-error'], // not service-unavailable, which in XMPP speaks of one user: note 9
  504: ['wait', 'remote-server-timeout'],
  505: ['modify', 'not-acceptable'],
  513: ['modify', 'policy-violation'],
  555: ['cancel', 'service-unavailable'], // added
  580: ['cancel', 'not-acceptable'], // added
  600: ['wait', 'recipient-unavailable'],
  603: ['cancel', 'recipient-unavailable'],
  604: ['cancel', 'item-not-found'],
  606: ['modify', 'not-acceptable'],
  607: ['cancel', 'policy-violation'], // added
  608: ['cancel', 'policy-violation'], // added
}

/** §7.2: a code that is not listed falls back on its class. */
export const FROM_SIP_CLASS: Readonly<Record<number, readonly [ErrorType, Condition]>> = {
  3: ['modify', 'redirect'],
  4: ['modify', 'bad-request'],
  5: ['cancel', 'internal-server-error'],
  6: ['cancel', 'recipient-unavailable'],
}

/** RFC 3261 §8.1.3.1: no response at all is treated as a status, but XMPP has its own words for it. */
const NO_RESPONSE = {
  timeout: ['wait', 'remote-server-timeout'],
  transport: ['cancel', 'remote-server-not-found'],
} as const satisfies Record<string, readonly [ErrorType, Condition]>

const UNHEARD_OF = ['cancel', 'undefined-condition'] as const

export interface FromSip {
  readonly type: ErrorType
  readonly condition: Condition
}

/** What a final response other than 2xx means in XMPP. */
export function conditionFor(status: number, failure: 'timeout' | 'transport' | undefined, mayRetry: boolean): FromSip {
  const [type, condition] = failure ? NO_RESPONSE[failure] : (FROM_SIP[status] ?? FROM_SIP_CLASS[Math.floor(status / 100)] ?? UNHEARD_OF)
  // Retry-After says when: so the sender may try again.
  return { type: mayRetry && status >= 500 && status < 600 ? 'wait' : type, condition }
}

/** An error as XMPP has it by default, with its reason. */
export const stanzaError = (condition: Condition, text: string): StanzaError => new StanzaError(CONDITIONS[condition], condition, text)
