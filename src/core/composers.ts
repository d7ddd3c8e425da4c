/**
 * The sender's side of isComposing (RFC 3994 §3.2) for those of our users who type to SIP: `active` once in a refresh interval and again at its end as
 * long as they go on, `idle` once after it and only after it, nothing beside what they say. What they said begins anew.
 */
import { SipRequest } from '../sip/message.ts'
import { OK } from './answer.ts'
import type { Answer, MaybePromise } from './port.ts'
import { Waits } from './waits.ts'

export interface ComposersLimits {
  /** Between two `active` to the same peer (§3.2: not less than 60 s). */
  readonly refreshMs: number
  /** Who has not been heard of for so long is no longer said to type: clients do not always say that they stop. */
  readonly longestMs: number
  /** Pairs of who types and to whom. */
  readonly pairsMax: number
  /** How exactly these times are kept. */
  readonly tickMs: number
}

export const COMPOSERS_DEFAULTS: ComposersLimits = { refreshMs: 60_000, longestMs: 300_000, pairsMax: 10_000, tickMs: 1_000 }

type Send = (request: SipRequest) => MaybePromise<Answer>

interface Pair {
  /** What the peer was told last. */
  told: boolean
  /** Whether the sender types now. */
  types: boolean
  /** When his client said so last. */
  since: number
  request: SipRequest
  send: Send
  cseq: number
}

export class Composers {
  readonly #pairs: Waits<Pair>

  constructor(
    readonly now: () => number = () => performance.now(),
    readonly limits: ComposersLimits = COMPOSERS_DEFAULTS,
    /** What becomes of a refresh that nobody waits for. */
    readonly failed: (cause: unknown) => void = () => {},
  ) {
    this.#pairs = new Waits(limits.pairsMax, limits.tickMs, now, (key, pair) => this.#intervalEnded(key, pair))
  }

  get size(): number {
    return this.#pairs.size
  }

  /** Sends this status, or sees that it need not be sent now. */
  status(key: string, request: SipRequest, send: Send): MaybePromise<Answer> {
    const types = request.body.includes('<state>active</state>')
    const pair = this.#pairs.get(key)
    if (!pair) {
      // Who was not said to type has not stopped either.
      if (!types) return OK
      this.#pairs.begin(key, this.limits.refreshMs, { told: true, types, since: this.now(), request, send, cseq: 1 })
      return send(request)
    }
    pair.types = types
    if (types) {
      pair.since = this.now()
      pair.request = request
      pair.send = send
      pair.cseq = 1
      return OK
    }
    if (!pair.told) return OK
    pair.told = false
    return send(request)
  }

  /** What is said ends the typing by itself (§3.3). */
  said(key: string): void {
    if (this.#pairs.size > 0) this.#pairs.end(key)
  }

  tick(): void {
    this.#pairs.tick()
  }

  stop(): void {
    this.#pairs.stop()
  }

  #intervalEnded(key: string, pair: Pair): void {
    if (!pair.types || this.now() - pair.since > this.limits.longestMs) return
    pair.told = true
    pair.cseq++
    this.#pairs.begin(key, this.limits.refreshMs, pair)
    this.#refresh(pair).catch(this.failed)
  }

  async #refresh({ request, send, cseq }: Pair): Promise<void> {
    const headers = request.headers.copy()
    headers.set('CSeq', `${cseq} ${request.method}`)
    await send(new SipRequest(request.method, request.uri, headers, request.body))
  }
}
