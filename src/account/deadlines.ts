/** Many waits of the same length on one timer: they end in the order in which they began. */
export class Deadlines<Item extends object> {
  readonly #ends = new Map<Item, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(
    readonly afterMs: number,
    readonly expired: (item: Item) => void,
  ) {}

  get size(): number {
    return this.#ends.size
  }

  begin(item: Item): void {
    this.#ends.set(item, performance.now() + this.afterMs)
    this.#timer ??= this.#arm(this.afterMs)
  }

  /** Ends a wait before its time; true where it was still running. */
  end(item: Item): boolean {
    return this.#ends.delete(item)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#ends.clear()
  }

  #arm(ms: number): NodeJS.Timeout {
    return setTimeout(this.#due, ms).unref()
  }

  readonly #due = (): void => {
    this.#timer = undefined
    const now = performance.now()
    for (const [item, end] of this.#ends) {
      if (end > now) {
        this.#timer = this.#arm(end - now)
        return
      }
      this.#ends.delete(item)
      this.expired(item)
    }
  }
}
