/** Where the telephones of an address-of-record are: the registrations of RFC 3261 §10, as long as they last. */
import type { SipUri } from '../address/sip-uri.ts'
import type { NextHop } from '../sip/port.ts'

export interface Binding {
  readonly aor: string
  readonly contact: SipUri
  /** Where requests for it go: its flow, or the address it registered from, or the one its contact names. */
  readonly hop: NextHop
  /** Route set learned from Path (RFC 3327), topmost first. */
  readonly path: readonly string[]
  /** `+sip.instance`, e.g. `urn:uuid:…` (RFC 5626 §4.1). */
  readonly instance: string | undefined
  readonly q: number
  /** Milliseconds since 1970. */
  readonly expiresAt: number
  readonly callId: string
  readonly cseq: number
}

/** What routing and delivery see of the registrations; several nodes will share it behind the same shape. */
export interface Locations {
  /** Those alive now, best `q` first. */
  bindingsOf(aor: string): readonly Binding[]
  /** The telephone that a `gr` names: its instance (RFC 5627 §5.1). */
  deviceOf(aor: string, gr: string): Binding | undefined
}

const NONE: readonly Binding[] = []

export class Registrations implements Locations {
  readonly #bindings = new Map<string, readonly Binding[]>()

  constructor(readonly now: () => number) {}

  bindingsOf(aor: string): readonly Binding[] {
    const bindings = this.#bindings.get(aor)
    if (!bindings) return NONE
    const now = this.now()
    if (bindings.every((binding) => binding.expiresAt > now)) return bindings
    const alive = bindings.filter((binding) => binding.expiresAt > now)
    this.replace(aor, alive)
    return alive
  }

  deviceOf(aor: string, gr: string): Binding | undefined {
    return this.bindingsOf(aor).find((binding) => binding.instance === gr)
  }

  replace(aor: string, bindings: readonly Binding[]): void {
    if (bindings.length === 0) this.#bindings.delete(aor)
    else
      this.#bindings.set(
        aor,
        bindings.toSorted((a, b) => b.q - a.q),
      )
  }

  get size(): number {
    return this.#bindings.size
  }

  /** Drops what has expired and nobody asked for since; the owner calls it now and then. */
  sweep(): void {
    for (const aor of this.#bindings.keys()) this.bindingsOf(aor)
  }
}
