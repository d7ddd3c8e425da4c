/** What an address of the XMPP world asks of the room that keeps its SIP watchers (account/watching): the shape alone, so that targets need not know it. */
import type { Delivery, Signal } from '../core/port.ts'
import type { Stanza } from '../stanza/stanza.ts'

export interface SipWatchers {
  /** A SUBSCRIBE that brought no stanza, for an address whose presence lives here or in an XMPP world beyond: a dialog begins, or a refusal comes back (489, 403). */
  subscribe(signal: Signal): Delivery
  /** A PUBLISH for an account of ours (RFC 3903). */
  publish(signal: Signal): Delivery
  /** A presence stanza reached this address (a bare one, or one device): whoever watches its sender by SIP in that name is told. */
  arrived(stanza: Stanza): void
}

/** Where nobody watches by SIP. */
export const NO_WATCHERS: Pick<SipWatchers, 'arrived'> = { arrived: () => {} }
