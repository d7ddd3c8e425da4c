/** How it stands with the server that a stack has one connection to: there or away, since when, why, and how long until it is tried again. */

/** In milliseconds. */
export interface Pauses {
  readonly retryFirstMs: number
  readonly retryMaxMs: number
}

export class Standing {
  #state: 'connected' | 'away' = 'away'
  #since: number
  #retries = 0
  #why: string | undefined = 'not connected yet'
  #firstTried: (() => void) | undefined
  readonly #clock: () => number

  /** `clock`: milliseconds of the epoch. */
  constructor(clock: () => number) {
    this.#clock = clock
    this.#since = clock()
  }

  /** As sip/port's Connection has it. */
  get report(): { state: 'connected' | 'away'; since: number; retries: number; why: string | undefined } {
    return { state: this.#state, since: this.#since, retries: this.#retries, why: this.#why }
  }

  get retries(): number {
    return this.#retries
  }

  get why(): string {
    return this.#why ?? 'not connected yet'
  }

  /** Resolves when the first attempt has ended, well or not. */
  firstTried(): Promise<void> {
    return new Promise((resolve) => {
      this.#firstTried = resolve
    })
  }

  connected(): void {
    this.#state = 'connected'
    this.#since = this.#clock()
    this.#retries = 0
    this.#why = undefined
  }

  /** Whether that is another reason than the last one: each is told once, not at each attempt. */
  away(why: string): boolean {
    if (this.#state === 'connected') {
      this.#state = 'away'
      this.#since = this.#clock()
    } else this.#retries++
    const isNews = why !== this.#why
    this.#why = why
    return isNews
  }

  /** An attempt has ended, and what follows from that is done. */
  tried(): void {
    this.#firstTried?.()
    this.#firstTried = undefined
  }

  /** Until the next attempt: longer each time, up to the last one. */
  pause({ retryFirstMs, retryMaxMs }: Pauses): number {
    return Math.min(retryFirstMs * 2 ** Math.min(this.#retries, 20), retryMaxMs)
  }
}
