/** How requests of subscriptions leave the house: what is asked of whoever knows the ways. */
import type { SipUri } from '../../address/sip-uri.ts'
import type { SipRequest, SipResponse } from '../../sip/message.ts'
import type { NextHop } from '../../sip/port.ts'
import type { MaybePromise } from '../port.ts'
import type { Watch } from './port.ts'

/** Where one request goes. */
export interface Next {
  /** What RFC 3263 starts from: the topmost Route, the remote target, or a next hop that the operator has named. */
  readonly uri: SipUri
  /** Where the other side was heard from and `uri` cannot lead: its connection, or its side of an address translator (RFC 5626 §5.3). Tried first. */
  readonly hop: NextHop | undefined
  /** In whose name: whose credentials are given where somebody asks for them. */
  readonly local: SipUri
  /** Whom it is for: where a telephone is registered anew when `hop` is gone. */
  readonly remote: SipUri
}

/** Where the first request of a dialog goes. */
export interface Start {
  /** The Request-URI: the watched one himself, or a registered contact. */
  readonly target: SipUri
  /** Route fields, topmost first: the Path of a registration. */
  readonly routes: readonly string[]
  readonly next: Next
}

export interface Outward {
  /** Undefined: nobody can be asked. Throws or rejects with RefusedError where that may not be asked. */
  startFor(watch: Watch): MaybePromise<Start | undefined>
  /**
   * Resolves with the final response, challenges answered as far as the sender has credentials: its CSeq is then higher than the request's. Rejects
   * with NoResponseError, or with RefusedError where the request does not fit.
   */
  send(request: SipRequest, next: Next): Promise<SipResponse>
  /** The URI at which the other side reaches us, for Contact. Rejects with NoResponseError where it cannot be found. */
  contactFor(next: Next): MaybePromise<SipUri>
}
