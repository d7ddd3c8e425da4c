/** Requests of ours: by which transport each goes, and whose answer a response is (RFC 3261 §17.1.3, §18.1). */

import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { unbracketed } from '../../address/ip-literal.ts'
import type { Log } from '../../log/log.ts'
import { print } from '../codec.ts'
import { parseCSeq } from '../cseq.ts'
import { newBranch } from '../identifier.ts'
import type { SipRequest, SipResponse } from '../message.ts'
import { type NextHop, NoResponseError, type Transport } from '../port.ts'
import { SipSyntaxError } from '../syntax-error.ts'
import type { Aftermath } from './aftermath.ts'
import { ClientTransaction } from './client-transaction.ts'
import { InviteClient, type InviteUser } from './invite-client.ts'
import { type Limits, UDP_REQUEST_MAX_BYTES, WITHOUT_TCP_MS } from './limits.ts'
import { Retained } from './retained.ts'
import { type Timers, transactionMs } from './timers.ts'
import { traceSent } from './trace.ts'
import { hostPort, type TransportLayer, type Way } from './transport.ts'
import { topVia } from './vitals.ts'
import type { Wheel } from './wheel.ts'

export class ClientTransactions {
  readonly wheel: Wheel
  readonly timers: Timers
  readonly #transports: ReadonlyMap<Transport, TransportLayer>
  readonly #limits: Limits
  readonly #log: Log
  readonly #byBranch = new Map<string, ClientTransaction>()
  readonly #invites = new Map<string, InviteClient>()
  readonly #answered: Retained<Aftermath>
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
    this.#answered = new Retained(wheel, transactionMs(timers), limits.answeredMax)
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

  /** Calls that go on from here, until their transactions are over. */
  get inviteCount(): number {
    return this.#invites.size + this.#answered.size
  }

  /** An INVITE of the proxy's; what is said to it, the user hears. It goes by the hop's transport whatever its size: a telephone that registered over UDP is there. */
  invite(request: SipRequest, hop: NextHop, user: InviteUser): InviteClient {
    const invite = new InviteClient(this, request, hop, user)
    this.#invites.set(invite.branch, invite)
    return invite
  }

