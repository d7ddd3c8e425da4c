/** One request of ours, from the gate to its final response. */

import { RefusedError } from '../../core/port.ts'
import { response, type SipRequest, type SipResponse } from '../message.ts'
import { type NextHop, NoResponseError, type Transport } from '../port.ts'
import type { AdminConnection } from './admin-connection.ts'
import type { Frame } from './gate.ts'
import type { OutgoingRequest } from './outgoing.ts'
import type { Requests } from './requests.ts'
import type { SrfRequest, SrfResponse } from './srf.ts'

export class PendingRequest implements Frame {
  readonly begunAt = performance.now()
  /** By which it was sent; another one than the hop's where it is too large for UDP. */
  transport: Transport
  bytes = 0
  #outgoing: OutgoingRequest | undefined
  #isSettled = false

  constructor(
    readonly owner: Requests,
    readonly request: SipRequest,
    readonly hop: NextHop,
    readonly connection: AdminConnection,
    private readonly resolved: (response: SipResponse) => void,
    private readonly rejected: (cause: unknown) => void,
  ) {
    this.transport = hop.transport
  }

  goOut(outgoing: OutgoingRequest): void {
    this.#outgoing = outgoing
    this.bytes = outgoing.bytes
    this.connection.gate.pass(this)
  }

  write(): boolean {
    const outgoing = this.#outgoing
    if (this.#isSettled || !outgoing) return false
    this.#outgoing = undefined
    try {
      this.connection.srf.request(outgoing.uri, outgoing.options, this.#made)
      return true
    } catch (cause) {
      // An assertion of drachtio-srf: the connection went a moment ago.
      this.fail(new NoResponseError('transport', `the drachtio server is away: ${cause instanceof Error ? cause.message : cause}`))
      return false
    }
  }

  resolve(final: SipResponse): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.owner.settled(this)
    this.resolved(final)
  }

  fail(cause: unknown): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#outgoing = undefined
    this.owner.settled(this)
    this.rejected(cause)
  }

  /** The response frame: sent, or not. */
  readonly #made = (failure: Error | null | undefined, made?: SrfRequest): void => {
    this.connection.gate.acknowledged(this)
    if (this.#isSettled) return
    if (made) {
      made.on('response', this.#answered)
      return
    }
    const why = failure?.message ?? 'no reason given'
    this.owner.refused(this, why)
    this.#refused(why)
  }

  readonly #answered = (passed: SrfResponse): void => {
    if (!this.#isSettled && passed.status >= 200) this.owner.answered(this, passed)
  }

  #refused(why: string): void {
    if (/unable to find dialog/i.test(why)) this.resolve(response(481))
    else if (/to myself/i.test(why)) this.fail(new RefusedError(482, 'Loop Detected'))
    else if (/request-uri|creating leg|invalid/i.test(why)) this.fail(new RefusedError(400, `The drachtio server says: ${why}`))
    else this.fail(new NoResponseError('transport', `the drachtio server says: ${why}`))
  }
}
