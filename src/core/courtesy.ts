/** Messages to SIP peers of which something is known: in the form that they read, and as plain text after all where they do not. */
import type { SipRequest } from '../sip/message.ts'
import { PlainAnswer } from './answer.ts'
import type { Composers } from './composers.ts'
import { CPIM, IS_COMPOSING, type Manners } from './manners.ts'
import { type Answer, type HopPolicy, type MaybePromise, type Reads, RefusedError, type Signal } from './port.ts'

/** It has said so itself, within the last day. */
const UNSUPPORTED = new PlainAnswer(415, 'Unsupported Media Type', [['Accept', 'text/plain']])

type Make = (policy: HopPolicy) => SipRequest
/** On the wire, now. */
type Send = (request: SipRequest) => Promise<Answer>
/** Sends it when it is its turn; `polite` then says in which form. */
type Hand = (request: SipRequest, polite: (send: Send) => Promise<Answer>) => MaybePromise<Answer>

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
  deliver(peer: string, reads: Reads, signal: Signal, policy: HopPolicy, make: Make, hand: Hand): MaybePromise<Answer> {
    const request = this.#made(reads, policy, make)
    const type = request.headers.get('Content-Type') ?? ''
    const pair = `${peer}\n${signal.from.aor}`
    if (type === IS_COMPOSING && !signal.received)
      return this.composers.status(pair, request, (one) => this.#inTurn(peer, one, undefined, hand))
    // A receipt is nothing that its sender has said.
    const isReceipt = type === CPIM && request.body.includes('message/imdn+xml')
    if (!isReceipt) this.composers.said(pair)
    const plain = type === CPIM && !isReceipt && !signal.received ? () => make(policy) : undefined
    return this.#inTurn(peer, request, plain, hand)
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

  #inTurn(peer: string, request: SipRequest, plain: (() => SipRequest) | undefined, hand: Hand): MaybePromise<Answer> {
    return hand(request, async (send) => {
      // What was sent before it may have been refused meanwhile.
      if (this.manners.refuses(peer, request.headers.get('Content-Type') ?? '')) return plain ? send(plain()) : UNSUPPORTED
      const answer = await send(request)
      // The message is worth more than its receipt.
      return answer.status === 415 && plain ? send(asAnother(plain())) : answer
    })
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

/** The same From-tag and Call-ID: only CSeq says that it is another request (RFC 3261 §8.2.2.2). */
function asAnother(request: SipRequest): SipRequest {
  request.headers.set('CSeq', `2 ${request.method}`)
  return request
}
