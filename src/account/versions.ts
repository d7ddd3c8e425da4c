/** The numbers of documents that come in versions (RFC 4235 §4.3, RFC 3858 §4): each watch's grow, through a restart too, because its dialog goes on and its watcher drops what is older than what he has. */
import { keyOfWatch, type Watch } from '../core/subscriptions/port.ts'

/** Watches whose last number is remembered; one that is forgotten begins again with the time, which is later than it. */
const REMEMBERED_MAX = 10_000
/** 2025-01-01: the seconds since then stay within 32 bits until 2161. */
const ZERO_MS = 1_735_689_600_000

export class Versions {
  readonly #last = new Map<string, number>()

  constructor(readonly now: () => number) {}

  nextFor(watch: Watch): number {
    const key = keyOfWatch(watch)
    const version = Math.max((this.#last.get(key) ?? 0) + 1, Math.floor((this.now() - ZERO_MS) / 1_000))
    this.#last.delete(key)
    this.#last.set(key, version)
    if (this.#last.size > REMEMBERED_MAX) {
      const [oldest] = this.#last.keys()
      if (oldest !== undefined) this.#last.delete(oldest)
    }
    return version
  }
}
