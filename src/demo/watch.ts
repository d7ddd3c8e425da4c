/** Who sees everything that crosses: counts it, draws it, and tells the play when what it waits for was there. */
import type { Crossing, Side, Witness } from './crossing.ts'

interface Wanted {
  readonly side: Side
  readonly direction: 'in' | 'out'
  readonly what: string
  readonly came: () => void
}

export class Watch implements Witness {
  readonly counts = { xmpp: 0, sip: 0 }
  readonly #wanted = new Set<Wanted>()
  #isClosed = false

  constructor(private readonly drawing: Witness) {}

  /** Nobody looks any more. */
  close(): void {
    this.#isClosed = true
  }

  crossed(crossing: Crossing): void {
    if (this.#isClosed) return
    this.counts[crossing.side]++
    this.drawing.crossed(crossing)
    for (const wanted of this.#wanted) {
      if (wanted.side !== crossing.side || wanted.direction !== crossing.direction || wanted.what !== crossing.what) continue
      this.#wanted.delete(wanted)
      wanted.came()
    }
  }

  remarked(side: Side, text: string): void {
    if (!this.#isClosed) this.drawing.remarked(side, text)
  }

  /** The next such crossing; it may never come. */
  next(side: Side, direction: 'in' | 'out', what: string): Promise<void> {
    return new Promise((came) => this.#wanted.add({ side, direction, what, came }))
  }
}
