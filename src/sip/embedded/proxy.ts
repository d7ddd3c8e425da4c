/**
 * The stateful proxy (RFC 3261 §16): what `Serve` forwards, and what comes later in the dialogs that began so. It keeps nothing of a dialog: its Record-Route
 * says where each side is.
 */
import { unbracketed } from '../../address/ip-literal.ts'
import type { Log } from '../../log/log.ts'
import { response, SipRequest, type SipResponse } from '../message.ts'
import { tagOf } from '../name-addr.ts'
import { type Branch, type CallWatch, Forward, type NextHop, NoResponseError, type Received, type Transport } from '../port.ts'
import { CallWatches } from './call-watches.ts'
import type { ClientTransactions } from './client.ts'
import type { Limits } from './limits.ts'
import { bestOf } from './proxy-best.ts'
import { type Caller, type CallFollower, type CallOwner, ProxyCall } from './proxy-call.ts'
import { Copier, type Copying } from './proxy-copier.ts'
import { breadthOf, copyFor, setRoutes, uriOf } from './proxy-copy.ts'
import { type DialogRoutes, hopOnSide } from './record-route.ts'
import { askForTimer, timerRefusal } from './session-timer.ts'
import type { TransportLayer } from './transport.ts'
import { Refreshed } from './watched-call.ts'

const DEFAULT_MAX_FORWARDS = 70

export class StatefulProxy implements CallOwner, Copying {
  readonly client: ClientTransactions
  readonly routes: DialogRoutes
  readonly limits: Limits
  readonly #layers: ReadonlyMap<Transport, TransportLayer>
  readonly #log: Log
  readonly #ringing = new Set<ProxyCall>()
  readonly #watches: CallWatches

  constructor(client: ClientTransactions, routes: DialogRoutes, layers: ReadonlyMap<Transport, TransportLayer>, limits: Limits, log: Log) {
    this.client = client
    this.routes = routes
    this.limits = limits
    this.#layers = layers
    this.#log = log
    this.#watches = new CallWatches(client, limits, log, (side, uri) => this.#hopOn(side, uri))
  }

  /** Calls that somebody is told of. */
  get watched(): number {
    return this.#watches.size
  }

  watch(watch: CallWatch): void {
    this.#watches.listen(watch)
  }

  /** Calls that may still be answered. */
  get ringing(): number {
    return this.#ringing.size
  }

  /** Of a dialog, and sent by the way of its routes: never served here. */
  isInDialog({ uri, headers }: SipRequest): boolean {
    if (tagOf(headers.get('to') ?? '') === undefined) return false
    const routes = headers.values('route')
    // One that names no user is the outbound proxy of a telephone, which we are: its dialog is with whoever serves.
    if (routes.length > 1 || (routes[0] !== undefined && uriOf(routes[0])?.includes('@') !== false)) return true
    return this.routes.sideOf(uri, headers.get('call-id') ?? '') !== undefined
  }

  /** §16.4: our own routes are taken off; the last of them says which side it is for. */
  route(request: SipRequest): SipResponse | Forward {
    const callId = request.headers.get('call-id') ?? ''
    const routes = request.headers.values('route')
    let { uri } = request
    if (this.routes.sideOf(uri, callId)) {
      // A strict router before us put its next hop, which we are, where the Request-URI was.
      routes.unshift(`<${uri}>`)
      uri = uriOf(routes.pop() ?? '') ?? uri
    }
    let side: NextHop | undefined
    while (routes.length > 0) {
      const next = this.routes.sideOf(uriOf(routes[0] ?? '') ?? '', callId)
      if (!next) break
      side = next
      routes.shift()
    }
    if (!side) return response(403, 'No such route leads through here')
    const hops = Number(request.headers.get('max-forwards') ?? DEFAULT_MAX_FORWARDS)
    if (hops <= 0) return response(483)
    this.#watches.of(request)?.passes(request)
    const hop = this.#hopOn(side, uriOf(routes[0] ?? '') ?? uri)
    if (!hop) return response(430)
    const headers = request.headers.copy()
    headers.set('Max-Forwards', String(hops - 1))
    setRoutes(headers, routes)
    return new Forward(new SipRequest(request.method, uri, headers, request.body), [{ uri, route: [], hop }])
  }

  /** The ACK of a 2xx; nobody answers it, whatever becomes of it. */
  acknowledge(request: SipRequest): void {
    const forward = this.route(request)
    const branch = forward instanceof Forward ? forward.branches[0] : undefined
    if (!(forward instanceof Forward) || !branch) {
      this.#log.lowLevel({ what: 'sip_ack_dropped', why: 'no route of ours' })
      return
    }
    try {
      this.client.pass(copyFor(forward.request, branch, [], breadthOf(forward.request)), branch.hop)
    } catch (cause) {
      if (!(cause instanceof NoResponseError)) throw cause
      this.client.noteFailed(branch.hop, cause)
    }
  }

