/** Final responses for requests that come again (RFC 3261 §17.2.2, Timer J). Only their bytes: whole requests would be hundreds of MB in a busy half minute. */
import { Timed, type Wheel } from './wheel.ts'

interface Kept {
  readonly key: string
  readonly bytes: Buffer
  readonly until: number
  next: Kept | undefined
}

/** What an entry costs beside its bytes and key: two objects, a place in the map. */
const ENTRY_BYTES = 200
const SWEEP_MS = 1_000

/** All are kept equally long, so the oldest is always the next to go: a queue, not a timer for each. */
export class Retained extends Timed {
  readonly #byKey = new Map<string, Kept>()
  readonly #wheel: Wheel
  readonly #keepMs: number
  readonly #maxBytes: number
  #first: Kept | undefined
  #last: Kept | undefined
  #bytes = 0

  constructor(wheel: Wheel, keepMs: number, maxBytes: number) {
    super()
    this.#wheel = wheel
    this.#keepMs = keepMs
    this.#maxBytes = maxBytes
  }

  get size(): number {
    return this.#byKey.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(key: string): Buffer | undefined {
    return this.#byKey.get(key)?.bytes
  }

  add(key: string, bytes: Buffer): void {
    const kept: Kept = { key, bytes, until: performance.now() + this.#keepMs, next: undefined }
    if (this.#last) this.#last.next = kept
    else this.#first = kept
    this.#last = kept
    this.#byKey.set(key, kept)
    this.#bytes += weight(kept)
    // A request that comes again after its answer was dropped for want of room is served once more: better than to refuse all new ones.
    while (this.#bytes > this.#maxBytes && this.#first !== undefined) this.#drop(this.#first)
    if (this.dueTick < 0) this.#wheel.start(this, SWEEP_MS)
  }

  clear(): void {
    this.#wheel.stop(this)
    this.#byKey.clear()
    this.#first = this.#last = undefined
    this.#bytes = 0
  }

  expire(): void {
    const now = performance.now()
    while (this.#first !== undefined && this.#first.until <= now) this.#drop(this.#first)
    if (this.#first) this.#wheel.start(this, Math.min(SWEEP_MS, this.#keepMs))
  }

  #drop(kept: Kept): void {
    this.#first = kept.next
    if (!kept.next) this.#last = undefined
    this.#bytes -= weight(kept)
    if (this.#byKey.get(kept.key) === kept) this.#byKey.delete(kept.key)
  }
}

function weight(kept: Kept): number {
  return kept.bytes.length + kept.key.length + ENTRY_BYTES
}
