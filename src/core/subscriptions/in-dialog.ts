/** Requests off the wire that belong to a subscription (RFC 6665): they never reach the router. */
import { unbracketed } from '../../address/ip-literal.ts'
import type { SipUri } from '../../address/sip-uri.ts'
import type { SipRequest, SipResponse } from '../../sip/message.ts'
import { tagOf } from '../../sip/name-addr.ts'
import type { Received } from '../../sip/port.ts'
import { type MaybePromise, RefusedError } from '../port.ts'
import type { Notifier } from './notifier.ts'
import type { Subscriber } from './subscriber.ts'

export interface InDialogRooms {
  readonly notifier: Pick<Notifier, 'ownerOf' | 'inDialog'>
  readonly subscriber: Pick<Subscriber, 'inDialog'>
  /** Undefined where the request is proved to be this account's; else the response it gets instead. */
  proofOf(request: SipRequest, account: SipUri, host: string): Promise<SipResponse | undefined>
  /** Whether what comes from there may speak for others: a next hop of the table, a PBX, a trusted peer. */
  isKnown(received: Received): boolean
}

export class InDialog {
  constructor(readonly rooms: InDialogRooms) {}

  /** Undefined where it has no To-tag or is neither SUBSCRIBE nor NOTIFY. Throws RefusedError. */
  serve(received: Received): MaybePromise<SipResponse> | undefined {
    const { method, headers } = received.request
    if ((method !== 'SUBSCRIBE' && method !== 'NOTIFY') || tagOf(headers.get('To') ?? '') === undefined) return undefined
    // Its tags are proof enough: nobody but those we asked knows them (RFC 3261 §19.3).
    return method === 'NOTIFY' ? this.rooms.subscriber.inDialog(received) : this.#subscribe(received)
  }

  /** Who can read along could take a subscription over by its Contact: it is refreshed by who began it. */
  async #subscribe(received: Received): Promise<SipResponse> {
    const { notifier, proofOf, isKnown } = this.rooms
    const { request, from } = received
    const owner = notifier.ownerOf(request)
    if (!owner) throw new RefusedError(481, 'Call/Transaction Does Not Exist')
    const host = unbracketed(from.host)
    if (owner.account) {
      const proof = await proofOf(request, owner.account, host)
      if (proof) return proof
    } else if (owner.host !== host && !isKnown(received)) throw new RefusedError(403, 'This dialog was begun from elsewhere')
    return notifier.inDialog(received)
  }
}
