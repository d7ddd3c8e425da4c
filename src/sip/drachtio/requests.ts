/** Requests of ours that wait for their final response, each with a time of our own: of what was under way on a lost connection drachtio-srf says nothing. */
import type { Log } from '../../log/log.ts'
import { SipParseError } from '../codec.ts'
import type { SipRequest, SipResponse } from '../message.ts'
import { type NextHop, NoResponseError, type Transport } from '../port.ts'
import type { AdminConnection } from './admin-connection.ts'
import { responseFrom } from './incoming.ts'
import { ADDED_BYTES, type DrachtioLimits, UDP_REQUEST_MAX_BYTES, WITHOUT_TCP_MS } from './limits.ts'
import type { Link } from './link.ts'
import { type OutgoingRequest, outgoingRequest } from './outgoing.ts'
import { PendingRequest } from './pending-request.ts'
import type { SrfResponse } from './srf.ts'
import { traceReceived, traceSent } from './trace.ts'

export class Requests {
  readonly #link: Link
  /** Timer F: 64 times T1 (RFC 3261 §17.1.2.2). */
  readonly #giveUpMs: number
  readonly #limits: DrachtioLimits
  readonly #log: Log
  /** In the order in which they were sent, which is the order of their times. */
  readonly #waiting = new Set<PendingRequest>()
  #timer: NodeJS.Timeout | undefined
  /** Addresses that have no TCP, and until when that is believed. */
  readonly #withoutTcp = new Map<string, number>()
  #whyStopped: string | undefined
  #quiet: (() => void) | undefined

  constructor(link: Link, giveUpMs: number, limits: DrachtioLimits, log: Log) {
    this.#link = link
    this.#giveUpMs = giveUpMs
    this.#limits = limits
    this.#log = log
  }

  get waitingCount(): number {
    return this.#waiting.size
  }

  send(request: SipRequest, hop: NextHop): Promise<SipResponse> {
    return new Promise((resolve, reject) => {
      // An INVITE needs more than this (§17.1.1), ACK and CANCEL belong to one.
      if (/^(?:INVITE|ACK|CANCEL)$/.test(request.method)) throw new Error(`${request.method} is not sent by this stack`)
      if (this.#whyStopped !== undefined) throw new NoResponseError('transport', this.#whyStopped)
      const { sentAtOnceMax } = this.#limits
      if (this.#waiting.size >= sentAtOnceMax)
        throw new NoResponseError('transport', `more than ${sentAtOnceMax} requests wait for an answer`)
      const connection = this.#link.open
      connection.sockets.towards(hop)
      const pending = new PendingRequest(this, request, hop, connection, resolve, reject)
      const outgoing = this.#outgoing(pending, this.#transportFor(pending))
      this.#waiting.add(pending)
      this.#timer ??= setTimeout(this.#expire, this.#giveUpMs)
      pending.goOut(outgoing)
    })
  }

  /** The server said why it did not send it. */
  refused(pending: PendingRequest, why: string): void {
    this.#log.problem({ what: 'drachtio_request_refused', method: pending.request.method, why })
  }

  /** A final response; '' as its source says that the server made it itself. */
  answered(pending: PendingRequest, passed: SrfResponse): void {
    if (passed.source_address === '') {
      this.#unanswered(pending, passed)
      return
    }
    traceReceived(this.#log, `${passed.status}`, passed.raw, passed.source_address)
    try {
      pending.resolve(responseFrom(passed))
    } catch (cause) {
      if (!(cause instanceof SipParseError)) throw cause
      pending.fail(new NoResponseError('transport', `its response cannot be read: ${cause.reason}`))
    }
  }

  settled(pending: PendingRequest): void {
    this.#waiting.delete(pending)
    if (this.#waiting.size === 0) this.#quiet?.()
  }

  /** All that was under way on this connection ends with it. */
  lost(connection: AdminConnection, why: string): void {
    for (const pending of this.#waiting) {
      if (pending.connection === connection)
        pending.fail(new NoResponseError('transport', `the connection to the drachtio server is gone: ${why}`))
    }
  }

  /** Nothing more is sent; `quiet` is called when nothing is waited for. */
  drain(quiet: () => void): void {
    this.#whyStopped = 'the stack is stopping'
    this.#quiet = quiet
    if (this.#waiting.size === 0) quiet()
  }

  stop(): void {
    this.#quiet = undefined
    clearTimeout(this.#timer)
    for (const pending of this.#waiting) pending.fail(new NoResponseError('transport', 'the stack was stopped'))
  }

  /** Throws HeaderError or RefusedError. */
  #outgoing(pending: PendingRequest, transport: Transport): OutgoingRequest {
    const outgoing = outgoingRequest(pending.request, pending.hop, transport)
    pending.transport = transport
    traceSent(this.#log, outgoing, pending.hop)
    return outgoing
  }

  /** RFC 3261 §18.1.1, which drachtio leaves to the application. */
  #transportFor({ request, hop, connection }: PendingRequest): Transport {
    if (hop.transport !== 'udp' || !connection.sockets.has('tcp') || this.#isWithoutTcp(hop)) return hop.transport
    let bytes = request.method.length + request.uri.length + request.body.length + ADDED_BYTES
    const { list } = request.headers
    for (let at = 0; at < list.length; at++) bytes += (list[at]?.length ?? 0) + 2
    return bytes > UDP_REQUEST_MAX_BYTES ? 'tcp' : 'udp'
  }

  /** The server's own 408 and 503 are no word of the peer. */
  #unanswered(pending: PendingRequest, { status, raw }: SrfResponse): void {
    const { hop } = pending
    if (status === 408) {
      pending.fail(new NoResponseError('timeout', `no answer of ${hop.host}:${hop.port}, says the drachtio server`))
      return
    }
    if (pending.transport === 'tcp' && hop.transport === 'udp') {
      // §18.1.1: who has no TCP gets it by UDP all the same.
      this.#noteWithoutTcp(hop)
      try {
        pending.goOut(this.#outgoing(pending, 'udp'))
      } catch (cause) {
        pending.fail(cause)
      }
      return
    }
    const line = raw.slice(0, Math.max(0, raw.indexOf('\r\n')))
    pending.fail(new NoResponseError('transport', `${hop.host}:${hop.port}: ${line}, says the drachtio server`))
  }

  readonly #expire = (): void => {
    this.#timer = undefined
    const now = performance.now()
    for (const pending of this.#waiting) {
      const left = pending.begunAt + this.#giveUpMs - now
      if (left > 0) {
        this.#timer = setTimeout(this.#expire, Math.ceil(left))
        return
      }
      const { host, port } = pending.hop
      pending.fail(new NoResponseError('timeout', `no answer of ${host}:${port} in ${this.#giveUpMs} ms`))
    }
  }

  #noteWithoutTcp(hop: NextHop): void {
    if (this.#withoutTcp.size >= this.#limits.withoutTcpMax) this.#withoutTcp.clear()
    this.#withoutTcp.set(`${hop.host} ${hop.port}`, performance.now() + WITHOUT_TCP_MS)
  }

  #isWithoutTcp(hop: NextHop): boolean {
    if (this.#withoutTcp.size === 0) return false
    const until = this.#withoutTcp.get(`${hop.host} ${hop.port}`)
    return until !== undefined && until > performance.now()
  }
}
