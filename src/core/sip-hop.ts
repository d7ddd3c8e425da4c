/** The way to a next hop an operator has named: a signal becomes a request to it, its response an answer. */
import type { SipUri } from '../address/sip-uri.ts'
import type { Log } from '../log/log.ts'
import type { SipRequest, SipResponse } from '../sip/message.ts'
import { type NextHop, NoResponseError } from '../sip/port.ts'
import { PlainAnswer, WireAnswer } from './answer.ts'
import { ContactLanes } from './contact-lane.ts'
import type { Courtesy } from './courtesy.ts'
import { type Answer, carriesStanza, type Delivery, type HopPolicy, type MaybePromise, type Signal, type Target, trusts } from './port.ts'

/** Where a hop is and whether it answers is found out by RFC 3263: sip/locate has it. */
export interface HopPeer {
  readonly uri: SipUri
  /** Rejects with NoResponseError. */
  send(request: SipRequest): Promise<SipResponse>
  /** Whether a request came from there. */
  isSourceOf(request: SipRequest | undefined, from: NextHop): boolean
  /** Looks for it anew; rejects with NoResponseError where it cannot be found. */
  locate(): Promise<readonly NextHop[]>
  /** The same without those that were silent or busy a moment ago. */
  locateWell?(): Promise<readonly NextHop[]>
  /** One of them was not there, or was overloaded. */
  failed?(hop: NextHop, failure: 'timeout' | 'transport' | SipResponse): void
}

export class SipHop implements Target {
  readonly #lanes = new ContactLanes()

  constructor(
    readonly peer: HopPeer,
    readonly policy: HopPolicy,
    /** Its P-XMPP-Data and identity fields count. */
    readonly trusted: boolean,
    /** The same signal made anew from the stanza its request carries, for hops that must not see P-XMPP-Data. Throws RefusedError. */
    readonly remake: (signal: Signal) => Signal,
    readonly log: Log,
    /** Takes what a hop that carries no P-XMPP-Data cannot be told: presence, which needs a dialog there (RFC 6665), and questions. */
    readonly instead: (signal: Signal) => Delivery,
    /** Absent: everybody there gets plain text. */
    readonly courtesy?: Courtesy,
  ) {}

  /** Whether this hop can be told such a thing at all. A question goes only where its answer would be believed. */
  carries(signal: Signal): boolean {
    return signal.method !== 'INFO' || this.#carriesStanzas
  }

  get #carriesStanzas(): boolean {
    return this.policy.xmppData !== 'off' && this.trusted
  }

  deliver(signal: Signal): Delivery {
    if (NOT_PLAIN.has(signal.method) && !this.#carriesStanzas) return this.instead(signal)
    if (signal.method !== 'MESSAGE') return this.#send(this.#requestOf(signal, this.policy), signal)
    const { courtesy, policy } = this
    const reads = policy.xmppData === 'off' ? courtesy?.readsOf(signal.to.aor) : undefined
    if (!courtesy || !reads) {
      const request = this.#requestOf(signal, policy)
      return this.#inTurn(signal, request.uri, () => this.#send(request, signal))
    }
    const make = (known: HopPolicy): SipRequest => this.#requestOf(signal, known)
    return courtesy.deliver(signal.to.aor, reads, signal, policy, make, ({ uri }, polite) =>
      this.#inTurn(signal, uri, () => polite((request) => this.#send(request, signal))),
    )
  }

  #inTurn({ arrival }: Signal, uri: string, send: () => Promise<Answer>): MaybePromise<Answer> {
    // What others sent is relayed as it comes: their own lanes rule it. RFC 3428 §8 speaks of MESSAGE alone.
    return arrival.kind === 'wire' ? send() : this.#lanes.run(uri, send)
  }

  #requestOf(signal: Signal, policy: HopPolicy): SipRequest {
    // Its body may hold parts that only the stanza's own header explains.
    const request = (policy.xmppData === 'off' && carriesStanza(signal) ? this.remake(signal) : signal).requestFor(policy)
    if (!signal.received) return request
    const { headers } = request
    // The table says where it goes: a route the sender had in mind would lead somewhere else from there.
    headers.remove('Route')
    // RFC 3325 §5: asserted only among those who trust each other.
    if (!this.trusted || !trusts(signal.arrival)) headers.remove('P-Asserted-Identity')
    return request
  }

  async #send(request: SipRequest, { to }: Signal): Promise<Answer> {
    try {
      const response = await this.peer.send(request)
      if (response.status === 415) this.courtesy?.refused(to.aor, request)
      return response.status === 503 ? overloaded(response) : new WireAnswer(response, this.trusted)
    } catch (cause) {
      if (!(cause instanceof NoResponseError)) throw cause
      this.log.lowLevel({ what: 'hop_unreachable', hop: this.peer.uri.toString(), to: request.uri, why: cause.why, error: cause.message })
      return cause.why === 'timeout' ? NO_ANSWER : OUT_OF_REACH
    }
  }
}

/** What means nothing there without the stanza beside it. */
const NOT_PLAIN: ReadonlySet<string> = new Set(['INFO', 'SUBSCRIBE', 'NOTIFY'])

const NO_ANSWER = new PlainAnswer(408, 'The next hop does not answer', [], 'timeout')
/** RFC 3261 §16.9 and §16.7 step 6: a proxy passes no 503 on, which would speak of itself. */
const OUT_OF_REACH = new PlainAnswer(500, 'The next hop cannot be reached', [], 'transport')

function overloaded(response: SipResponse): Answer {
  const after = response.headers.get('Retry-After')
  return new PlainAnswer(500, 'The next hop is overloaded', after === undefined ? [] : [['Retry-After', after]])
}
