/** The state of our users at the PBX that their domain lives on (RFC 3903), for the extensions that watch them there: said as it changes, taken back when nobody is there any more. */
import type { Jid } from '../address/jid.ts'
import { SipUriError } from '../address/sip-uri.ts'
import type { Publisher } from '../core/subscriptions/publisher.ts'
import type { Log } from '../log/log.ts'
import { uriFor } from '../mapping/address.ts'
import type { Making } from '../mapping/making.ts'
import type { Aggregate } from '../mapping/presence/aggregate.ts'
import { presenceDocument } from '../mapping/presence/presence-document.ts'
import type { Stanza } from '../stanza/stanza.ts'
import type { Element } from '../xml/element.ts'

export interface PublishingRooms {
  readonly publisher: Pick<Publisher, 'publish' | 'withdraw'>
  /** The hosts whose users are published. */
  readonly hosts: { has(host: string): boolean; readonly size: number }
  /** What the account's devices say now. */
  presencesOf(account: Jid): readonly Element[]
  aggregateOf(domain: string): Aggregate
  readonly making: Making
  readonly log: Log
}

const EVENT = 'presence'

export class Publishing {
  constructor(readonly rooms: PublishingRooms) {}

  /** A device of ours has told its own account what it is: that is when there is news. */
  arrived({ from, to, type }: Stanza): void {
    const { hosts, publisher, presencesOf, aggregateOf, making, log } = this.rooms
    if (hosts.size === 0 || !from.bare.equals(to.bare) || (type !== 'available' && type !== 'unavailable')) return
    try {
      const account = uriFor(to.bare)
      if (!hosts.has(account.host)) return
      const presences = presencesOf(to.bare)
      if (presences.length > 0) {
        publisher.publish(account, EVENT, presenceDocument(account, presences, making.now(), { aggregate: aggregateOf(to.domain) }))
        return
      }
      publisher.withdraw(account, EVENT).catch((cause: unknown) => {
        log.failure({ what: 'publication_failed', error: cause instanceof Error ? cause.stack : cause })
      })
    } catch (cause) {
      // A name that SIP cannot write is no extension of a PBX.
      if (!(cause instanceof SipUriError)) throw cause
    }
  }
}
