/** RFC 8048 §5 and §6: which request each kind of presence stanza is, and which kind a request without P-XMPP-Data is. */
import { RefusedError } from '../../core/port.ts'

export const EVENT = 'presence'
/** RFC 3856 §6.4: seconds of a subscription unless somebody asks for another time. */
const SUBSCRIBED_SECONDS = '3600'

export interface Kind {
  readonly method: 'SUBSCRIBE' | 'NOTIFY'
  /** Of a SUBSCRIBE. */
  readonly expires?: string
  /** Subscription-State of a NOTIFY. */
  readonly state?: string
  /** It says how its sender is, which is a document's to say in SIP: Table 1, note 1. */
  readonly hasDocument: boolean
}

/** Where two kinds have one form the stanza's own type, in P-XMPP-Data or beside the signal, tells them apart. */
export const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['subscribe', { method: 'SUBSCRIBE', expires: SUBSCRIBED_SECONDS, hasDocument: false }], // examples 1 and 2
  ['unsubscribe', { method: 'SUBSCRIBE', expires: '0', hasDocument: false }], // examples 7 and 8
  ['probe', { method: 'SUBSCRIBE', expires: '0', hasDocument: false }], // §7: a fetch
  ['available', { method: 'NOTIFY', state: 'active', hasDocument: true }], // examples 18 and 19
  ['unavailable', { method: 'NOTIFY', state: 'active', hasDocument: true }], // Table 1, note 5: basic is closed
  ['subscribed', { method: 'NOTIFY', state: 'active', hasDocument: false }], // examples 13 and 14
  ['unsubscribed', { method: 'NOTIFY', state: 'terminated;reason=rejected', hasDocument: false }], // examples 15 and 16
  // What could not be the answer any more: said by components and servers alone, to whoever knows of such stanzas.
  ['error', { method: 'NOTIFY', state: 'terminated;reason=noresource', hasDocument: false }],
])

/** A SUBSCRIBE by itself. One with Expires 0 in no dialog is a fetch (RFC 6665 §4.4.3); in a dialog it never comes here. */
export function typeOfSubscribe(expires: string | undefined): 'subscribe' | 'probe' {
  return expires !== undefined && /^\s*0+\s*$/.test(expires) ? 'probe' : 'subscribe'
}

export type StateOfNotify = 'told' | 'subscribed' | 'unsubscribed' | 'unavailable' | 'nothing'

/** A NOTIFY by itself (RFC 6665 §8.2.3, RFC 8048 §5.2.1, §5.3.1): `told` is what its document says. */
export function stateOfNotify(subscriptionState: string | undefined, hasBody: boolean): StateOfNotify {
  const [word = '', ...params] = (subscriptionState ?? '').toLowerCase().split(';')
  switch (word.trim()) {
    case 'active':
      return hasBody ? 'told' : 'subscribed'
    case 'terminated':
      if (params.some((param) => /^\s*reason\s*=\s*rejected\s*$/.test(param))) return 'unsubscribed'
      return hasBody ? 'told' : 'unavailable'
    default:
      // Pending above all: MUST NOT be told to the watcher.
      return 'nothing'
  }
}

/** RFC 6665 §8.2.1: the package, without its parameters. Throws RefusedError for another one. */
export function requirePresence(event: string | undefined): void {
  const name = (event ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (name !== EVENT) throw new RefusedError(489, 'Bad Event', [['Allow-Events', EVENT]])
}
