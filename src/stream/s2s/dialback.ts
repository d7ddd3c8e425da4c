/** Server dialback (XEP-0220): its elements, and keys that need no memory (XEP-0185). */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { errorElement, type StanzaError } from '../../stanza/error.ts'
import { type Element, el } from '../../xml/element.ts'
import { NS_SERVER } from '../namespaces.ts'
import { NS_DIALBACK, NS_DIALBACK_FEATURE } from './namespaces.ts'

const DAY_MS = 86_400_000

/** A key is made of a secret all nodes share, and of the day: one that was guessed is worth nothing the day after next. */
export class DialbackKeys {
  constructor(
    private readonly secret: Buffer,
    private readonly now: () => number,
  ) {}

  /** For the stream with this id, from `originating` to `receiving`. */
  key(receiving: string, originating: string, streamId: string): string {
    return this.#keyOf(this.#day(), receiving, originating, streamId)
  }

  /** Ours of today, or of yesterday: the day may have ended while the stream was opened. */
  isOurs(key: string, receiving: string, originating: string, streamId: string): boolean {
    const day = this.#day()
    return [day, day - 1].some((one) => same(key, this.#keyOf(one, receiving, originating, streamId)))
  }

  #day(): number {
    return Math.floor(this.now() / DAY_MS)
  }

  #keyOf(day: number, receiving: string, originating: string, streamId: string): string {
    const ofDay = createHmac('sha256', this.secret).update(String(day)).digest()
    // XEP-0185 §2: HMAC-SHA256(SHA256(secret), receiving, originating, id), the inner hash in hexadecimal.
    const hashed = createHash('sha256').update(ofDay).digest('hex')
    return createHmac('sha256', hashed).update(`${receiving} ${originating} ${streamId}`).digest('hex')
  }
}

function same(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)]
  return one.length === other.length && timingSafeEqual(one, other)
}

/** What was found out about a key. */
export type Verdict = 'valid' | 'invalid'

export interface Pair {
  /** The domain that speaks. */
  readonly from: string
  /** The domain that is spoken to. */
  readonly to: string
}

/** "Believe me": to the receiving server. */
export const claim = ({ from, to }: Pair, key: string): Element => el('result', NS_DIALBACK, { from, to }, key)
/** "Did you say so?": to the authoritative server. */
export const question = ({ from, to }: Pair, id: string, key: string): Element => el('verify', NS_DIALBACK, { from, to, id }, key)
/** The authoritative server's answer. */
export const verdictOn = ({ from, to }: Pair, id: string, type: Verdict): Element => el('verify', NS_DIALBACK, { from, to, id, type })
/** The receiving server's. */
export const outcomeFor = ({ from, to }: Pair, type: Verdict): Element => el('result', NS_DIALBACK, { from, to, type })
/** XEP-0220 §2.5: of either kind, where it could not even be looked at. */
export function failureOf(name: 'result' | 'verify', { from, to }: Pair, error: StanzaError, id?: string): Element {
  return el(
    name,
    NS_DIALBACK,
    { from, to, id, type: 'error' },
    el('error', NS_SERVER, { type: error.type }, ...errorElement(error).children),
  )
}

export const DIALBACK_FEATURE = el('dialback', NS_DIALBACK_FEATURE, {}, el('errors', NS_DIALBACK_FEATURE))
