/** The dialogs in which somebody of ours watches over SIP (RFC 6665 §4.1): begun, refreshed while wanted, begun anew where they were lost. */
import type { Log } from '../../log/log.ts'
import type { SipRequest, SipResponse } from '../../sip/message.ts'
import type { Received } from '../../sip/port.ts'
import type { Kept } from '../../store/port.ts'
import { type MaybePromise, RefusedError } from '../port.ts'
import type { SubscriberLimits } from './limits.ts'
import type { Outward } from './outward.ts'
import type { EventPackage } from './packages.ts'
import type { Notices, Watch } from './port.ts'

export interface SubscriberRooms {
  readonly outward: Outward
  readonly notices: Notices
  readonly kept: Kept
  readonly packages: readonly EventPackage[]
  /** Whether a dialog of an earlier run goes on: not where it was the stack's own affair. */
  readonly keepsDialogs: boolean
  readonly now: () => number
  readonly random: () => number
  readonly log: Log
  readonly limits?: SubscriberLimits
}

export class Subscriber {
  constructor(readonly rooms: SubscriberRooms) {}

  /** Nothing where it is subscribed already. The way is found by `outward.startFor`, each time a dialog is begun. */
  subscribe(_watch: Watch): void {}

  /** `Expires: 0` in each of its dialogs; what their last NOTIFYs say is still told. */
  unsubscribe(_watch: Watch): void {}

  /** One look, in a dialog of its own: one `noticed` with `isFetched`, or one `refused`. Nothing where one is under way. */
  fetch(_watch: Watch): void {}

  /** It was asked for and not given up: whether there is an answer or not. */
  has(_watch: Watch): boolean {
    return false
  }

  /** Whether a NOTIFY is in a dialog of ours, or may make one. */
  owns(_request: SipRequest): boolean {
    return false
  }

  /** A NOTIFY. Throws RefusedError. */
  inDialog(_received: Received): MaybePromise<SipResponse> {
    throw new RefusedError(481, 'Subscription does not exist')
  }

  /** Takes up what an earlier run watched, a few each second. */
  async restore(): Promise<void> {}

  /** Nothing goes out any more; the subscriptions stay in the store. */
  stop(): void {}
}
