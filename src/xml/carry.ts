/** Bytes kept from one chunk to the next: the beginning of a token whose end has not come, or all that arrives while a parser is held. */
import { DOUBLE_QUOTE, GT, LT, SINGLE_QUOTE } from './characters.ts'
import type { Awaiting } from './tree-reader.ts'

const CDATA_END = Buffer.from(']]>')

export class Carry {
  /** A pooled buffer for the usual few bytes. It grows by doubling, so that a long token in tiny chunks costs linear time and twice its size. */
  #bytes: Buffer | undefined = undefined
  #length = 0
  /** How far the search for the token's end has come; each byte is looked at once. */
  #searched = 0
  #quote = 0
  #awaiting: Awaiting = 'any'

  get length(): number {
    return this.#length
  }

  /** Adds bytes to what is there. */
  add(bytes: Buffer): void {
    const length = this.#length + bytes.length
    let kept = this.#bytes
    if (kept === undefined || kept.length < length) {
      kept = Buffer.allocUnsafe(this.#length === 0 ? length : Math.max(length, 2 * this.#length))
      if (this.#bytes !== undefined) this.#bytes.copy(kept, 0, 0, this.#length)
      this.#bytes = kept
    }
    bytes.copy(kept, this.#length)
    this.#length = length
  }

  /** Says what the token that begins here will end with. */
  expect(awaiting: Awaiting): void {
    this.#awaiting = awaiting
    this.#searched = 0
    this.#quote = 0
  }

  /** Whether the token may be whole now, so that reading it again is worth its cost. */
  isReady(): boolean {
    const bytes = this.#bytes
    if (bytes === undefined || this.#awaiting === 'any') return true
    const from = this.#searched
    this.#searched = this.#length
    const fresh = bytes.subarray(from, this.#length)
    if (this.#awaiting === 'text') return fresh.includes(LT)
    if (this.#awaiting === 'tag') return this.#tagEnds(fresh)
    this.#searched = Math.max(0, this.#length - 2) // its end may be cut in the middle
    return fresh.includes(CDATA_END)
  }

  /** All bytes; the carry is empty then. */
  take(): Buffer | undefined {
    const bytes = this.#length === 0 ? undefined : this.#bytes?.subarray(0, this.#length)
    this.#bytes = undefined
    this.#length = 0
    this.#awaiting = 'any'
    return bytes
  }

  /** A > ends a tag, outside of quotes. */
  #tagEnds(fresh: Buffer): boolean {
    let p = 0
    for (;;) {
      if (this.#quote !== 0) {
        p = fresh.indexOf(this.#quote, p)
        if (p < 0) return false
        this.#quote = 0
        p++
      }
      for (; ; p++) {
        if (p === fresh.length) return false
        const byte = fresh[p]
        if (byte === GT) return true
        if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) {
          this.#quote = byte
          p++
          break
        }
      }
    }
  }
}
