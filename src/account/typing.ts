/** The receiver's side of isComposing (RFC 3994 §3.3): who types on a telephone has `<paused/>` when he stops, or when nothing more is heard of him. */
import type { Signal } from '../core/port.ts'
import { Waits } from '../core/waits.ts'
import type { Composing } from '../mapping/composing.ts'
import { NS_CHAT_STATES } from '../mapping/composing.ts'
import { Stanza } from '../stanza/stanza.ts'
import { el } from '../xml/element.ts'

export interface TypingLimits {
  /** Pairs of who types and to whom; the oldest is forgotten, and stays as its reader last saw it. */
  readonly pairsMax: number
  readonly tickMs: number
}

export const TYPING_DEFAULTS: TypingLimits = { pairsMax: 10_000, tickMs: 1_000 }

export class Typing {
  readonly #pairs: Waits<Stanza>

  constructor(
    /** Takes the `<paused/>` of who was heard of no more. */
    readonly paused: (stanza: Stanza) => void,
    readonly now: () => number = () => performance.now(),
    limits: TypingLimits = TYPING_DEFAULTS,
  ) {
    this.#pairs = new Waits(limits.pairsMax, limits.tickMs, now, (_key, stanza) => this.paused(stanza))
  }

  get size(): number {
    return this.#pairs.size
  }

  /** What this status is to the reader. */
  status({ from, to }: Signal, stanza: Stanza, { state, refreshSeconds }: Composing): Stanza {
    const key = keyOf(from.aor, to.aor)
    if (state === 'active') {
      this.#pairs.begin(key, refreshSeconds * 1_000, pausedOf(stanza))
      return stanza
    }
    // RFC 7573 has `active` for idle; who has just typed and said nothing has paused.
    return this.#pairs.end(key) === undefined ? stanza : pausedOf(stanza)
  }

  /** What he says ends it, and is all that is told. */
  said({ from, to }: Signal): void {
    if (this.#pairs.size > 0) this.#pairs.end(keyOf(from.aor, to.aor))
  }

  tick(): void {
    this.#pairs.tick()
  }

  stop(): void {
    this.#pairs.stop()
  }
}

const keyOf = (from: string, to: string): string => `${from}\n${to}`

/** The same message with the other state: whatever else it had, it has. */
function pausedOf({ xml, from, to }: Stanza): Stanza {
  const children = xml.children.map((child) =>
    typeof child !== 'string' && child.ns === NS_CHAT_STATES ? el('paused', NS_CHAT_STATES) : child,
  )
  return new Stanza(xml.withChildren(children), from, to)
}
