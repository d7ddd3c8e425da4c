/** One request of ours: sent, sent again until somebody answers, given up (RFC 3261 §17.1.2). */
import { newBranch } from '../identifier.ts'
import type { SipRequest, SipResponse } from '../message.ts'
import { type NextHop, NoResponseError } from '../port.ts'
import type { ClientTransactions } from './client.ts'
import { DATAGRAM_MAX_BYTES } from './limits.ts'
import { transactionMs } from './timers.ts'
import { hostPort, type Sender, type Way } from './transport.ts'
import { Timed } from './wheel.ts'

type State = 'starting' | 'trying' | 'proceeding' | 'completed'

export class ClientTransaction extends Timed implements Sender {
  readonly #owner: ClientTransactions
  readonly #resolve: (response: SipResponse) => void
  readonly #reject: (cause: unknown) => void
  /** Timer F, as a time. */
  readonly #giveUpAt: number
  #state: State = 'starting'
  #way: Way | undefined
  #host = ''
  #port = 0
  #bytes: Buffer | undefined
  /** Timer E. */
  #interval = 0
  /** Sent over TCP because of its size, which turned out not to be there. */
  isWithoutTcp = false

  constructor(
    owner: ClientTransactions,
    readonly request: SipRequest,
    readonly hop: NextHop,
    resolve: (response: SipResponse) => void,
    reject: (cause: unknown) => void,
    /** A CANCEL has that of its INVITE. */
    readonly branch: string = newBranch(),
  ) {
    super()
    this.#owner = owner
    this.#resolve = resolve
    this.#reject = reject
    this.#giveUpAt = performance.now() + transactionMs(owner.timers)
  }

  get isWaiting(): boolean {
    return this.#state !== 'completed'
  }

  begin(way: Way, host: string, port: number, bytes: Buffer): void {
    if (way.transport === 'udp' && bytes.length > DATAGRAM_MAX_BYTES) {
      throw new NoResponseError('transport', `${bytes.length} bytes do not fit into a datagram, and there is no TCP`)
    }
    this.#state = 'trying'
    this.#way = way
    this.#host = host
    this.#port = port
    this.#owner.sent(bytes, way, host, port)
    if (!way.isReliable) {
      this.#bytes = bytes
      this.#interval = this.#owner.timers.t1Ms
      this.#owner.wheel.start(this, this.#interval)
    }
    way.send(bytes, host, port, this)
  }

  provisional(): void {
    if (this.#state === 'trying') this.#state = 'proceeding'
  }

  final(response: SipResponse): void {
    if (!this.isWaiting) return
    this.#complete()
    this.#resolve(response)
  }

  fail(cause: unknown): void {
    if (!this.isWaiting) return
    this.#complete()
    this.#reject(cause)
  }

  wayFailed(cause: Error, neverOpen: boolean): void {
    if (!this.isWaiting) return
    if (neverOpen && this.#way?.transport === 'tcp' && this.hop.transport === 'udp') {
      // §18.1.1: who has no TCP gets it by UDP all the same.
      this.isWithoutTcp = true
      this.#owner.noteWithoutTcp(this.#host, this.#port)
      try {
        this.#owner.dispatch(this, this.#host)
      } catch (other) {
        this.fail(other)
      }
      return
    }
    this.fail(new NoResponseError('transport', `${hostPort(this.#host, this.#port)}: ${cause.message}`))
  }

  expire(): void {
    const left = this.#giveUpAt - performance.now()
    if (left <= 0) {
      this.fail(
        new NoResponseError('timeout', `no answer of ${hostPort(this.hop.host, this.hop.port)} in ${transactionMs(this.#owner.timers)} ms`),
      )
      return
    }
    if (this.#way && this.#bytes) {
      this.#owner.sent(this.#bytes, this.#way, this.#host, this.#port)
      this.#way.send(this.#bytes, this.#host, this.#port)
      const { t2Ms } = this.#owner.timers
      this.#interval = this.#state === 'proceeding' ? t2Ms : Math.min(this.#interval * 2, t2Ms)
      this.#owner.wheel.start(this, Math.min(this.#interval, left))
    } else this.#owner.wheel.start(this, left)
  }

  /**
   * There is no Timer K: a response that comes again finds no transaction and is dropped, which is all that Completed would do with it (§17.1.2.2).
   * Kept for T4, requests and responses would live long enough for the garbage collector to take twice the time of the message.
   */
  #complete(): void {
    this.#way?.forget(this)
    this.#state = 'completed'
    this.#owner.wheel.stop(this)
    this.#owner.forget(this)
    this.#owner.settled()
  }
}
