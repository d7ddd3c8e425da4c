/** Hops that did not answer, or said that they are overloaded (RFC 3263 §4.3, RFC 3261 §21.5.4): for a while, and then they are well again. */
import type { NextHop } from '../port.ts'
import type { LocateLimits } from './limits.ts'

interface Ailment {
  readonly until: number
  /** It asked to be left alone; otherwise it was only silent. */
  readonly isBusy: boolean
}

export class Ailing {
  readonly #ailing = new Map<string, Ailment>()

  constructor(
    readonly limits: LocateLimits,
    readonly now: () => number,
  ) {}

  get size(): number {
    return this.#ailing.size
  }

  /** True where it was well before. */
  silent(hop: NextHop): boolean {
    return this.#note(hop, this.limits.silentSeconds, false)
  }

  /** Nothing is noted of a 503 that names no time: RFC 3261 §21.5.4 treats it as a 500. */
  busy(hop: NextHop, seconds: number): void {
    if (seconds > 0) this.#note(hop, Math.min(seconds, this.limits.busyMaxSeconds), true)
  }

  /** True where it was not before. */
  well(hop: NextHop): boolean {
    return this.#ailing.size > 0 && this.#ailing.delete(keyOf(hop))
  }

  /** Those that are well in their order. Where there is none, the one that has been silent longest: it may be back. */
  worthTrying(hops: readonly NextHop[]): readonly NextHop[] {
    if (this.#ailing.size === 0) return hops
    const well: NextHop[] = []
    let first: { readonly hop: NextHop; readonly until: number } | undefined
    for (const hop of hops) {
      const ailment = this.#of(hop)
      if (!ailment) well.push(hop)
      else if (!ailment.isBusy && (!first || ailment.until < first.until)) first = { hop, until: ailment.until }
    }
    return well.length > 0 || !first ? well : [first.hop]
  }

  /** Seconds until one of these may be asked again that are all busy. */
  busyFor(hops: readonly NextHop[]): number {
    const untils = hops.map((hop) => this.#of(hop)?.until ?? 0)
    return Math.max(1, Math.ceil((Math.min(...untils) - this.now()) / 1_000))
  }

  #of(hop: NextHop): Ailment | undefined {
    const ailment = this.#ailing.get(keyOf(hop))
    // One whose time is over stays until it answers, so that what is said of it is news once; the table is bounded.
    return ailment && ailment.until > this.now() ? ailment : undefined
  }

  #note(hop: NextHop, seconds: number, isBusy: boolean): boolean {
    const key = keyOf(hop)
    const isNews = !this.#ailing.delete(key)
    const oldest = this.#ailing.size >= this.limits.ailingMax ? this.#ailing.keys().next().value : undefined
    if (oldest !== undefined) this.#ailing.delete(oldest)
    this.#ailing.set(key, { until: this.now() + seconds * 1_000, isBusy })
    return isNews
  }
}

const keyOf = ({ transport, host, port }: NextHop): string => `${transport} ${host} ${port}`
