/** So many at once, the others in their order: what a thousand subscriptions lost together must not do to whoever they are at. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(max: number) {
    this.#free = max
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      // Handed on, not given back: nobody who comes meanwhile is quicker.
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }
}
