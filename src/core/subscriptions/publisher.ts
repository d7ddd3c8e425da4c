/** The state of our accounts at a presence server elsewhere (RFC 3903 §4): one publication for each account, kept alive and up to date. */
import type { SipUri } from '../../address/sip-uri.ts'
import type { Log } from '../../log/log.ts'
import type { PublisherLimits } from './limits.ts'
import type { Outward } from './outward.ts'
import type { Document } from './port.ts'

export interface PublisherRooms {
  /** `startFor` is asked with the account as watcher and watched. */
  readonly outward: Outward
  readonly now: () => number
  readonly random: () => number
  readonly log: Log
  readonly limits?: PublisherLimits
}

export class Publisher {
  constructor(readonly rooms: PublisherRooms) {}

  /** This is the account's state from now on. */
  publish(_account: SipUri, _event: string, _document: Document): void {}

  /** Takes it back (§4.5). */
  async withdraw(_account: SipUri, _event: string): Promise<void> {}

  /** Takes everything back, as far as the server answers. */
  async stop(): Promise<void> {}
}
