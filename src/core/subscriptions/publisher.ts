/** The state of our accounts at a presence server elsewhere (RFC 3903 §4): one publication for each account, kept alive and up to date. */
import type { SipUri } from '../../address/sip-uri.ts'
import type { Log } from '../../log/log.ts'
import { PUBLISHER_DEFAULTS, type PublisherLimits } from './limits.ts'
import type { Outward } from './outward.ts'
import type { Document } from './port.ts'
import { Publication } from './publication.ts'

export interface PublisherRooms {
  /** `startFor` is asked with the account as watcher and watched. */
  readonly outward: Outward
  readonly now: () => number
  readonly random: () => number
  readonly log: Log
  readonly limits?: PublisherLimits
}

export class Publisher {
  readonly #limits: PublisherLimits
  readonly #publications = new Map<string, Publication>()

  constructor(readonly rooms: PublisherRooms) {
    this.#limits = rooms.limits ?? PUBLISHER_DEFAULTS
  }

  /** For metrics. */
  get size(): number {
    return this.#publications.size
  }

  /** This is the account's state from now on. */
  publish(account: SipUri, event: string, document: Document): void {
    const key = `${event} ${account.aor}`
    let publication = this.#publications.get(key)
    if (!publication) {
      publication = new Publication(account.bare, event, this.rooms, this.#limits)
      this.#publications.set(key, publication)
    }
    publication.change(document)
  }

  /** Takes it back (§4.5); resolves when that is answered, or cannot be. */
  async withdraw(account: SipUri, event: string): Promise<void> {
    const key = `${event} ${account.aor}`
    const publication = this.#publications.get(key)
    this.#publications.delete(key)
    await publication?.remove()
  }

  /** Takes everything back, as far as the server answers. */
  async stop(): Promise<void> {
    const all = [...this.#publications.values()]
    this.#publications.clear()
    await Promise.all(all.map((one) => one.remove()))
  }
}