  launchInvite(invite: InviteClient): void {
    const { request, hop, branch } = invite
    try {
      if (this.#whyStopped !== undefined) throw new NoResponseError('transport', this.#whyStopped)
      const layer = this.#layer(hop.transport)
      const host = unbracketed(hop.host)
      const way = layer.wayTo(host, hop.port, hop.flow, hop.name ?? host)
      const via = this.#via(layer, host, hop.flow, branch)
      invite.begin(way, host, hop.port, print(request, via), via)
    } catch (cause) {
      if (!(cause instanceof NoResponseError)) this.#log.failure({ what: 'sip_forward_failed', cause })
      else this.noteFailed(hop, cause)
      invite.fail('transport')
    }
  }

  /** Its answer says nothing that the INVITE's does not. */
  cancel(invite: InviteClient, cancel: SipRequest, via: string, way: Way, host: string, port: number): void {
    const transaction = new ClientTransaction(this, cancel, invite.hop, ignore, ignore, invite.branch)
    this.#waitingCount++
    this.#byBranch.set(transaction.branch, transaction)
    this.wheel.start(transaction, transactionMs(this.timers))
    try {
      transaction.begin(way, host, port, print(cancel, via))
    } catch (cause) {
      transaction.fail(cause)
    }
  }

  /** Without a transaction: the ACK of an INVITE of ours. */
  sendBeside(bytes: Buffer, way: Way, host: string, port: number): void {
    traceSent(this.#log, bytes, way, host, port)
    way.send(bytes, host, port)
  }

  /** Without a transaction: the ACK of a 2xx, on its way from end to end (§16.11). Throws NoResponseError. */
  pass(request: SipRequest, hop: NextHop): void {
    const layer = this.#layer(hop.transport)
    const host = unbracketed(hop.host)
    const bytes = print(request, this.#via(layer, host, hop.flow, newBranch()))
    this.sendBeside(bytes, layer.wayTo(host, hop.port, hop.flow, hop.name ?? host), host, hop.port)
  }

  noteFailed(hop: NextHop, cause: Error): void {
    this.#log.problem({ what: 'sip_forward_failed', to: hostPort(hop.host, hop.port), transport: hop.transport, error: cause.message })
  }

  forgetInvite(invite: InviteClient): void {
    this.#invites.delete(invite.branch)
  }

  keepAnswered(branch: string, aftermath: Aftermath): void {
    this.#answered.add(branch, aftermath, 1)
  }

  receive(response: SipResponse, host: string): void {
    const invite = this.#inviteOf(response)
    if (invite) {
      if (invite instanceof InviteClient) invite.receive(response)
      else invite.again(response)
      return
    }
    const transaction = this.#transactionOf(response)
    if (!transaction) this.#log.lowLevel({ what: 'sip_response_dropped', why: 'no transaction', status: response.status, from: host })
    else if (response.status < 200) transaction.provisional()
    else transaction.final(response)
  }

  /** Bytes and way for this transaction; throws what `send` rejects with. */
  dispatch(transaction: ClientTransaction, host: string): void {
    const { request, hop, branch } = transaction
    const { transport, port, flow } = hop
    const layer = this.#layer(transport)
    const bytes = this.#print(request, layer, host, flow, branch)
    if (transport === 'udp' && bytes.length > UDP_REQUEST_MAX_BYTES && this.#mayHaveTcp(transaction, host)) {
      // §18.1.1. The flow is a socket of UDP, so the connection is another one.
      const tcp = this.#layer('tcp')
      transaction.begin(tcp.wayTo(host, port, undefined), host, port, this.#print(request, tcp, host, undefined, branch))
    } else transaction.begin(layer.wayTo(host, port, flow, hop.name ?? hop.host), host, port, bytes)
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
    for (const invite of [...this.#invites.values()]) invite.drop()
    this.#answered.clear()
  }

  #launch(transaction: ClientTransaction, host: string): void {
    try {
      this.dispatch(transaction, host)
    } catch (cause) {
      transaction.fail(cause)
    }
  }

  #resolve(transaction: ClientTransaction, hop: NextHop): void {
    const host = unbracketed(hop.host)
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

  #inviteOf(response: SipResponse): InviteClient | Aftermath | undefined {
    if (this.inviteCount === 0) return undefined
    try {
      const branch = topVia(response.headers.get('via') ?? '').branch ?? ''
      const invite = this.#invites.get(branch) ?? this.#answered.get(branch)
      return invite && parseCSeq(response.headers.get('cseq') ?? '').method === 'INVITE' ? invite : undefined
    } catch (cause) {
      if (cause instanceof SipSyntaxError) return undefined
      throw cause
    }
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

  #print(request: SipRequest, layer: TransportLayer, host: string, flow: string | undefined, branch: string): Buffer {
    return print(request, this.#via(layer, host, flow, branch))
  }

  #via(layer: TransportLayer, host: string, flow: string | undefined, branch: string): string {
    const local = layer.localFor(host, flow)
    return `SIP/2.0/${layer.transport.toUpperCase()} ${hostPort(local.host, local.port)};branch=${branch};rport`
  }

  #mayHaveTcp(transaction: ClientTransaction, host: string): boolean {
    if (transaction.isWithoutTcp || !this.#transports.has('tcp')) return false
    if (this.#withoutTcp.size === 0) return true
    const peer = hostPort(host, transaction.hop.port)
    const until = this.#withoutTcp.get(peer)
    if (until === undefined) return true
    if (until > performance.now()) return false
    this.#withoutTcp.delete(peer)
    return true
  }
}

function ignore(): void {}
