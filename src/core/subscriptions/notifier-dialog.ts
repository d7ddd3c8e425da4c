/** One dialog in which somebody watches, with its times. What happens in it is the notifier's affair. */
import type { SipUri } from '../../address/sip-uri.ts'
import { SipUri as Uri } from '../../address/sip-uri.ts'
import type { KeptRecord } from '../../store/port.ts'
import { Dialog, type DialogState } from './dialog.ts'
import type { EventField } from './event.ts'
import type { NotifierLimits } from './limits.ts'
import type { View, Watch } from './port.ts'

/** Who may refresh it: the account that proved itself, or who stands where it was begun from. */
export interface Owner {
  readonly account: SipUri | undefined
  readonly host: string
}

export class NotifierDialog {
  /** Milliseconds from one NOTIFY to the next, at least and at most (0: no matter). */
  apartMs = 0
  withinMs = 0
  /** No NOTIFY before this. */
  nextAt = 0
  /** Its watcher has been shown a document. */
  hasShown = false
  isSending = false
  /** Something is new since the last NOTIFY was made. */
  isDue = false
  isQueued = false
  /** A single look, which nobody counts as watching. */
  isFetch = false
  /** `ending`: a last word is to be said; `over`: it was said, or there is nobody to say it to. */
  phase: 'open' | 'ending' | 'over' = 'open'
  last: View | undefined
  failures = 0
  /** The store holds this number: a restart goes on behind it. */
  reserved = 0
  waking: NodeJS.Timeout | undefined
  expiring: NodeJS.Timeout | undefined

  constructor(
    readonly dialog: Dialog,
    readonly watch: Watch,
    /** `id` of Event. */
    readonly id: string | undefined,
    readonly owner: Owner,
    /** Contact of ours, with its brackets. */
    readonly contact: string,
    readonly since: number,
    public expiresAt: number,
  ) {}

  get key(): string {
    return keyOf(this.dialog.callId, this.dialog.localTag)
  }

  /** RFC 6446 §5: what the watcher asks for, as far as it does no harm. */
  paced({ maxRate, minRate }: EventField, { notifySeconds, atLeastEverySeconds }: NotifierLimits): void {
    this.apartMs = Math.max(notifySeconds, maxRate === undefined ? 0 : 1 / maxRate) * 1_000
    this.withinMs = minRate === undefined ? 0 : Math.max(atLeastEverySeconds * 1_000, this.apartMs, 1_000 / minRate)
  }

  record(): KeptRecord {
    const { watch, id, owner, contact, since, apartMs, withinMs, reserved } = this
    const { account, host } = owner
    const stored: Stored = {
      dialog: this.dialog.state(reserved),
      watcher: watch.watcher.toString(),
      watched: watch.watched.toString(),
      event: watch.event,
      id,
      account: account?.toString(),
      host,
      contact,
      since,
      apartMs,
      withinMs,
    }
    return { key: this.key, owner: watch.watched.aor, expiresAt: this.expiresAt, data: JSON.stringify(stored) }
  }

  static restored({ data, expiresAt }: KeptRecord): NotifierDialog {
    const stored: Stored = JSON.parse(data)
    const { watcher, watched, event, id, account, host, contact, since, apartMs, withinMs } = stored
    const watch = { watcher: Uri.parse(watcher), watched: Uri.parse(watched), event }
    const owner = { account: account === undefined ? undefined : Uri.parse(account), host }
    const made = new NotifierDialog(new Dialog(stored.dialog), watch, id, owner, contact, since, expiresAt ?? since)
    made.apartMs = apartMs
    made.withinMs = withinMs
    made.reserved = stored.dialog.cseq
    return made
  }
}

export const keyOf = (callId: string, localTag: string): string => `${callId} ${localTag}`

interface Stored {
  readonly dialog: DialogState
  readonly watcher: string
  readonly watched: string
  readonly event: string
  readonly id: string | undefined
  readonly account: string | undefined
  readonly host: string
  readonly contact: string
  readonly since: number
  readonly apartMs: number
  readonly withinMs: number
}
