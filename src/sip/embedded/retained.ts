/** What is kept for a while for who comes again: answers (RFC 3261 §17.2.2, Timer J), what became of calls. The least that will do: whole requests would be hundreds of MB in a busy half minute. */
import { Timed, type Wheel } from './wheel.ts'

interface Kept<V> {
  readonly key: string
  readonly value: V
  readonly weight: number
  readonly until: number
  next: Kept<V> | undefined
}

/** Never more often: what is a little late costs nothing. */
const SWEEP_MS = 50

/** All are kept equally long, so the oldest is always the next to go: a queue, not a timer for each. */
export class Retained<V> extends Timed {
  readonly #byKey = new Map<string, Kept<V>>()
  readonly #wheel: Wheel
  readonly #keepMs: number
  readonly #weightMax: number
  #first: Kept<V> | undefined
  #last: Kept<V> | undefined
  #weight = 0

  constructor(wheel: Wheel, keepMs: number, weightMax: number) {
    super()
    this.#wheel = wheel
    this.#keepMs = keepMs
    this.#weightMax = weightMax
  }

  get size(): number {
    return this.#byKey.size
  }

  get(key: string): V | undefined {
    return this.#byKey.get(key)?.value
  }

  add(key: string, value: V, weight: number): void {
    const kept: Kept<V> = { key, value, weight, until: performance.now() + this.#keepMs, next: undefined }
    if (this.#last) this.#last.next = kept
    else this.#first = kept
    this.#last = kept
    this.#byKey.set(key, kept)
    this.#weight += weight
    // A request that comes again after its answer was dropped for want of room is served once more: better than to refuse all new ones.
    while (this.#weight > this.#weightMax && this.#first !== undefined) this.#drop(this.#first)
    if (this.dueTick < 0) this.#wheel.start(this, this.#keepMs)
  }

  clear(): void {
    this.#wheel.stop(this)
    this.#byKey.clear()
    this.#first = this.#last = undefined
    this.#weight = 0
  }

  expire(): void {
    const now = performance.now()
    while (this.#first !== undefined && this.#first.until <= now) this.#drop(this.#first)
    if (this.#first) this.#wheel.start(this, Math.max(this.#first.until - now, SWEEP_MS))
  }

  #drop(kept: Kept<V>): void {
    this.#first = kept.next
    if (!kept.next) this.#last = undefined
    this.#weight -= kept.weight
    if (this.#byKey.get(kept.key) === kept) this.#byKey.delete(kept.key)
  }
}

/** What an entry costs beside its bytes and key: two objects, a place in the map. */
const ENTRY_BYTES = 200

/** Of an answer, in bytes. */
export function weightOf(key: string, bytes: Buffer): number {
  return bytes.length + key.length + ENTRY_BYTES
}
