/** Keys that are being checked, by the address they came from: each opens a connection, and a stranger has asked for it. */
import { placeOf } from '../networks.ts'
import type { ServerLimits } from './limits.ts'

export class Verifying {
  readonly #fromPlace = new Map<string, number>()

  constructor(readonly limits: Pick<ServerLimits, 'verifyingPerAddress'>) {}

  /** False where there are too many; every true is followed by one `end`. */
  begin(address: string): boolean {
    const place = placeOf(address)
    const count = this.#fromPlace.get(place) ?? 0
    if (count >= this.limits.verifyingPerAddress) return false
    this.#fromPlace.set(place, count + 1)
    return true
  }

  end(address: string): void {
    const place = placeOf(address)
    const count = this.#fromPlace.get(place) ?? 0
    if (count > 1) this.#fromPlace.set(place, count - 1)
    else this.#fromPlace.delete(place)
  }
}
