/** Who waits for the kernel to take what was written, by the number of the write; writes are taken in their order. */

class Waiter {
  readonly promise: Promise<void>
  resolve: () => void = nobody
  reject: (why: Error) => void = nobody

  constructor(readonly write: number) {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}

export class Written {
  readonly #waiters: Waiter[] = []

  /** One promise for all who wait for the same write. */
  until(write: number): Promise<void> {
    const last = this.#waiters.at(-1)
    if (last?.write === write) return last.promise
    const waiter = new Waiter(write)
    this.#waiters.push(waiter)
    return waiter.promise
  }

  taken(write: number): void {
    while (this.#waiters[0] && this.#waiters[0].write <= write) this.#waiters.shift()?.resolve()
  }

  /** None of them will be taken any more. */
  lost(why: Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(why)
  }
}

function nobody(): void {}
