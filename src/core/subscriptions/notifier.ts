/** Our side of the dialogs in which others watch (RFC 6665 §4.2): SUBSCRIBE begins one, and each change goes out in it as a NOTIFY of the full state. */
import type { SipUri } from '../../address/sip-uri.ts'
import type { Log } from '../../log/log.ts'
import type { SipRequest, SipResponse } from '../../sip/message.ts'
import type { Received } from '../../sip/port.ts'
import type { Kept } from '../../store/port.ts'
import { OK } from '../answer.ts'
import { type Answer, type MaybePromise, RefusedError, type Signal } from '../port.ts'
import type { NotifierLimits } from './limits.ts'
import type { Outward } from './outward.ts'
import type { EventPackage } from './packages.ts'
import type { TerminationReason, Views, Watch } from './port.ts'

export interface NotifierRooms {
  readonly outward: Outward
  readonly views: Views
  readonly kept: Kept
  /** Those served; others get 489 (RFC 6665 §4.2.1.4). */
  readonly packages: readonly EventPackage[]
  /** Whether a dialog of an earlier run goes on: not where it was the stack's own affair. */
  readonly keepsDialogs: boolean
  readonly now: () => number
  readonly log: Log
  readonly limits?: NotifierLimits
}

/** One watching of one address, as RFC 3857 tells it to the watched. */
export interface Watcher {
  readonly watch: Watch
  /** The same as long as its dialog lives. */
  readonly id: string
  /** Milliseconds since 1970. */
  readonly since: number
  readonly expiresAt: number
}

export class Notifier {
  constructor(readonly rooms: NotifierRooms) {}

  /** A SUBSCRIBE outside a dialog; `watch.event` is the package its Event names. The first NOTIFY follows the answer. Throws RefusedError. */
  subscribe(_signal: Signal, _watch: Watch): MaybePromise<Answer> {
    return OK
  }

  /** Whose account began the dialog this request belongs to, and from where; undefined: it is in none of ours. */
  ownerOf(_request: SipRequest): { readonly account: SipUri | undefined; readonly host: string } | undefined {
    return undefined
  }

  /** A SUBSCRIBE in a dialog: refreshed or ended; 481 where there is none. Throws RefusedError. */
  inDialog(_received: Received): MaybePromise<SipResponse> {
    throw new RefusedError(481, 'Call/Transaction Does Not Exist')
  }

  /** There is something new to see: of this address, for all who watch it or one, in all packages or one. */
  changed(_watched: SipUri, _watcher?: SipUri, _event?: string): void {}

  /** A last NOTIFY in each of its dialogs; `views.ended` is told. */
  terminate(_watch: Watch, _reason: TerminationReason, _retryAfterSeconds?: number): void {}

  has(_watch: Watch): boolean {
    return false
  }

  /** One for each dialog. */
  watchersOf(_watched: SipUri, _event: string): readonly Watcher[] {
    return []
  }

  /** Takes up the dialogs of an earlier run: `views.begun` is told of each watch, and each hears the state as it is now. */
  async restore(): Promise<void> {}

  /** Nothing goes out any more; the dialogs stay in the store. */
  stop(): void {}
}
