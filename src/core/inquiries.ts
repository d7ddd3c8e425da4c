/** OPTIONS, asked of a telephone or of whoever lives behind a next hop (RFC 3261 §11): whether it is there, and what it is able to do. */
import type { SipUri } from '../address/sip-uri.ts'
import { newCallId, newTag } from '../sip/identifier.ts'
import { Headers, SipRequest, type SipResponse } from '../sip/message.ts'
import { NoResponseError } from '../sip/port.ts'
import { PlainAnswer, WireAnswer } from './answer.ts'
import type { Answer } from './port.ts'

export interface Inquiry {
  /** Who asks the same meanwhile gets the same answer. */
  readonly key: string
  readonly from: SipUri
  readonly to: SipUri
  /** The Request-URI. */
  readonly target: SipUri
  send(request: SipRequest): Promise<Answer>
}

export interface InquiryLimits {
  /** Under way at once, over all telephones. */
  readonly max: number
  /** Sooner than Timer F (32 s): who asks by an INFO of his own must have his answer before his own transaction ends. */
  readonly withinMs: number
}

export const INQUIRY_DEFAULTS: InquiryLimits = { max: 10_000, withinMs: 15_000 }

const NO_BODY = Buffer.alloc(0)
const SILENT = new PlainAnswer(408, 'The telephone does not answer', [], 'timeout')
const UNREACHABLE = new PlainAnswer(480, 'The telephone cannot be reached', [], 'transport')
const TOO_MANY = new PlainAnswer(500, 'Too many telephones are being asked already', [['Retry-After', '10']])

export class Inquiries {
  readonly #underWay = new Map<string, Promise<Answer>>()

  constructor(readonly limits: InquiryLimits = INQUIRY_DEFAULTS) {}

  get size(): number {
    return this.#underWay.size
  }

  /** Never rejects for what the outside did. */
  ask(inquiry: Inquiry): Promise<Answer> {
    const { key } = inquiry
    const same = this.#underWay.get(key)
    if (same) return same
    if (this.#underWay.size >= this.limits.max) return Promise.resolve(TOO_MANY)
    const answer = this.#within(inquiry.send(requestFor(inquiry))).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, answer)
    return answer
  }

  #within(answer: Promise<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve(SILENT), this.limits.withinMs).unref()
      answer.then(resolve, reject).finally(() => clearTimeout(timer))
    })
  }
}

/** What a next hop says, or that it says nothing. */
export async function answerOf(response: Promise<SipResponse>): Promise<Answer> {
  try {
    return new WireAnswer(await response, false)
  } catch (cause) {
    if (!(cause instanceof NoResponseError)) throw cause
    return cause.why === 'timeout' ? SILENT : UNREACHABLE
  }
}

function requestFor({ from, to, target }: Inquiry): SipRequest {
  const headers = new Headers()
  headers.append('Max-Forwards', '70')
  headers.append('From', `<${from}>;tag=${newTag()}`)
  headers.append('To', `<${to}>`)
  headers.append('Call-ID', newCallId())
  headers.append('CSeq', '1 OPTIONS')
  // §11.1: what an answer may hold. It is not read; without the field some answer 406.
  headers.append('Accept', 'application/sdp')
  return new SipRequest('OPTIONS', target.toString(), headers, NO_BODY)
}
