/**
 * RFC 3261 §8.2.2.2 and §16.3 step 4: the same request by another road. The same Request-URI, Call-ID, From-tag and CSeq again, in another
 * transaction, is a loop or a merged request: 482. Another Request-URI is a spiral and legal.
 */
import { flat } from '../sip/flat.ts'
import type { SipRequest } from '../sip/message.ts'
import { tagOf } from '../sip/name-addr.ts'

/** As long as a transaction of it may live: 64 × T1 (RFC 3261 §17.1.2.2). */
const KEPT_MS = 32_000
/** Requests remembered at most in each half; beyond that the older half is forgotten early. */
const KEPT_MAX = 50_000

export class SeenRequests {
  #young = new Set<string>()
  #old = new Set<string>()
  #turnedAt = 0

  /**
   * True where this very request was here before; remembers it otherwise. `hop`: where it came from, if that decides where it goes: what a next
   * hop of ours sends back is a spiral, not a loop.
   */
  seen(request: SipRequest, now: number, hop = ''): boolean {
    if (now - this.#turnedAt > KEPT_MS || this.#young.size >= KEPT_MAX) {
      this.#old = now - this.#turnedAt > 2 * KEPT_MS ? new Set() : this.#young
      this.#young = new Set()
      this.#turnedAt = now
    }
    const { headers } = request
    const tag = tagOf(headers.get('From') ?? '') ?? ''
    const key = `${request.uri}\n${headers.get('Call-ID') ?? ''}\n${tag}\n${headers.get('CSeq') ?? ''}\n${hop}`
    if (this.#young.has(key) || this.#old.has(key)) return true
    this.#young.add(flat(key))
    return false
  }
}
