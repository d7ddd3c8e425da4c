/**
 * What each SIP peer has shown that it understands besides text, and what it has refused. Nobody gets what he has not shown: telephones exist that
 * show the XML of an isComposing document, or a whole CPIM message, to their user. Forgotten after a day, and with a restart.
 */
import type { SipRequest } from '../sip/message.ts'
import type { Reads } from './port.ts'

export interface MannersLimits {
  /** Peers that are remembered; those heard of longest ago go first. */
  readonly peersMax: number
  readonly rememberedMs: number
}

export const MANNERS_DEFAULTS: MannersLimits = { peersMax: 10_000, rememberedMs: 86_400_000 }

export const IS_COMPOSING = 'application/im-iscomposing+xml'
export const CPIM = 'message/cpim'
const IMDN = 'message/imdn+xml'

const COMPOSING_BIT = 1
const CPIM_BIT = 2
const IMDN_BIT = 4

/** By the bits above. */
const READS: readonly Reads[] = Array.from({ length: 8 }, (_, bits) => ({
  composing: (bits & COMPOSING_BIT) !== 0,
  cpim: (bits & CPIM_BIT) !== 0,
  // A receipt travels in CPIM.
  imdn: (bits & (IMDN_BIT | CPIM_BIT)) === (IMDN_BIT | CPIM_BIT),
}))

interface Known {
  readonly shown: number
  readonly shownUntil: number
  readonly refused: number
  readonly refusedUntil: number
}

const UNKNOWN: Known = { shown: 0, shownUntil: 0, refused: 0, refusedUntil: 0 }

export class Manners {
  readonly #peers = new Map<string, Known>()

  constructor(
    readonly now: () => number,
    readonly limits: MannersLimits = MANNERS_DEFAULTS,
  ) {}

  get size(): number {
    return this.#peers.size
  }

  /** Undefined where nothing at all is known. */
  readsOf(peer: string): Reads | undefined {
    const known = this.#peers.get(peer)
    if (!known) return undefined
    const now = this.now()
    const refused = known.refusedUntil > now ? known.refused : 0
    const shown = known.shownUntil > now ? known.shown : 0
    if ((refused | shown) === 0) this.#peers.delete(peer)
    // A 415 counts for more: there are telephones that write what they cannot read.
    return READS[shown & ~refused]
  }

  /** Whether it has said 415 to a body of this type. */
  refuses(peer: string, contentType: string): boolean {
    const known = this.#peers.get(peer)
    return known !== undefined && known.refusedUntil > this.now() && (known.refused & bitOf(contentType)) !== 0
  }

  /** Who writes something can read it. */
  heard(peer: string, { headers, body }: SipRequest): void {
    const type = headers.get('Content-Type') ?? ''
    // Most of what is ever said, and nothing to learn from.
    let shown = type.startsWith('text/') ? 0 : bitOf(type)
    if (shown === CPIM_BIT) {
      if (body.includes('urn:ietf:params:imdn') || body.includes(IMDN)) shown |= IMDN_BIT
      if (body.includes(IS_COMPOSING)) shown |= COMPOSING_BIT
    } else if (shown === IMDN_BIT) shown |= CPIM_BIT
    const accept = headers.get('Accept')
    if (accept !== undefined) shown |= bitsIn(accept)
    if (shown !== 0) this.#show(peer, shown)
  }

  /** What the Accept of an answer to OPTIONS says (RFC 3261 §11.2). */
  accepts(peer: string, accept: string): void {
    const shown = bitsIn(accept)
    if (shown !== 0) this.#show(peer, shown)
  }

  /** It has said 415 to a request of this type (RFC 3994 §4: MUST cease). */
  refused(peer: string, contentType: string): void {
    const bit = bitOf(contentType)
    if (bit === 0) return
    const known = this.#peers.get(peer) ?? UNKNOWN
    this.#keep(peer, { ...known, refused: known.refused | bit, refusedUntil: this.now() + this.limits.rememberedMs })
  }

  #show(peer: string, bits: number): void {
    const known = this.#peers.get(peer) ?? UNKNOWN
    this.#keep(peer, { ...known, shown: known.shown | bits, shownUntil: this.now() + this.limits.rememberedMs })
  }

  #keep(peer: string, known: Known): void {
    this.#peers.delete(peer)
    const oldest = this.#peers.size >= this.limits.peersMax ? this.#peers.keys().next().value : undefined
    if (oldest !== undefined) this.#peers.delete(oldest)
    this.#peers.set(peer, known)
  }
}

function bitOf(contentType: string): number {
  const end = contentType.indexOf(';')
  switch ((end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase()) {
    case IS_COMPOSING:
      return COMPOSING_BIT
    case CPIM:
      return CPIM_BIT
    case IMDN:
      return IMDN_BIT
    default:
      return 0
  }
}

/** A type that is written out; what takes anything has not said that it understands it. */
function bitsIn(accept: string): number {
  let bits = 0
  for (const type of accept.split(',')) bits |= bitOf(type)
  return bits
}
