/** What a peer has sent us so far, and who waits for what: every wait in these tests is on an arrival, with a limit. */

interface Waiter<T> {
  readonly match: (item: T) => boolean
  readonly take: (item: T) => void
  readonly giveUp: (why: string) => void
}

export class Arrivals<T> {
  /** Everything that ever arrived, taken or not, for the report of a failed wait. */
  readonly all: T[] = []
  readonly #waiting: Waiter<T>[] = []
  readonly #listeners: ((item: T) => void)[] = []
  #untaken: T[] = []
  #closed: string | undefined

  constructor(
    /** Who sends, as a failed wait names it. */
    readonly source: string,
    private readonly print: (item: T) => string = (item) => (typeof item === 'string' ? item : JSON.stringify(item)),
  ) {}

  push(item: T): void {
    this.all.push(item)
    for (const hear of this.#listeners) hear(item)
    const index = this.#waiting.findIndex((waiter) => waiter.match(item))
    const waiter = this.#waiting[index]
    if (!waiter) {
      this.#untaken.push(item)
      return
    }
    this.#waiting.splice(index, 1)
    waiter.take(item)
  }

  /** Hears every arrival, past and to come; takes none. */
  listen(hear: (item: T) => void): void {
    for (const item of this.all) hear(item)
    this.#listeners.push(hear)
  }

  /** Nothing will come any more: whoever waits is told why. */
  close(why: string): void {
    if (this.#closed !== undefined) return
    this.#closed = why
    for (const waiter of this.#waiting.splice(0)) waiter.giveUp(why)
  }

  /** The first arrival that matches and that nobody has taken yet, in the order of arrival; `what` names it in the report of a failure. */
  take(what: string, match: (item: T) => boolean, ms = 10_000): Promise<T> {
    const index = this.#untaken.findIndex(match)
    if (index >= 0) return Promise.resolve(this.#untaken.splice(index, 1)[0] as T)
    // The error is made here, not in the timer, so that its stack names the test's own line.
    const failure = new Error()
    return new Promise<T>((resolve, reject) => {
      const giveUp = (why: string): void => {
        failure.message = `${this.source}: waited for ${what}, but ${why}. ${this.#lately()}`
        clearTimeout(timer)
        reject(failure)
      }
      const waiter: Waiter<T> = {
        match,
        take: (item) => {
          clearTimeout(timer)
          resolve(item)
        },
        giveUp,
      }
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        giveUp(`nothing of the kind came within ${ms} ms`)
      }, ms)
      if (this.#closed === undefined) this.#waiting.push(waiter)
      else giveUp(this.#closed)
    })
  }

  /** Those that match and that nobody has taken. */
  untaken(match: (item: T) => boolean = () => true): T[] {
    return this.#untaken.filter(match)
  }

  /** Forgets what nobody has taken. */
  clear(): void {
    this.#untaken = []
  }

  #lately(): string {
    if (this.all.length === 0) return 'Nothing had come at all.'
    const last = this.all.slice(-25).map((item) => `  ${this.print(item).slice(0, 400)}`)
    return `The last of ${this.all.length} arrivals:\n${last.join('\n')}`
  }
}
