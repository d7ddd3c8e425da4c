/**
 * Which of the addresses of a PBX everything goes to: the one where our accounts are registered. When it does not answer the next one is taken
 * (RFC 3263 §4.3) and stays; one that is to be preferred is taken again when it has answered for a while.
 */
import type { NextHop } from '../../sip/port.ts'

/** How a request chooses among the addresses of a name. */
export interface HopChoice {
  order(hops: readonly NextHop[]): readonly NextHop[]
  /** The one whose answer was taken. */
  answered(hop: NextHop): void
}

export class PbxTarget implements HopChoice {
  #current: NextHop | undefined
  #expected: NextHop | undefined
  #returning: NextHop | undefined
  #answers = 0
  #isAsking = false

  constructor(
    /** Answers in a row from an address that is preferred, until it is taken again. */
    readonly steadyAnswers: number,
    /** Preferred addresses asked in one round. */
    readonly askedMax: number,
    readonly moved: (to: NextHop) => void,
  ) {}

  order(hops: readonly NextHop[]): readonly NextHop[] {
    const current = hops.find((hop) => isSame(hop, this.#current))
    const ordered = current ? [current, ...hops.filter((hop) => hop !== current)] : hops
    this.#expected = ordered[0]
    return ordered
  }

  answered(hop: NextHop): void {
    const before = this.#current ?? this.#expected
    this.#current = hop
    if (before && !isSame(before, hop)) this.#goTo(hop)
  }

  /** Nobody is registered: the next one begins with the first address. */
  forget(): void {
    this.#current = undefined
    this.#returning = undefined
  }

  /** Asks those that stand before the present one, whether they are back. Rejects with what `answers` rejects with. */
  async lookBack(hops: readonly NextHop[], answers: (hop: NextHop) => Promise<boolean>): Promise<void> {
    const preferred = preferredTo(this.#current, hops).slice(0, this.askedMax)
    if (preferred.length === 0 || this.#isAsking) return
    const from = this.#current
    this.#isAsking = true
    try {
      const back = await this.#firstOf(preferred, answers)
      if (this.#current !== from) return
      this.#answers = back && isSame(back, this.#returning) ? this.#answers + 1 : 1
      this.#returning = back
      if (!back || this.#answers < this.steadyAnswers) return
      this.#current = back
      this.#goTo(back)
    } finally {
      this.#isAsking = false
    }
  }

  async #firstOf(hops: readonly NextHop[], answers: (hop: NextHop) => Promise<boolean>): Promise<NextHop | undefined> {
    for (const hop of hops) if (await answers(hop)) return hop
    return undefined
  }

  #goTo(hop: NextHop): void {
    this.#returning = undefined
    this.moved(hop)
  }
}

/** Those of a better SRV priority (RFC 2782), or of a transport named earlier. Among equals nobody is preferred: moving costs a registration each. */
function preferredTo(current: NextHop | undefined, hops: readonly NextHop[]): readonly NextHop[] {
  let end = hops.findIndex((hop) => isSame(hop, current))
  const own = hops[end]
  while (end > 0 && hops[end - 1]?.transport === own?.transport && hops[end - 1]?.priority === own?.priority) end--
  return hops.slice(0, Math.max(end, 0))
}

function isSame(a: NextHop | undefined, b: NextHop | undefined): boolean {
  return a !== undefined && b !== undefined && a.transport === b.transport && a.host === b.host && a.port === b.port
}
