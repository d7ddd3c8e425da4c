/** Requests from the network: served once each, answered whatever happens. A throw that nobody catches would leave the peer without a response for 32 s. */

import { RefusedError } from '../../core/port.ts'
import type { Log } from '../../log/log.ts'
import { SipParseError } from '../codec.ts'
import { response, SipResponse } from '../message.ts'
import { Forward, type Received, type Serve } from '../port.ts'
import type { AdminConnection } from './admin-connection.ts'
import type { Frame } from './gate.ts'
import { receivedFrom } from './incoming.ts'
import { type DrachtioLimits, RETRY_AFTER_SECONDS } from './limits.ts'
import { type OutgoingAnswer, outgoingAnswer } from './outgoing.ts'
import type { SrfAnswer, SrfRequest } from './srf.ts'
import { traceAnswered, traceReceived } from './trace.ts'

const RETRY_AFTER = [['Retry-After', String(RETRY_AFTER_SECONDS)]] as const

export class Serving {
  readonly #serve: Serve
  readonly #limits: DrachtioLimits
  readonly #log: Log
  /** Until the server has their answer. */
  readonly #exchanges = new Set<Exchange>()
  #isDraining = false
  #quiet: (() => void) | undefined

  constructor(serve: Serve, limits: DrachtioLimits, log: Log) {
    this.#serve = serve
    this.#limits = limits
    this.#log = log
  }

  /** Requests that are being served. */
  get servingCount(): number {
    return this.#exchanges.size
  }

  take(connection: AdminConnection, passed: SrfRequest, answer: SrfAnswer): void {
    traceReceived(this.#log, passed.method, passed.raw, passed.source_address)
    let received: Received
    try {
      received = receivedFrom(passed, connection.sockets)
    } catch (cause) {
      if (!(cause instanceof SipParseError)) throw cause
      answer.send(cause.status, cause.reason, {}, () => {})
      return
    }
    const exchange = new Exchange(this, connection, received, answer, this.#log)
    const refusal = this.#refusalOf(passed)
    this.#exchanges.add(exchange)
    if (refusal) {
      exchange.answer(refusal)
      return
    }
    let given: ReturnType<Serve>
    try {
      given = this.#serve(received)
    } catch (cause) {
      given = this.failure(received, cause)
    }
    if (given instanceof SipResponse || given instanceof Forward) exchange.answer(given)
    else given.then(exchange.answer, (cause: unknown) => exchange.answer(this.failure(received, cause)))
  }

  /** The server has the answer, or nobody is there to take it. */
  settled(exchange: Exchange): void {
    this.#exchanges.delete(exchange)
    if (this.#exchanges.size === 0) this.#quiet?.()
  }

  /** Whom a lost connection brought requests gets no answer any more; the server answers 408 in our place. */
  lost(connection: AdminConnection): void {
    for (const exchange of this.#exchanges) if (exchange.connection === connection) this.settled(exchange)
  }

  /** New requests are refused from now on; `quiet` is called when nothing is served any more. */
  drain(quiet: () => void): void {
    this.#isDraining = true
    this.#quiet = quiet
    if (this.#exchanges.size === 0) quiet()
  }

  /** Our own mistake: told to the log once, and to the peer without details. */
  failure({ request }: Received, cause: unknown): SipResponse {
    this.#log.failure({ what: 'sip_serve_failed', method: request.method, cause })
    return response(500)
  }

  #refusalOf({ raw }: SrfRequest): SipResponse | undefined {
    const scheme = /^\S+ ([A-Za-z][A-Za-z0-9+.-]*):/.exec(raw)?.[1]?.toLowerCase()
    // RFC 3261 §8.2.2.1.
    if (scheme !== 'sip' && scheme !== 'sips' && scheme !== 'tel') return response(416)
    if (this.#isDraining) return response(503, 'Stopping', RETRY_AFTER)
    if (this.#exchanges.size < this.#limits.servedAtOnceMax) return undefined
    this.#log.problem({ what: 'sip_overload', serving: this.#exchanges.size })
    return response(503, undefined, RETRY_AFTER)
  }
}

/** One request and its one answer. */
class Exchange implements Frame {
  bytes = 0
  #outgoing: OutgoingAnswer | undefined

  constructor(
    readonly owner: Serving,
    readonly connection: AdminConnection,
    readonly received: Received,
    private readonly response: SrfAnswer,
    private readonly log: Log,
  ) {}

  readonly answer = (given: SipResponse | Forward): void => {
    const outgoing = this.#outgoingOf(given)
    const { from } = this.received
    traceAnswered(this.log, outgoing.status, outgoing.reason, outgoing.fields, outgoing.body, `${from.host}:${from.port}`)
    this.#outgoing = outgoing
    this.bytes = outgoing.bytes
    this.connection.gate.pass(this)
  }

  write(): boolean {
    const outgoing = this.#outgoing
    if (!outgoing || !this.connection.isOpen) return false
    const { response: answer } = this
    Object.assign(answer.headers, outgoing.fields)
    if (outgoing.to !== undefined) answer.headers.to = outgoing.to
    answer.body = outgoing.body
    if (this.#send(outgoing.status, outgoing.reason)) return true
    // A status that drachtio-srf has no name for is as good as the first of its hundred (RFC 3261 §8.1.3.2).
    if (this.#send(outgoing.status - (outgoing.status % 100), outgoing.reason)) return true
    this.owner.settled(this)
    return false
  }

  #send(status: number, reason: string): boolean {
    try {
      this.response.send(status, reason, {}, this.#sent)
      return true
    } catch (cause) {
      this.log.problem({
        what: 'sip_response_failed',
        to: this.received.from.host,
        status,
        why: cause instanceof Error ? cause.message : cause,
      })
      return false
    }
  }

  readonly #sent = (failure?: unknown): void => {
    this.connection.gate.acknowledged(this)
    this.owner.settled(this)
    if (failure) this.log.problem({ what: 'sip_response_failed', to: this.received.from.host, why: String(failure) })
  }

  #outgoingOf(given: SipResponse | Forward): OutgoingAnswer {
    const { request } = this.received
    try {
      return outgoingAnswer(request, this.#final(given))
    } catch (cause) {
      if (cause instanceof RefusedError) {
        this.log.problem({ what: 'sip_response_refused', method: request.method, why: cause.reason })
        return outgoingAnswer(request, response(cause.status === 513 ? 513 : 500, cause.reason))
      }
      return outgoingAnswer(request, this.owner.failure(this.received, cause))
    }
  }

  #final(given: SipResponse | Forward): SipResponse {
    if (given instanceof Forward) {
      this.log.problem({ what: 'sip_forward_refused', method: given.request.method, why: 'there is no proxy behind drachtio (can.proxy)' })
      return response(501)
    }
    if (given.status >= 200 && given.status < 700) return given
    return this.owner.failure(this.received, new Error(`${given.status} is no final response, and was given as the answer`))
  }
}
