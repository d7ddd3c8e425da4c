/** Stanzas that were written and of which nobody knows whether they were read: they come back when their stream breaks. */
import type { ServerLimits } from './limits.ts'

export class Unsure<Item> {
  /** Two generations: the older one is dropped when the younger one is full, so that adding costs nothing. */
  #old: Item[] = []
  #oldTimes: number[] = []
  #items: Item[] = []
  #times: number[] = []

  constructor(readonly limits: Pick<ServerLimits, 'unsureMax' | 'unsureSeconds'>) {}

  add(item: Item, at: number): void {
    if (this.#items.length >= this.limits.unsureMax) {
      this.#old = this.#items
      this.#oldTimes = this.#times
      this.#items = []
      this.#times = []
    }
    this.#items.push(item)
    this.#times.push(at)
  }

  /** Those written after the other side was last heard, and not too long ago; none is unsure any more. In their order. */
  take(heardAt: number, now: number): Item[] {
    const since = Math.max(heardAt, now - this.limits.unsureSeconds * 1_000)
    const items = [...this.#old, ...this.#items]
    const times = [...this.#oldTimes, ...this.#times]
    this.clear()
    return items.filter((_, i) => (times[i] ?? 0) >= since).slice(-this.limits.unsureMax)
  }

  clear(): void {
    this.#old = []
    this.#oldTimes = []
    this.#items = []
    this.#times = []
  }
}
