/** Which counts of a nonce were used: each may be used once (RFC 7616 §3.4, nc). */

import { flat } from './flat.ts'

interface Use {
  readonly issued: number
  /** The highest so far. */
  highest: number
  /** Bit n: `highest - n` was used. Over UDP a later request may come first. */
  window: number
}

const WINDOW = 31

export class NonceCounts {
  readonly #uses = new Map<string, Use>()
  readonly #max: number
  /** Of a nonce as old as this it is not known any more which counts were used. */
  #forgotten = Number.NEGATIVE_INFINITY

  constructor(max: number) {
    this.#max = max
  }

  /** Whether this count of that nonce is used for the first time. */
  use(nonce: string, issued: number, count: number): boolean {
    if (count < 1) return false
    const use = this.#uses.get(nonce)
    if (!use) {
      if (issued <= this.#forgotten) return false
      this.#makeRoom()
      this.#uses.set(flat(nonce), { issued, highest: count, window: 1 })
      return true
    }
    const behind = use.highest - count
    if (behind < 0) {
      use.window = -behind > WINDOW ? 1 : ((use.window << -behind) | 1) >>> 0
      use.highest = count
      return true
    }
    const bit = 1 << behind
    if (behind > WINDOW || (use.window & bit) !== 0) return false
    use.window = (use.window | bit) >>> 0
    return true
  }

  #makeRoom(): void {
    if (this.#uses.size < this.#max) return
    // A tenth at once: a map is slow at giving up its first entry again and again.
    let left = Math.ceil(this.#max / 10)
    for (const [nonce, use] of this.#uses) {
      if (left-- === 0) break
      this.#forgotten = Math.max(this.#forgotten, use.issued)
      this.#uses.delete(nonce)
    }
  }
}
