/** Who watches whom over SIP (RFC 6665): the shapes between the dialogs that are kept here and the rooms that know what may be told. */
import type { SipUri } from '../../address/sip-uri.ts'
import type { MaybePromise } from '../port.ts'

/** One watching of one by another, in as many dialogs as the watcher has devices. Both addresses are bare. */
export interface Watch {
  readonly watcher: SipUri
  readonly watched: SipUri
  /** The event package: `presence`, `dialog`, `presence.winfo`. */
  readonly event: string
}

/** The text of a watch: the key of whoever remembers something about it. */
export const keyOfWatch = ({ watcher, watched, event }: Watch): string => `${event} ${watched.aor} ${watcher.aor}`

export interface Document {
  readonly contentType: string
  readonly body: Buffer
}

/** What a watcher is told now (RFC 6665 §4.1.3). A document is always the full state. */
export type View =
  | { readonly state: 'pending' }
  | { readonly state: 'active'; readonly document: Document | undefined }
  | {
      readonly state: 'terminated'
      readonly reason: TerminationReason
      readonly document?: Document | undefined
      readonly retryAfterSeconds?: number
    }

/** RFC 6665 §4.1.3. */
export type TerminationReason = 'deactivated' | 'probation' | 'rejected' | 'timeout' | 'giveup' | 'noresource' | 'invariant'

/** The room that decides what a watcher of ours is told; `Notifier` asks it each time something goes out. */
export interface Views {
  /** Never more than this watcher may see. Asked for a single look too (`Expires: 0`), of which neither `begun` nor `ended` hears. */
  viewFor(watch: Watch): MaybePromise<View>
  /** The first dialog of this watch is there. */
  begun(watch: Watch): void
  /** Its last dialog is gone: ended by the watcher, expired, or dead. */
  ended(watch: Watch): void
}

/** What a notifier elsewhere says of somebody one of ours watches: one NOTIFY, in the order of its CSeq. */
export interface Notice {
  /** Which dialog says it: one SUBSCRIBE may have forked where its package allows that (`dialog`), and each part then speaks for itself. */
  readonly dialog: string
  /** The answer to a `fetch`, which ends by itself (RFC 6665 §4.4.3): its `terminated` for `timeout` says nothing of a subscription. */
  readonly isFetched: boolean
  readonly state: 'pending' | 'active' | 'terminated'
  /** Of a terminated one; other words than RFC 6665's own come as undefined. */
  readonly reason: TerminationReason | undefined
  readonly retryAfterSeconds: number | undefined
  readonly document: Document | undefined
  /** Content-Language of the document. */
  readonly language: string | undefined
}

/** The room that hears what our subscriptions bring. */
export interface Notices {
  /**
   * Terminated ones too: after `rejected`, `noresource` and `invariant` nothing follows by itself; after any other reason, or none, it is subscribed anew while it is
   * wanted. A thrown RefusedError becomes the response to the NOTIFY.
   */
  noticed(watch: Watch, notice: Notice): void
  /**
   * A SUBSCRIBE got a final non-2xx that repeating it does not cure (423, 481 and authentication are dealt with before), and the subscription is over; 408 and 503
   * stand for no answer at all: told once, and it is tried again until one comes.
   */
  refused(watch: Watch, status: number, reason: string): void
  /** Whether the subscription is to be refreshed: its watcher is there to see something (RFC 8048 §8.1). Asked before each refresh. */
  isWanted(watch: Watch): MaybePromise<boolean>
}
