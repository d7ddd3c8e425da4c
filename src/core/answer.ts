/** Answers without a stanza beside them: made here, or read off a wire. */
import { response, SipResponse } from '../sip/message.ts'
import type { Answer, HopPolicy } from './port.ts'

export class PlainAnswer implements Answer {
  readonly origin = undefined
  readonly received = undefined
  readonly trusted = true

  constructor(
    readonly status: number,
    readonly reason: string,
    readonly headers: readonly (readonly [string, string])[] = [],
    readonly failure: 'timeout' | 'transport' | undefined = undefined,
  ) {}

  header(name: string): string | undefined {
    const wanted = name.toLowerCase()
    return this.headers.find(([key]) => key.toLowerCase() === wanted)?.[1]
  }

  responseFor(_hop: HopPolicy): SipResponse {
    return response(this.status, this.reason, this.headers)
  }
}

/** The shared answers of the hot path: the kernel took it; it is stored or on its way. */
export const OK: Answer = new PlainAnswer(200, 'OK')
export const ACCEPTED: Answer = new PlainAnswer(202, 'Accepted')

/** RFC 6665 §4.1.3: a NOTIFY that belongs to nothing. */
export const NO_SUBSCRIPTION: Answer = new PlainAnswer(481, 'Subscription Does Not Exist')

/** What a hop said, on its way back. */
export class WireAnswer implements Answer {
  readonly origin = undefined
  readonly failure = undefined

  constructor(
    readonly received: SipResponse,
    readonly trusted: boolean,
  ) {}

  get status(): number {
    return this.received.status
  }

  get reason(): string {
    return this.received.reason
  }

  header(name: string): string | undefined {
    return this.received.headers.get(name)
  }

  responseFor(hop: HopPolicy): SipResponse {
    const headers = this.received.headers.copy()
    for (const name of PER_HOP) headers.remove(name)
    if (!this.trusted || hop.xmppData === 'off') headers.remove('P-XMPP-Data')
    return new SipResponse(this.received.status, this.received.reason, headers, this.received.body)
  }
}

/** What belongs to the transaction a response came in, not to the response. */
const PER_HOP = ['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Content-Length', 'Record-Route']
