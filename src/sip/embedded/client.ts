/** Requests of ours: sent, sent again until somebody answers, given up (RFC 3261 §17.1.2). */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Log } from '../../log/log.ts'
import { print } from '../codec.ts'
import { parseCSeq } from '../cseq.ts'
import { newBranch } from '../identifier.ts'
import type { SipRequest, SipResponse } from '../message.ts'
import { type NextHop, NoResponseError, type Transport } from '../port.ts'
import { SipSyntaxError } from '../syntax-error.ts'
import { DATAGRAM_MAX_BYTES, type Limits, UDP_REQUEST_MAX_BYTES, WITHOUT_TCP_MS } from './limits.ts'
import { type Timers, transactionMs } from './timers.ts'
import { traceSent } from './trace.ts'
import { hostPort, type Sender, type TransportLayer, type Way } from './transport.ts'
import { topVia } from './vitals.ts'
import { Timed, type Wheel } from './wheel.ts'

export class ClientTransactions {
  readonly wheel: Wheel
  readonly timers: Timers
  readonly #transports: ReadonlyMap<Transport, TransportLayer>
  readonly #limits: Limits
  readonly #log: Log
  readonly #byBranch = new Map<string, ClientTransaction>()
  /** Addresses that refused TCP, and until when that is believed. */
  readonly #withoutTcp = new Map<string, number>()
  #waitingCount = 0
  #whyStopped: string | undefined
  #quiet: (() => void) | undefined

  constructor(transports: ReadonlyMap<Transport, TransportLayer>, wheel: Wheel, timers: Timers, limits: Limits, log: Log) {
    this.#transports = transports
    this.wheel = wheel
    this.timers = timers
    this.#limits = limits
    this.#log = log
  }

  /** Requests without a final response yet. */
  get waitingCount(): number {
    return this.#waitingCount
  }

