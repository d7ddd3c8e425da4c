/** What comes back: an XMPP result or error, or a refusal of our own, as the final response it is to SIP (RFC 7247 §7.1). */
import type { SipUri } from '../address/sip-uri.ts'
import { type Answer, type HopPolicy, RefusedError, type Signal } from '../core/port.ts'
import { Headers, reasonFor, SipResponse } from '../sip/message.ts'
import { errorElement, readError, StanzaError } from '../stanza/error.ts'
import type { Stanza } from '../stanza/stanza.ts'
import type { Element } from '../xml/element.ts'
import { statusFor } from './error.ts'
import { shortened } from './header-text.ts'
import { LIMITS } from './limits.ts'
import { NOTHING_NATIVE, residueOf } from './residue.ts'
import { uriOfAddress } from './uri-of-address.ts'
import { attach, bytesOf, NO_BODY } from './xmpp-data.ts'

/** What an answer depends on of the signal it answers. */
type Request = Pick<Signal, 'to' | 'method'>
type Field = readonly [string, string]
const NO_FIELDS: readonly Field[] = []

/** A final response made from a stanza, or from the error that would have been one. */
export class StanzaAnswer implements Answer {
  readonly failure = undefined
  readonly received = undefined
  /** We made it. */
  readonly trusted = true

  constructor(
    readonly status: number,
    readonly reason: string,
    readonly origin: Stanza | StanzaError | undefined,
    readonly fields: readonly Field[],
  ) {}

  header(name: string): string | undefined {
    const wanted = name.toLowerCase()
    return this.fields.find(([key]) => key.toLowerCase() === wanted)?.[1]
  }

  responseFor(hop: HopPolicy): SipResponse {
    const fields = this.fields.flat()
    const data = hop.xmppData === 'off' ? undefined : this.#data(hop)
    if (!data) return this.#response(fields, NO_BODY)
    const carrying = [...fields]
    const body = attach(carrying, undefined, data, hop)
    const bytes = bytesOf(carrying) + body.length + this.reason.length
    // What echoes the request is added by the stack, so the estimate is a generous one.
    if (bytes + 2 * LIMITS.stackBytes <= hop.maxMessageBytes) return this.#response(carrying, body)
    if (this.status >= 300) return this.#response(fields, NO_BODY)
    return TOO_LARGE.responseFor(hop)
  }

  #data(hop: HopPolicy): Element | undefined {
    const { origin } = this
    if (!origin) return undefined
    if (origin instanceof StanzaError) return errorElement(origin)
    if (origin.type === 'error') return origin.xml.child('error')
    return hop.fullXmppData ? origin.xml : residueOf(origin, NOTHING_NATIVE)
  }

  #response(fields: string[], body: Buffer): SipResponse {
    return new SipResponse(this.status, this.reason, new Headers(fields), body)
  }
}

/** An answer that does not fit into a response: the asker is told why nothing comes. */
const TOO_LARGE = new StanzaAnswer(
  513,
  'Message Too Large',
  new StanzaError('modify', 'policy-violation', 'The answer is larger than this way carries'),
  NO_FIELDS,
)

/** What an XMPP client, server or component answered: the result or error of an iq, or the error about a message. */
export function toAnswer(reply: Stanza, asked: Request): Answer {
  if (reply.type !== 'error') return new StanzaAnswer(200, 'OK', reply, NO_FIELDS)
  const error = reply.xml.child('error')
  return refusal(error ? readError(error) : NO_REASON_GIVEN, reply, asked, undefined)
}

const NO_REASON_GIVEN = new StanzaError('cancel', 'undefined-condition')

/** A refusal of our own. `status` overrules the table where the sender's world has a better word; XMPP senders see the stanza error all the same. */
export function answerFor(error: unknown, request: Request, status?: number): Answer {
  if (error instanceof StanzaError) return refusal(error, error, request, status)
  if (error instanceof RefusedError)
    return new StanzaAnswer(error.status, shortened(error.reason, LIMITS.reasonCharacters), undefined, error.headers)
  // Anything else is our own fault, which whoever caught it has logged.
  return new StanzaAnswer(500, reasonFor(500), undefined, NO_FIELDS)
}

function refusal(error: StanzaError, origin: Stanza | StanzaError, { to, method }: Request, overruled: number | undefined): StanzaAnswer {
  const moved = error.address === undefined ? undefined : uriOfAddress(error.address)
  // RFC 7247 §7.1 note 3: 301 needs an address, and one that SIP can read.
  const readable = moved || error.address === undefined ? error : new StanzaError(error.type, error.condition, error.text)
  const status = overruled ?? statusFor(readable, to.gr !== undefined, method)
  const reason = shortened(error.text ?? '', LIMITS.reasonCharacters)
  return new StanzaAnswer(status, reason || reasonFor(status), origin, fieldsFor(status, error, moved, method))
}

function fieldsFor(status: number, error: StanzaError, moved: SipUri | undefined, method: string): readonly Field[] {
  if (moved && status >= 300 && status < 400) return [['Contact', `<${moved}>`]]
  // RFC 3261 §21.4.6: MUST; the method that was just refused is not in it.
  if (status === 405) return [['Allow', method === 'MESSAGE' ? 'OPTIONS' : 'MESSAGE, OPTIONS']]
  if (error.condition === 'resource-constraint') return [['Retry-After', String(LIMITS.retryAfterSeconds)]]
  return NO_FIELDS
}