  /** Why this cannot be forwarded at all. */
  refusalOf(forward: Forward): SipResponse | undefined {
    const { request, branches } = forward
    if (branches.length === 0) return response(480)
    // RFC 5393 §5.3.3.1: forks of forks stay within what the first one was given.
    if (branches.length > breadthOf(request)) return response(440)
    return this.#watches.concerns(forward) ? timerRefusal(request) : undefined
  }

  call(forward: Forward, received: Received, caller: Caller): ProxyCall {
    const call = new ProxyCall(caller, new Copier(this, forward, received), this, this.#followerOf(forward, received))
    this.#ringing.add(call)
    return call
  }

  ended(call: ProxyCall): void {
    this.#ringing.delete(call)
  }

  mistaken(cause: unknown): void {
    this.#log.failure({ what: 'sip_forward_failed', cause })
  }

  /** The best of what all say, a 2xx at once; undefined where nobody says anything: too late for a 408 (RFC 4320 §4.2). */
  async relay(forward: Forward, received: Received): Promise<SipResponse | undefined> {
    const copier = new Copier(this, forward, received)
    const sent = forward.branches.map((branch) => this.#relayBy(branch, copier))
    const accepted = sent.map(async (one) => {
      const answer = await one
      if (answer.status >= 300) throw new Error('refused')
      return answer
    })
    try {
      const answer = await Promise.any(accepted)
      const watched = forward.request.method === 'UPDATE' ? this.#watches.of(forward.request) : undefined
      return watched?.refreshed(forward.request, answer) ?? answer
    } catch {
      return this.#bestOf(await Promise.allSettled(sent))
    }
  }

  /** Telephones stop ringing, and callers hear why. */
  drain(): void {
    for (const call of [...this.#ringing]) call.giveUp(503)
  }

  stop(): void {
    this.#ringing.clear()
    this.#watches.close()
  }

  #bestOf(outcomes: readonly PromiseSettledResult<SipResponse>[]): SipResponse | undefined {
    const said: SipResponse[] = []
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') said.push(outcome.value)
      else if (!(outcome.reason instanceof NoResponseError)) throw outcome.reason
      else if (outcome.reason.why === 'transport') said.push(response(503))
    }
    return said.length === 0 ? undefined : bestOf(said)
  }

  /** One place after the other, as long as nobody is there (RFC 3263 §4.3, RFC 5626 §7). */
  async #relayBy(branch: Branch, copier: Copier): Promise<SipResponse> {
    const { guide } = copier.forward
    const [next, ...others] = branch.others ?? []
    const goOn = (): Promise<SipResponse> | undefined => next && this.#relayBy({ ...next, others }, copier)
    try {
      const said = await this.client.send(copier.copy(branch, copier.breadth), branch.hop)
      if (said.status !== 430 && (said.status !== 503 || branch.aor !== undefined)) return said
      guide?.failed?.(branch, said)
      return (await goOn()) ?? said
    } catch (cause) {
      if (!(cause instanceof NoResponseError)) throw cause
      guide?.failed?.(branch, cause.why)
      const another = goOn()
      if (another) return another
      throw cause
    }
  }

  #followerOf(forward: Forward, received: Received): CallFollower | undefined {
    const { request } = forward
    if (!this.#watches.concerns(forward)) {
      const within = this.#watches.of(request)
      return within && new Refreshed(within, request)
    }
    const watched = this.#watches.begin(forward, received)
    if (watched) askForTimer(request)
    return watched
  }

  localFor(hop: NextHop, otherwise: NextHop): NextHop {
    try {
      return this.#layers.get(hop.transport)?.localFor(unbracketed(hop.host), hop.flow) ?? otherwise
    } catch (cause) {
      if (cause instanceof NoResponseError) return otherwise // nothing can be sent there either, which the branch will say
      throw cause
    }
  }

  #hopOn(side: NextHop, uri: string): NextHop | undefined {
    return hopOnSide(side, uri, (one) => this.#isAlive(one))
  }

  #isAlive(hop: NextHop): boolean {
    if (hop.flow === undefined) return false
    try {
      return this.#layers.get(hop.transport)?.wayTo(hop.host, hop.port, hop.flow).isOpen ?? false
    } catch (cause) {
      if (cause instanceof NoResponseError) return false
      throw cause
    }
  }
}
