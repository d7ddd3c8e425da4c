/** How much is read of somebody who has not proved who he is. */
import { StreamError } from './stream-error.ts'

export class Allowance {
  #read = 0

  constructor(readonly maxBytes: number) {}

  /** Throws StreamError where it is used up. */
  take(bytes: number): void {
    this.#read += bytes
    if (this.#read > this.maxBytes) throw new StreamError('policy-violation', `More than ${this.maxBytes} bytes without a login`)
  }
}
