/** One thing after the other within one account: what changes its roster, and what is told by it. As long as everything is there at once, nothing waits. */
import type { MaybePromise } from '../core/port.ts'

/** What follows a value, without a promise where the value is there. */
export function andThen<A, B>(value: MaybePromise<A>, next: (value: A) => MaybePromise<B>): MaybePromise<B> {
  return value instanceof Promise ? value.then(next) : next(value)
}

export class Turns {
  /** What waits behind the work that is under way; no entry, none is. */
  readonly #held = new Map<string, (() => Promise<unknown> | undefined)[]>()

  /** Begins at once where nothing of this account is under way, not even further up this very call. */
  run<Result>(account: string, work: () => MaybePromise<Result>): MaybePromise<Result> {
    const waiting = this.#held.get(account)
    if (waiting) return this.#behind(waiting, work)
    this.#held.set(account, [])
    let result: MaybePromise<Result>
    try {
      result = work()
    } catch (cause) {
      this.#release(account)
      throw cause
    }
    if (result instanceof Promise) return result.finally(() => this.#release(account))
    this.#release(account)
    return result
  }

  #behind<Result>(waiting: (() => Promise<unknown> | undefined)[], work: () => MaybePromise<Result>): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      waiting.push(() => {
        try {
          const result = work()
          resolve(result)
          // Whether it succeeds is its caller's affair; here it only has to be over.
          if (result instanceof Promise) return result.catch(() => {})
        } catch (cause) {
          reject(cause)
        }
        return undefined
      })
    })
  }

  #release(account: string): void {
    const waiting = this.#held.get(account)
    for (let next = waiting?.shift(); next; next = waiting?.shift()) {
      const ended = next()
      if (ended) return void ended.then(() => this.#release(account))
    }
    this.#held.delete(account)
  }
}
