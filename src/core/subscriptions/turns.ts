/** Work that comes in crowds, a little in each turn of the event loop, so that nobody else waits for all of it. */
export class Turns<T> {
  #waiting: T[] = []
  #at = 0
  #turning: NodeJS.Immediate | undefined

  constructor(
    readonly perTurn: number,
    readonly work: (one: T) => void,
  ) {}

  add(one: T): void {
    this.#waiting.push(one)
    this.#turning ??= setImmediate(this.#turn)
  }

  stop(): void {
    clearImmediate(this.#turning)
    this.#turning = undefined
    this.#waiting = []
    this.#at = 0
  }

  readonly #turn = (): void => {
    this.#turning = undefined
    const end = Math.min(this.#waiting.length, this.#at + this.perTurn)
    while (this.#at < end) {
      const one = this.#waiting[this.#at++]
      if (one !== undefined) this.work(one)
    }
    if (this.#at < this.#waiting.length) {
      this.#turning ??= setImmediate(this.#turn)
      return
    }
    this.#waiting = []
    this.#at = 0
  }
}
