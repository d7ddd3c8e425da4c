/** Where the telephones of an address-of-record are: the registrations of RFC 3261 §10, as long as they last. */
import { createHmac, randomBytes } from 'node:crypto'
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
  /** One of several flows of its instance (RFC 5626 §6); absent: its only contact. */
  readonly regId?: number
  /** When its instance began to be registered with this Call-ID: temporary GRUUs hold for so long (RFC 5627 §5.1). Absent: before there were any. */
  readonly begun?: number
  readonly q: number
  /** Milliseconds since 1970. */
  readonly expiresAt: number
  readonly callId: string
  readonly cseq: number
  /** Other flows of the same device, for when this one fails; only where a device is asked for. */
  readonly others?: readonly Binding[]
}

/** What stays the same of a telephone when it registers again: its instance, where it has one. */
export const deviceKey = ({ instance, contact }: Binding): string => instance ?? contact.toString()

/** What routing and delivery see of the registrations; several nodes will share it behind the same shape. */
export interface Locations {
  /** The devices alive now, best `q` first. Several flows of one stand as one, the newest with the `others` in it (RFC 5626 §7). */
  bindingsOf(aor: string): readonly Binding[]
  /** The telephone that a `gr` names: its instance (RFC 5627 §5.1), or the short name of one that has none. */
  deviceOf(aor: string, gr: string): Binding | undefined
}

const NONE: readonly Binding[] = []
const SHORT = 'telephone-'

/** What one account has registered. */
class Registered {
  /** The same list where no device has two. */
  readonly devices: readonly Binding[]

  constructor(readonly flows: readonly Binding[]) {
    this.devices = flows.some(({ regId }) => regId !== undefined) ? devicesOf(flows) : flows
  }
}

export class Registrations implements Locations {
  readonly #bindings = new Map<string, Registered>()
  #changed: ((aor: string) => void) | undefined

  constructor(
    readonly now: () => number,
    /** What short names are made with, so that they tell nobody the address behind them; the same key makes the same names. */
    readonly key: Buffer = randomBytes(32),
  ) {}

  /** Hears of each account whose registrations are others now, refreshed ones too; one listener, the last who asked. It is called while they are looked up: it asks later. */
  watch(changed: (aor: string) => void): void {
    this.#changed = changed
  }

  bindingsOf(aor: string): readonly Binding[] {
    return this.#alive(aor)?.devices ?? NONE
  }

  /** Each registration by itself, in the order in which they came within one `q`. */
  flowsOf(aor: string): readonly Binding[] {
    return this.#alive(aor)?.flows ?? NONE
  }

  deviceOf(aor: string, gr: string): Binding | undefined {
    const bindings = this.bindingsOf(aor)
    const found = bindings.find((binding) => binding.instance === gr)
    return found ?? (gr.startsWith(SHORT) ? bindings.find((binding) => this.shortNameOf(binding) === gr) : undefined)
  }

  /** As long as it registers the same contact. */
  shortNameOf({ aor, instance, contact }: Binding): string {
    return (
      SHORT +
      createHmac('sha256', this.key)
        .update(`${aor} ${instance ?? contact}`)
        .digest('base64url')
        .slice(0, 8)
    )
  }

  replace(aor: string, bindings: readonly Binding[]): void {
    if (bindings.length === 0) this.#bindings.delete(aor)
    else this.#bindings.set(aor, new Registered(bindings.toSorted((a, b) => b.q - a.q)))
    this.#changed?.(aor)
  }

  get size(): number {
    return this.#bindings.size
  }

  /** Drops what has expired and nobody asked for since; the owner calls it now and then. */
  sweep(): void {
    for (const aor of this.#bindings.keys()) this.bindingsOf(aor)
  }

  #alive(aor: string): Registered | undefined {
    const registered = this.#bindings.get(aor)
    if (!registered) return undefined
    const now = this.now()
    if (registered.flows.every((binding) => binding.expiresAt > now)) return registered
    this.replace(
      aor,
      registered.flows.filter((binding) => binding.expiresAt > now),
    )
    return this.#bindings.get(aor)
  }
}

/** What was registered last is the likeliest to be there. A contact without `reg-id` of the same instance is one of its ways too. */
function devicesOf(flows: readonly Binding[]): readonly Binding[] {
  const devices: Binding[] = []
  const seen = new Set<string>()
  for (const flow of flows) {
    const { instance } = flow
    if (instance === undefined) devices.push(flow)
    else if (!seen.has(instance)) {
      seen.add(instance)
      const [newest = flow, ...others] = flows.filter((one) => one.instance === instance).toReversed()
      devices.push(others.length === 0 ? newest : { ...newest, others })
    }
  }
  return devices
}
