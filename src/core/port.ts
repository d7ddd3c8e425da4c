/** The core's one door and what passes through it: signals in, answers back. Everything here is data or a shape; nothing here acts. */
import type { SipUri } from '../address/sip-uri.ts'
import type { SipRequest, SipResponse } from '../sip/message.ts'
import type { NextHop } from '../sip/port.ts'

/** A plain value where the answer is there at once; a promise only where something is really awaited. */
export type MaybePromise<T> = T | Promise<T>

/** The stanza a signal or an answer was made from. Opaque here: only mapping opens it, and whoever changes body or subject drops it. */
export type Origin = object

/** What a way out allows: which of our header fields it carries and how much fits. */
export interface HopPolicy {
  /** How P-XMPP-Data travels on this hop; `off` for peers that must not see it. */
  readonly xmppData: 'header' | 'base64' | 'off'
  /** Bytes of P-XMPP-Data over all header fields together, above which it is deflated, then moved into the body. */
  readonly xmppDataHeaderBytes: number
  /** Keep in P-XMPP-Data also what native SIP fields carry. */
  readonly fullXmppData: boolean
  /** Whether From names the sending device by `gr` (RFC 7572 §4). */
  readonly fromGruu: boolean
  /** Bytes of a whole request; larger ones are refused, never cut. */
  readonly maxMessageBytes: number
  /** A telephone: it gets only what a person can read, and no body of several parts. */
  readonly telephone?: boolean
  /** What the peer has shown that it understands besides text; absent: nothing. */
  readonly reads?: Reads
}

/** What some telephones understand, and others would show as text. */
export interface Reads {
  /** application/im-iscomposing+xml (RFC 3994). */
  readonly composing: boolean
  /** message/cpim (RFC 3862), in which receipts are asked for. */
  readonly cpim: boolean
  /** message/imdn+xml in that: the receipts themselves (RFC 5438). */
  readonly imdn: boolean
}

/** How a signal reached the core, which decides what is believed of it. */
export type Arrival =
  | { readonly kind: 'stream' }
  | { readonly kind: 'task' }
  | {
      readonly kind: 'wire'
      readonly hop: NextHop
      /** Its P-XMPP-Data and identity headers count. */
      readonly trusted: boolean
      /** The account whose digest credentials it carried. */
      readonly account: SipUri | undefined
    }

/** Whether what a signal says of itself beyond its authenticated identity counts: ours always, a stranger's and a telephone's never. */
export const trusts = (arrival: Arrival): boolean => arrival.kind !== 'wire' || arrival.trusted

/** A request that brought a stanza with it from somebody we believe. */
export const carriesStanza = (signal: Signal): boolean =>
  signal.received !== undefined && trusts(signal.arrival) && signal.header('P-XMPP-Data') !== undefined

/** A request travelling through the core: the only thing the core routes. */
export interface Signal {
  /** MESSAGE, SUBSCRIBE, NOTIFY, INFO, OPTIONS … */
  readonly method: string
  /** The sender's identity; `gr` names the device where it is known. */
  readonly from: SipUri
  /** Where it goes (the Request-URI); `gr` names one device. */
  readonly to: SipUri
  /** Hops it may still take, in both worlds together (RFC 3261 §16.3 step 3). */
  readonly maxForwards: number
  readonly arrival: Arrival
  readonly origin: Origin | undefined
  /** The request as it came off a wire; undefined for a signal made here, whose `origin` says all. */
  readonly received: SipRequest | undefined
  /** A header field of the request this signal is, without building the rest. */
  header(name: string): string | undefined
  /** The request in SIP's own terms, as a hop with this policy may see it; Max-Forwards is one less than `maxForwards`. Throws RefusedError where it does not fit. */
  requestFor(hop: HopPolicy): SipRequest
  /** The same signal on its way to another address, one hop later. */
  readdressed(to: SipUri): Signal
}

/** A final response with, beside it, the stanza it came from. */
export interface Answer {
  readonly status: number
  readonly reason: string
  /** Why there was no response at all, where the status is one we made up. */
  readonly failure: 'timeout' | 'transport' | undefined
  /** Its P-XMPP-Data counts: it was made here or came from a trusted hop. */
  readonly trusted: boolean
  readonly origin: Origin | undefined
  /** The response as it came off a wire. */
  readonly received: SipResponse | undefined
  header(name: string): string | undefined
  /** The response in SIP's own terms; the fields that echo the request are added by the stack. */
  responseFor(hop: HopPolicy): SipResponse
}

/**
 * What a target does with a signal. A plain answer or a promise of one: the signal is taken (written, queued or stored) and the lane goes on.
 * NotYetTaken: even taking it needs time, and the next signal of the same pair waits for `taken`.
 */
export type Delivery = MaybePromise<Answer> | NotYetTaken

export interface Taken {
  readonly answer: MaybePromise<Answer>
}

export class NotYetTaken {
  /** Resolves when the signal is taken. The answer stands inside an object, since a promise cannot hold a promise. */
  constructor(readonly taken: Promise<Taken>) {}
}

export interface Target {
  deliver(signal: Signal): Delivery
}

/** One way a signal can go; the router asks them in order. Throws RefusedError to refuse what is its own but cannot be. */
export interface Way {
  readonly name: string
  targetFor(signal: Signal): Target | undefined
}

export interface Core {
  /** Never throws, never rejects for what the outside did: a refusal is an answer. */
  submit(signal: Signal): MaybePromise<Answer>
}

/** A refusal on the SIP side: becomes a response with this status. */
export class RefusedError extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    readonly headers: readonly (readonly [string, string])[] = [],
  ) {
    super(`${status} ${reason}`)
    this.name = 'RefusedError'
  }
}
