/** Many waits of any length, few of them at a time, looked at together: one timer while there are any. */

interface Wait<Item> {
  readonly until: number
  readonly item: Item
}

export class Waits<Item> {
  readonly #waits = new Map<string, Wait<Item>>()
  #timer: NodeJS.Timeout | undefined

  constructor(
    /** The oldest gives way. */
    readonly max: number,
    readonly tickMs: number,
    readonly now: () => number,
    readonly over: (key: string, item: Item) => void,
  ) {}

  get size(): number {
    return this.#waits.size
  }

  get(key: string): Item | undefined {
    return this.#waits.get(key)?.item
  }

  /** In place of what waited under this key. */
  begin(key: string, ms: number, item: Item): void {
    this.#waits.delete(key)
    const oldest = this.#waits.size >= this.max ? this.#waits.keys().next().value : undefined
    if (oldest !== undefined) this.#waits.delete(oldest)
    this.#waits.set(key, { until: this.now() + ms, item })
    this.#timer ??= setInterval(this.tick, this.tickMs).unref()
  }

  end(key: string): Item | undefined {
    const wait = this.#waits.get(key)
    if (wait) this.#waits.delete(key)
    return wait?.item
  }

  stop(): void {
    this.#waits.clear()
    this.tick()
  }

  /** Ends what is over; for tests, too. */
  readonly tick = (): void => {
    const now = this.now()
    const over: [string, Item][] = []
    for (const [key, { until, item }] of this.#waits) if (until <= now) over.push([key, item])
    for (const [key] of over) this.#waits.delete(key)
    for (const [key, item] of over) this.over(key, item)
    if (this.#waits.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
