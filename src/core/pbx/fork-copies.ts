/**
 * A PBX that forks may reach one account over several of its names. Copies of one request (the same Call-ID, From-tag and CSeq) within 64 × T1
 * are one message: it is delivered once, and each copy gets the same answer.
 */
import { flat } from '../../sip/flat.ts'
import type { SipRequest, SipResponse } from '../../sip/message.ts'
import { tagOf } from '../../sip/name-addr.ts'

/** As long as a transaction of it may live: 64 × T1 (RFC 3261 §17.1.2.2). */
const KEPT_MS = 32_000
/** Requests remembered at most in each half; beyond that the older half is forgotten early. */
const KEPT_MAX = 20_000

type Answer = SipResponse | Promise<SipResponse>

export class ForkCopies {
  #young = new Map<string, Answer>()
  #old = new Map<string, Answer>()
  #turnedAt = 0

  constructor(readonly now: () => number) {}

  /** What was said to the first copy that came for this account; `serve` for the first. */
  once(request: SipRequest, aor: string, serve: () => Promise<SipResponse>): Answer {
    this.#turn()
    const { headers } = request
    const tag = tagOf(headers.get('From') ?? '') ?? ''
    const key = flat(`${aor}\n${request.method}\n${headers.get('Call-ID') ?? ''}\n${tag}\n${headers.get('CSeq') ?? ''}`)
    const known = this.#young.get(key) ?? this.#old.get(key)
    if (known) return known
    const young = this.#young
    const answer = serve()
    young.set(key, answer)
    answer.then(
      (response) => young.set(key, response),
      () => young.delete(key),
    )
    return answer
  }

  #turn(): void {
    const now = this.now()
    if (now - this.#turnedAt <= KEPT_MS && this.#young.size < KEPT_MAX) return
    this.#old = now - this.#turnedAt > 2 * KEPT_MS ? new Map() : this.#young
    this.#young = new Map()
    this.#turnedAt = now
  }
}
