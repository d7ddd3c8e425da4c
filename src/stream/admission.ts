/** Who may connect at all: networks, connections per remote place, connections of the whole service (XEP-0205 §3.1, §3.2). */
import { Networks, placeOf } from './networks.ts'

/** Restrictions of one listener. */
export interface Restrictions {
  /** Networks that may connect; empty: all. */
  readonly allow?: readonly string[]
  /** Networks that may not, whatever `allow` says. */
  readonly deny?: readonly string[]
  /** Connections from one address, or one /64 of IPv6; absent: as many as there are. */
  readonly perAddress?: number
}

export type Verdict = 'welcome' | 'denied' | 'too many from there' | 'too many'

/** What the listeners of one service share: how many connections there are. */
export class Channels {
  #count = 0

  constructor(public most: number) {}

  get count(): number {
    return this.#count
  }

  get full(): boolean {
    return this.#count >= this.most
  }

  enter(): void {
    this.#count++
  }

  leave(): void {
    this.#count--
  }
}

export class Admission {
  readonly #allow: Networks
  readonly #deny: Networks
  readonly #perAddress: number
  readonly #fromPlace = new Map<string, number>()

  constructor(
    restrictions: Restrictions,
    private readonly channels: Channels,
  ) {
    this.#allow = new Networks(restrictions.allow ?? [])
    this.#deny = new Networks(restrictions.deny ?? [])
    this.#perAddress = restrictions.perAddress ?? Number.POSITIVE_INFINITY
  }

  /** Every `welcome` must be followed by one `left`. */
  arrived(address: string): Verdict {
    if (this.#deny.has(address) || (!this.#allow.isEmpty && !this.#allow.has(address))) return 'denied'
    if (this.channels.full) return 'too many'
    if (this.#perAddress !== Number.POSITIVE_INFINITY) {
      const place = placeOf(address)
      const count = this.#fromPlace.get(place) ?? 0
      if (count >= this.#perAddress) return 'too many from there'
      this.#fromPlace.set(place, count + 1)
    }
    this.channels.enter()
    return 'welcome'
  }

  left(address: string): void {
    this.channels.leave()
    const place = placeOf(address)
    const count = this.#fromPlace.get(place)
    if (count === undefined) return
    if (count > 1) this.#fromPlace.set(place, count - 1)
    else this.#fromPlace.delete(place)
  }
}
