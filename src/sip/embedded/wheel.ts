/** One clock for all transactions: a hashed timer wheel. A timer of Node for each would cost more than the transaction itself. */

/** What a wheel can hold: it is in at most one place of one wheel at a time. */
export abstract class Timed {
  /** The wheel's own. */
  dueTick = -1
  before: Timed | undefined
  after: Timed | undefined

  /** Its time has come. It is out of the wheel already, and may go in again. */
  abstract expire(): void
}

// A power of two, so that a place is found with a mask; at 10 ms a round is 5 s, and Timer F is passed by six times.
const PLACES = 512
const TICK_MS = 10

export class Wheel {
  readonly #places: (Timed | undefined)[] = new Array<Timed | undefined>(PLACES).fill(undefined)
  readonly #failed: (cause: unknown) => void
  #count = 0
  #lastTick = 0
  #clock: NodeJS.Timeout | undefined

  /** `failed` hears what an `expire` threw: the others are still due. */
  constructor(failed: (cause: unknown) => void) {
    this.#failed = failed
  }

  get size(): number {
    return this.#count
  }

  /** In `ms`, or a tick later; what was in the wheel already is moved. */
  start(timed: Timed, ms: number): void {
    if (timed.dueTick >= 0) this.#takeOut(timed)
    const now = performance.now()
    if (this.#clock === undefined) {
      this.#lastTick = Math.floor(now / TICK_MS)
      this.#clock = setInterval(() => this.#turn(), TICK_MS)
    }
    // Never early, and never a tick that has passed already.
    const tick = Math.max(Math.ceil((now + ms) / TICK_MS), this.#lastTick + 1)
    const place = tick & (PLACES - 1)
    const first = this.#places[place]
    timed.dueTick = tick
    timed.before = undefined
    timed.after = first
    if (first) first.before = timed
    this.#places[place] = timed
    this.#count++
  }

  stop(timed: Timed): void {
    if (timed.dueTick >= 0) this.#takeOut(timed)
  }

  #takeOut(timed: Timed): void {
    if (timed.before) timed.before.after = timed.after
    else this.#places[timed.dueTick & (PLACES - 1)] = timed.after
    if (timed.after) timed.after.before = timed.before
    timed.before = undefined
    timed.after = undefined
    timed.dueTick = -1
    this.#count--
  }

  #turn(): void {
    const now = Math.floor(performance.now() / TICK_MS)
    // After a stall longer than one round every place is looked at once, not once for each round missed.
    const first = Math.max(this.#lastTick + 1, now - PLACES + 1)
    this.#lastTick = now
    const due: Timed[] = []
    for (let tick = first; tick <= now; tick++) {
      for (let timed = this.#places[tick & (PLACES - 1)]; timed; timed = timed.after) if (timed.dueTick <= now) due.push(timed)
    }
    // Collected first: what expires may start and stop others, and an other that was stopped must not expire.
    for (const timed of due) {
      if (timed.dueTick < 0 || timed.dueTick > now) continue
      this.#takeOut(timed)
      try {
        timed.expire()
      } catch (cause) {
        this.#failed(cause)
      }
    }
    // An idle process has no clock running. Asked here only: a clock made anew for each message would cost more than its ticks.
    if (this.#count === 0) {
      clearInterval(this.#clock)
      this.#clock = undefined
    }
  }
}
