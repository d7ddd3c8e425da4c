/** What telephones publish of themselves (RFC 3903): for each account the documents of its devices, as long as they last. */
import type { SipUri } from '../../address/sip-uri.ts'
import type { Log } from '../../log/log.ts'
import type { Kept } from '../../store/port.ts'
import { OK } from '../answer.ts'
import type { Answer, MaybePromise, Signal } from '../port.ts'
import type { PublicationLimits } from './limits.ts'
import type { EventPackage } from './packages.ts'
import type { Document } from './port.ts'

/** One publication, as it stands. */
export interface Published {
  /** The same through all its refreshes and changes: one device, mostly. */
  readonly id: string
  readonly document: Document
  readonly expiresAt: number
}

export interface PublicationRooms {
  readonly kept: Kept
  readonly packages: readonly EventPackage[]
  /** The documents of an account are others now; an empty list where the last one is gone. A thrown RefusedError refuses the PUBLISH, which then changes nothing. */
  published(account: SipUri, event: string, published: readonly Published[]): void
  readonly now: () => number
  readonly log: Log
  readonly limits?: PublicationLimits
}

export class Publications {
  constructor(readonly rooms: PublicationRooms) {}

  /** A PUBLISH that was proved to be the account's. Throws RefusedError. */
  publish(_signal: Signal, _account: SipUri): MaybePromise<Answer> {
    return OK
  }

  of(_account: SipUri, _event: string): readonly Published[] {
    return []
  }

  /** Everything of an account is gone. */
  forget(_account: SipUri): void {}

  /** Takes up those of an earlier run; `published` is told of each account. */
  async restore(): Promise<void> {}

  stop(): void {}
}
