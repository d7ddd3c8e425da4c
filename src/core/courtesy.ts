/** Messages to SIP peers of which something is known: in the form that they read, and as plain text after all where they do not. */
import { SipRequest } from '../sip/message.ts'
import { PlainAnswer } from './answer.ts'
import type { Composers } from './composers.ts'
import { CPIM, IS_COMPOSING, type Manners } from './manners.ts'
import { type Answer, type HopPolicy, type MaybePromise, type Reads, RefusedError, type Signal } from './port.ts'

/** It has said so itself, within the last day. */
const UNSUPPORTED = new PlainAnswer(415, 'Unsupported Media Type', [['Accept', 'text/plain']])

type Make = (policy: HopPolicy) => SipRequest
type Send = (request: SipRequest) => MaybePromise<Answer>

export class Courtesy {
  readonly #policies = new Map<HopPolicy, Map<Reads, HopPolicy>>()

  constructor(
    readonly manners: Manners,
    readonly composers: Composers,
  ) {}

  /** Undefined for a peer of which nothing is known: it gets text, as everybody. */
  readsOf(peer: string): Reads | undefined {
    return this.manners.size === 0 ? undefined : this.manners.readsOf(peer)
  }

  /** Throws RefusedError where there is nothing that the peer can be shown. */
  deliver(peer: string, reads: Reads, signal: Signal, policy: HopPolicy, make: Make, send: Send): MaybePromise<Answer> {
    const request = this.#made(reads, policy, make)
    const type = request.headers.get('Content-Type') ?? ''
    if (signal.received) return this.manners.refuses(peer, type) ? UNSUPPORTED : send(request)
    const pair = `${peer}\n${signal.from.aor}`
    if (type === IS_COMPOSING) return this.composers.status(pair, request, send)
    // A receipt is nothing that its sender has said.
    if (!(type === CPIM && request.body.includes('message/imdn+xml'))) this.composers.said(pair)
    const answer = send(request)
    return type === CPIM ? this.#orPlain(answer, policy, make, send) : answer
  }

  /** After a 415. */
  refused(peer: string, request: SipRequest): void {
    this.manners.refused(peer, request.headers.get('Content-Type') ?? '')
  }

  #made(reads: Reads, policy: HopPolicy, make: Make): SipRequest {
    try {
      return make(this.#reading(policy, reads))
    } catch (cause) {
      // Where the wrapper is too much for this way, the text alone may not be.
      if (cause instanceof RefusedError && cause.status === 513) return make(policy)
      throw cause
    }
  }

  /** The message is worth more than its receipt. */
  async #orPlain(wrapped: MaybePromise<Answer>, policy: HopPolicy, make: Make, send: Send): Promise<Answer> {
    const answer = await wrapped
    if (answer.status !== 415) return answer
    const { method, uri, headers, body } = make(policy)
    // The same From-tag and Call-ID: only CSeq says that it is another request (RFC 3261 §8.2.2.2).
    headers.set('CSeq', `2 ${method}`)
    return send(new SipRequest(method, uri, headers, body))
  }

  #reading(policy: HopPolicy, reads: Reads): HopPolicy {
    let known = this.#policies.get(policy)
    if (!known) {
      known = new Map()
      this.#policies.set(policy, known)
    }
    let reading = known.get(reads)
    if (!reading) {
      reading = { ...policy, reads }
      known.set(reads, reading)
    }
    return reading
  }
}
