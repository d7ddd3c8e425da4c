/** A telephone as those see it who may ask: what it said of itself, and whether it is there. What it does not say in time is refused. */
import type { Inquiries, Inquiry } from '../core/inquiries.ts'
import type { Known, KnownTraits } from '../core/known-traits.ts'
import type { Manners } from '../core/manners.ts'
import type { Answer, Reads } from '../core/port.ts'
import { onlyContactOf, type Traits, traitsIn } from '../core/traits.ts'
import { conditionFor } from '../mapping/error.ts'
import { StanzaError } from '../stanza/error.ts'

export interface AskedTelephone {
  /** What it said, as soon as it has said anything of that kind; it is asked where it has not. Rejects with StanzaError. */
  traits(isEnough: (traits: Traits) => boolean): Promise<Traits>
  /** Resolves when it has answered. Rejects with StanzaError. */
  alive(): Promise<void>
  /** Seconds since it was heard of; undefined where that is not known. */
  idleSeconds(): number | undefined
  /** What it has shown that it reads besides text; undefined where it has shown nothing. */
  readonly reads: Reads | undefined
  readonly owner: Owner
}

/** Whose it is, for those who look for a card. */
export interface Owner {
  readonly address: string
  /** As a telephone dials it: digits, and perhaps a plus before them. */
  readonly number: string | undefined
  /** `sip:` */
  readonly uri: string
  /** The name it was given; undefined where it has told none. */
  readonly name: string | undefined
}

export interface AskedBy {
  readonly inquiries: Inquiries
  readonly known: KnownTraits
  readonly manners: Pick<Manners, 'accepts' | 'readsOf'>
  now(): number
}

/**
 * What speaks of somebody between us and the telephone, or of nobody at all. Every other final response is the telephone's own: it may be busy (486), know no OPTIONS
 * (405, 501) or decline, but it is there (RFC 3261 §11.2).
 */
const NOBODY_THERE: ReadonlySet<number> = new Set([401, 403, 404, 407, 408, 410, 430, 480, 482, 483, 484, 485, 500, 502, 503, 504, 604])

export class OneTelephone implements AskedTelephone {
  constructor(
    readonly owner: Owner,
    /** Under which it is known. */
    readonly key: string,
    /** Under which it is known to whoever writes to it. */
    readonly peer: string,
    readonly inquiry: Inquiry,
    readonly by: AskedBy,
    readonly heardAt: () => number | undefined,
  ) {}

  async traits(isEnough: (traits: Traits) => boolean): Promise<Traits> {
    const known = this.by.known.of(this.key)
    if (known.isAsked || isEnough(known.traits)) return known.traits
    const answer = await this.by.inquiries.ask(this.inquiry)
    const refusal = refusalIn(answer)
    if (!refusal) return this.#learned(answer).traits
    // It is asleep, or never says more: what it said when it registered is true all the same.
    if (known.registeredAt !== undefined) return known.traits
    throw refusal
  }

  async alive(): Promise<void> {
    const answer = await this.by.inquiries.ask(this.inquiry)
    const refusal = refusalIn(answer)
    if (refusal) throw refusal
    this.#learned(answer)
  }

  get reads(): Reads | undefined {
    return this.by.manners.readsOf(this.peer)
  }

  idleSeconds(): number | undefined {
    const at = this.heardAt()
    return at === undefined ? undefined : Math.max(0, Math.floor((this.by.now() - at) / 1_000))
  }

  #learned({ received }: Answer): Known {
    const { known } = this.by
    if (!received) return known.of(this.key)
    const { headers, status } = received
    const now = this.by.now()
    if (status < 300) {
      this.by.manners.accepts(this.peer, headers.all('Accept').join(','))
      return known.answered(this.key, traitsIn(headers, onlyContactOf(headers), now))
    }
    // A refusal says what would have been taken instead, and its Contact is somebody else.
    const { types: _, ...said } = traitsIn(headers, undefined, now)
    return known.answered(this.key, said)
  }
}

/** Undefined: it is there. */
function refusalIn(answer: Answer): StanzaError | undefined {
  const { status, reason, failure } = answer
  if (failure === 'timeout') return new StanzaError('wait', 'remote-server-timeout', 'The telephone does not answer')
  if (failure === 'transport') return new StanzaError('wait', 'recipient-unavailable', 'The telephone cannot be reached')
  if (!NOBODY_THERE.has(status)) return undefined
  const { type, condition } = conditionFor(status, undefined, answer.header('Retry-After') !== undefined)
  return new StanzaError(type, condition, `Asked for the telephone, SIP says: ${status} ${reason}`)
}
