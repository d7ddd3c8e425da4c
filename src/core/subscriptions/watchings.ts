/** The dialogs of a notifier, found by their tags, by their watch and by who is watched; and how many of them anybody may have. */
import type { SipUri } from '../../address/sip-uri.ts'
import { RefusedError } from '../port.ts'
import type { NotifierLimits } from './limits.ts'
import type { NotifierDialog } from './notifier-dialog.ts'
import { keyOfWatch, type Watch } from './port.ts'

const NONE: readonly NotifierDialog[] = []

export class Watchings {
  readonly #byKey = new Map<string, NotifierDialog>()
  /** Oldest first. */
  readonly #byWatch = new Map<string, readonly NotifierDialog[]>()
  readonly #byWatched = new Map<string, Set<NotifierDialog>>()
  readonly #perWatcher = new Map<string, number>()

  constructor(readonly limits: NotifierLimits) {}

  get size(): number {
    return this.#byKey.size
  }

  find(key: string): NotifierDialog | undefined {
    return this.#byKey.get(key)
  }

  of(watch: Watch): readonly NotifierDialog[] {
    return this.#byWatch.get(keyOfWatch(watch)) ?? NONE
  }

  about(watched: SipUri): Iterable<NotifierDialog> {
    return this.#byWatched.get(watched.aor) ?? NONE
  }

  all(): Iterable<NotifierDialog> {
    return this.#byKey.values()
  }

  /** Throws RefusedError where one more of this watch is too many. */
  requireRoom({ watcher, watched }: Watch): void {
    const { totalMax, perWatcherMax, perWatchedMax, retryAfterSeconds } = this.limits
    const later = [['Retry-After', String(retryAfterSeconds)]] as const
    if (this.#byKey.size >= totalMax) throw new RefusedError(503, 'Service Unavailable', later)
    // 503 would speak of everybody here.
    if ((this.#perWatcher.get(watcher.aor) ?? 0) >= perWatcherMax)
      throw new RefusedError(480, `More than ${perWatcherMax} subscriptions of one watcher`, later)
    if ((this.#byWatched.get(watched.aor)?.size ?? 0) >= perWatchedMax)
      throw new RefusedError(480, `More than ${perWatchedMax} watch this address`, later)
  }

  /** Whether it is the first of its watch. */
  add(one: NotifierDialog): boolean {
    const { watch } = one
    const key = keyOfWatch(watch)
    const others = this.#byWatch.get(key)
    this.#byKey.set(one.key, one)
    this.#byWatch.set(key, others ? [...others, one] : [one])
    const about = this.#byWatched.get(watch.watched.aor)
    if (about) about.add(one)
    else this.#byWatched.set(watch.watched.aor, new Set([one]))
    this.#perWatcher.set(watch.watcher.aor, (this.#perWatcher.get(watch.watcher.aor) ?? 0) + 1)
    return others === undefined
  }

  /** Whether it was the last of its watch. */
  remove(one: NotifierDialog): boolean {
    const { watched, watcher } = one.watch
    this.#byKey.delete(one.key)
    const about = this.#byWatched.get(watched.aor)
    about?.delete(one)
    if (about?.size === 0) this.#byWatched.delete(watched.aor)
    const left = (this.#perWatcher.get(watcher.aor) ?? 1) - 1
    if (left > 0) this.#perWatcher.set(watcher.aor, left)
    else this.#perWatcher.delete(watcher.aor)
    const key = keyOfWatch(one.watch)
    const others = (this.#byWatch.get(key) ?? NONE).filter((other) => other !== one)
    if (others.length > 0) this.#byWatch.set(key, others)
    else this.#byWatch.delete(key)
    return others.length === 0
  }
}
