/** One dialog of a subscription of ours: several where its SUBSCRIBE was forked and the package allows that. */
import { Dialog, type DialogState } from './dialog.ts'

/** What the store keeps of a subscription. */
export interface StoredSubscription {
  readonly watcher: string
  readonly watched: string
  readonly event: string
  readonly expiresSeconds: number
  readonly contact: string
  readonly legs: readonly StoredLeg[]
}

interface StoredLeg {
  readonly dialog: DialogState
  readonly since: number
  readonly expiresAt: number
}

export class Leg {
  /** A SUBSCRIBE in it waits for its answer. */
  isBusy = false
  #refreshing: NodeJS.Timeout | undefined

  constructor(
    readonly dialog: Dialog,
    readonly since: number,
    public expiresAt: number,
  ) {}

  static restored({ dialog, since, expiresAt }: StoredLeg): Leg {
    const leg = new Leg(new Dialog(dialog), since, expiresAt)
    // What was under way when that run ended may have been numbered.
    leg.dialog.heardNothing()
    return leg
  }

  get stored(): StoredLeg {
    return { dialog: this.dialog.state(), since: this.since, expiresAt: this.expiresAt }
  }

  refreshAfter(ms: number, refresh: (leg: Leg) => void): void {
    clearTimeout(this.#refreshing)
    this.#refreshing = setTimeout(refresh, Math.max(0, ms), this).unref()
  }

  rest(): void {
    clearTimeout(this.#refreshing)
  }
}
