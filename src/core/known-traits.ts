/** What telephones have said of themselves, as far as somebody asks for it: learned from their REGISTER and from their answers, and forgotten after a while. */
import { SipUri } from '../address/sip-uri.ts'
import { parseContacts } from '../sip/contact.ts'
import { parseNameAddr } from '../sip/name-addr.ts'
import type { Received } from '../sip/port.ts'
import { type Traits, traitsIn } from './traits.ts'

export interface Known {
  readonly traits: Traits
  /** It has answered an OPTIONS: what it did not say then, it does not say. */
  readonly isAsked: boolean
  /** When its REGISTER was seen last. */
  readonly registeredAt: number | undefined
}

export interface KnownLimits {
  /** Telephones; the one that was heard of longest ago goes first. */
  readonly max: number
  /** A telephone may have been given other software since. */
  readonly forMs: number
}

export const KNOWN_DEFAULTS: KnownLimits = { max: 10_000, forMs: 3_600_000 }

const NOTHING: Known = { traits: {}, isAsked: false, registeredAt: undefined }

export class KnownTraits {
  readonly #known = new Map<string, Known & { readonly until: number }>()

  constructor(
    readonly now: () => number,
    readonly limits: KnownLimits = KNOWN_DEFAULTS,
  ) {}

  get size(): number {
    return this.#known.size
  }

  of(key: string): Known {
    const known = this.#known.get(key)
    return known && known.until > this.now() ? known : NOTHING
  }

  /** A REGISTER that was accepted. */
  registered({ request }: Received, account: SipUri): void {
    const contacts = parseContacts(request.headers)
    if (contacts === '*') return
    const now = this.now()
    // RFC 3261 §10.2: who registers names himself in To; a Contact has no name, or one that nobody sees.
    const displayName = parseNameAddr(request.headers.get('To') ?? '').displayName?.trim() || undefined
    for (const contact of contacts) {
      const key = keyOfContact(account.aor, SipUri.parse(contact.uri))
      // RFC 3261 §20.1: the Accept of a request speaks of its answer.
      const { types: _, ...said } = traitsIn(request.headers, contact, now)
      const before = this.of(key)
      const isSame = before.traits.software === said.software
      const traits = { ...(isSame ? before.traits : {}), ...said, ...(displayName === undefined ? {} : { displayName }) }
      this.#keep(key, { traits, isAsked: isSame && before.isAsked, registeredAt: now })
    }
  }

  answered(key: string, said: Traits): Known {
    const { traits, registeredAt } = this.of(key)
    // A clock that is not told any more is not known any more.
    const { clockAheadMs: _, ...rest } = traits
    return this.#keep(key, { traits: { ...rest, ...said }, isAsked: true, registeredAt })
  }

  #keep(key: string, known: Known): Known {
    this.#known.delete(key)
    this.#known.set(key, { ...known, until: this.now() + this.limits.forMs })
    const [oldest] = this.#known.keys()
    if (this.#known.size > this.limits.max && oldest !== undefined) this.#known.delete(oldest)
    return known
  }
}

/** One telephone of an account. */
export const keyOfContact = (aor: string, contact: SipUri): string => `${aor} ${contact}`