  send(request: SipRequest, hop: NextHop): Promise<SipResponse> {
    // An INVITE needs more than this (§17.1.1), ACK and CANCEL belong to one.
    if (/^(?:INVITE|ACK|CANCEL)$/.test(request.method)) return Promise.reject(new Error(`${request.method} is not sent by this stack`))
    if (this.#whyStopped !== undefined) return Promise.reject(new NoResponseError('transport', this.#whyStopped))
    if (this.#waitingCount >= this.#limits.sentAtOnceMax) {
      return Promise.reject(new NoResponseError('transport', `more than ${this.#limits.sentAtOnceMax} requests wait for an answer`))
    }
    return new Promise((resolve, reject) => {
      const transaction = new ClientTransaction(this, request, hop, resolve, reject)
      this.#waitingCount++
      this.#byBranch.set(transaction.branch, transaction)
      this.wheel.start(transaction, transactionMs(this.timers))
      if (isIP(hop.host) !== 0) this.#launch(transaction, hop.host)
      else this.#resolve(transaction, hop)
    })
  }

  receive(response: SipResponse, host: string): void {
    const transaction = this.#transactionOf(response)
    if (!transaction) this.#log.lowLevel({ what: 'sip_response_dropped', why: 'no transaction', status: response.status, from: host })
    else if (response.status < 200) transaction.provisional()
    else transaction.final(response)
  }

  /** Bytes and way for this transaction; throws what `send` rejects with. */
  dispatch(transaction: ClientTransaction, host: string): void {
    const { request, hop, branch } = transaction
    const { port, flow } = hop
    if (hop.transport === 'udp' && !transaction.isWithoutTcp && !this.#isWithoutTcp(hostPort(host, port))) {
      const bytes = this.#print(request, 'udp', host, flow, branch)
      // §18.1.1. The connection that is asked for is not the flow, which is a socket of UDP.
      if (bytes.length > UDP_REQUEST_MAX_BYTES && this.#transports.has('tcp')) {
        const way = this.#layer('tcp').wayTo(host, port, undefined)
        transaction.begin(way, host, port, this.#print(request, 'tcp', host, undefined, branch))
      } else transaction.begin(this.#layer('udp').wayTo(host, port, flow), host, port, bytes)
      return
    }
    const way = this.#layer(hop.transport).wayTo(host, port, flow)
    transaction.begin(way, host, port, this.#print(request, hop.transport, host, flow, branch))
  }

  sent(bytes: Buffer, way: Way, host: string, port: number): void {
    traceSent(this.#log, bytes, way, host, port)
  }

  noteWithoutTcp(host: string, port: number): void {
    if (this.#withoutTcp.size >= this.#limits.withoutTcpMax) this.#withoutTcp.clear()
    this.#withoutTcp.set(hostPort(host, port), performance.now() + WITHOUT_TCP_MS)
    this.#log.lowLevel({ what: 'sip_without_tcp', peer: hostPort(host, port) })
  }

  /** It has its answer, or never will. */
  settled(): void {
    this.#waitingCount--
    if (this.#waitingCount === 0) this.#quiet?.()
  }

  forget(transaction: ClientTransaction): void {
    this.#byBranch.delete(transaction.branch)
  }

  /** Nothing more is sent; `quiet` is called when nothing is waited for. */
  drain(quiet: () => void): void {
    this.#whyStopped = 'the stack is stopping'
    this.#quiet = quiet
    if (this.#waitingCount === 0) quiet()
  }

  stop(): void {
    this.#quiet = undefined
    const cause = new NoResponseError('transport', 'the stack was stopped')
    for (const transaction of [...this.#byBranch.values()]) transaction.fail(cause)
    for (const transaction of this.#byBranch.values()) this.wheel.stop(transaction)
    this.#byBranch.clear()
  }

  #launch(transaction: ClientTransaction, host: string): void {
    try {
      this.dispatch(transaction, host)
    } catch (cause) {
      transaction.fail(cause)
    }
  }

  #resolve(transaction: ClientTransaction, hop: NextHop): void {
    const host = hop.host.startsWith('[') ? hop.host.slice(1, -1) : hop.host
    if (isIP(host) !== 0) {
      this.#launch(transaction, host)
      return
    }
    lookup(host, { all: true }).then(
      (found) => {
        if (transaction.isWaiting) this.#launch(transaction, this.#bestOf(found, hop))
      },
      (cause: unknown) =>
        transaction.fail(new NoResponseError('transport', `${host}: ${cause instanceof Error ? cause.message : 'no address'}`)),
    )
  }

  /** The first that we have a socket for. */
  #bestOf(found: readonly { readonly address: string }[], hop: NextHop): string {
    for (const { address } of found) {
      try {
        this.#layer(hop.transport).localFor(address, hop.flow)
        return address
      } catch (cause) {
        if (!(cause instanceof NoResponseError)) throw cause
      }
    }
    return found[0]?.address ?? hop.host
  }

  #transactionOf(response: SipResponse): ClientTransaction | undefined {
    const field = response.headers.get('via')
    const cseq = response.headers.get('cseq')
    if (field === undefined || cseq === undefined) return undefined
    try {
      // §17.1.3. That sent-by is ours (§18.1.2) need not be asked: nobody can guess the branch.
      const transaction = this.#byBranch.get(topVia(field).branch ?? '')
      return transaction && parseCSeq(cseq).method === transaction.request.method ? transaction : undefined
    } catch (cause) {
      if (cause instanceof SipSyntaxError) return undefined // malformed responses are dropped (RFC 4475 §3.1.2.5)
      throw cause
    }
  }

  #layer(transport: Transport): TransportLayer {
    const layer = this.#transports.get(transport)
    if (!layer) throw new NoResponseError('transport', `no ${transport} is configured`)
    return layer
  }

  #print(request: SipRequest, transport: Transport, host: string, flow: string | undefined, branch: string): Buffer {
    const local = this.#layer(transport).localFor(host, flow)
    return print(request, `SIP/2.0/${transport.toUpperCase()} ${hostPort(local.host, local.port)};branch=${branch};rport`)
  }

  #isWithoutTcp(peer: string): boolean {
    if (this.#withoutTcp.size === 0) return false
    const until = this.#withoutTcp.get(peer)
    if (until === undefined) return false
    if (until > performance.now()) return true
    this.#withoutTcp.delete(peer)
    return false
  }
}

type State = 'starting' | 'trying' | 'proceeding' | 'completed'

class ClientTransaction extends Timed implements Sender {
  readonly branch = newBranch()
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
    if (!this.isWaiting) return // the same response once more, Timer K
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
    if (this.#state === 'completed') {
      this.#owner.forget(this)
      return
    }
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

  #complete(): void {
    const isReliable = this.#way?.isReliable ?? true
    this.#way?.forget(this)
    this.#state = 'completed'
    this.#bytes = undefined
    this.#way = undefined
    if (isReliable) {
      this.#owner.wheel.stop(this)
      this.#owner.forget(this)
    } else this.#owner.wheel.start(this, this.#owner.timers.t4Ms)
    this.#owner.settled()
  }
}
