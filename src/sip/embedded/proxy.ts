/**
 * The stateful proxy (RFC 3261 §16): what `Serve` forwards, and what comes later in the dialogs that began so. It keeps nothing of a dialog: its Record-Route
 * says where each side is.
 */
import { unbracketed } from '../../address/ip-literal.ts'
import type { Log } from '../../log/log.ts'
import { response, SipRequest, type SipResponse } from '../message.ts'
import { tagOf } from '../name-addr.ts'
import { Forward, type NextHop, NoResponseError, type Received, type Transport } from '../port.ts'
import type { ClientTransactions } from './client.ts'
import type { Limits } from './limits.ts'
import { bestOf } from './proxy-best.ts'
import { type Caller, ProxyCall } from './proxy-call.ts'
import { breadthOf, copyFor, setRoutes, uriOf } from './proxy-copy.ts'
import { type DialogRoutes, hopOnSide } from './record-route.ts'
import type { TransportLayer } from './transport.ts'

/** What opens a dialog that we want to stay in (RFC 3261 §16.6 step 4, RFC 6665 §4.2, RFC 3515). */
const OPENS_DIALOG = new Set(['INVITE', 'SUBSCRIBE', 'REFER'])
const DEFAULT_MAX_FORWARDS = 70

export class StatefulProxy {
  readonly #client: ClientTransactions
  readonly #routes: DialogRoutes
  readonly #layers: ReadonlyMap<Transport, TransportLayer>
  readonly #limits: Limits
  readonly #log: Log
  readonly #ringing = new Set<ProxyCall>()

  constructor(client: ClientTransactions, routes: DialogRoutes, layers: ReadonlyMap<Transport, TransportLayer>, limits: Limits, log: Log) {
    this.#client = client
    this.#routes = routes
    this.#layers = layers
    this.#limits = limits
    this.#log = log
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
    return this.#routes.sideOf(uri, headers.get('call-id') ?? '') !== undefined
  }

  /** §16.4: our own routes are taken off; the last of them says which side it is for. */
  route(request: SipRequest): SipResponse | Forward {
    const callId = request.headers.get('call-id') ?? ''
    const routes = request.headers.values('route')
    let { uri } = request
    if (this.#routes.sideOf(uri, callId)) {
      // A strict router before us put its next hop, which we are, where the Request-URI was.
      routes.unshift(`<${uri}>`)
      uri = uriOf(routes.pop() ?? '') ?? uri
    }
    let side: NextHop | undefined
    while (routes.length > 0) {
      const next = this.#routes.sideOf(uriOf(routes[0] ?? '') ?? '', callId)
      if (!next) break
      side = next
      routes.shift()
    }
    if (!side) return response(403, 'No such route leads through here')
    const hops = Number(request.headers.get('max-forwards') ?? DEFAULT_MAX_FORWARDS)
    if (hops <= 0) return response(483)
    const hop = hopOnSide(side, uriOf(routes[0] ?? '') ?? uri, (one) => this.#isAlive(one))
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
      this.#client.pass(copyFor(forward.request, branch, [], breadthOf(forward.request)), branch.hop)
    } catch (cause) {
      if (!(cause instanceof NoResponseError)) throw cause
      this.#client.noteFailed(branch.hop, cause)
    }
  }

  /** Why this cannot be forwarded at all. */
  refusalOf({ request, branches }: Forward): SipResponse | undefined {
    if (branches.length === 0) return response(480)
    // RFC 5393 §5.3.3.1: forks of forks stay within what the first one was given.
    return branches.length > breadthOf(request) ? response(440) : undefined
  }

  call(forward: Forward, received: Received, caller: Caller): ProxyCall {
    const { ringingMs } = this.#limits
    const call = new ProxyCall(caller, this.#copies(forward, received), this.#client, ringingMs, (one) => this.#ringing.delete(one))
    this.#ringing.add(call)
    return call
  }

  /** The best of what all say, a 2xx at once; undefined where nobody says anything: too late for a 408 (RFC 4320 §4.2). */
  async relay(forward: Forward, received: Received): Promise<SipResponse | undefined> {
    const sent = this.#copies(forward, received).map(({ request, hop }) => this.#client.send(request, hop))
    const accepted = sent.map(async (one) => {
      const answer = await one
      if (answer.status >= 300) throw new Error('refused')
      return answer
    })
    try {
      return await Promise.any(accepted)
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

  #copies({ request, branches }: Forward, received: Received): { readonly request: SipRequest; readonly hop: NextHop }[] {
    const callId = request.headers.get('call-id') ?? ''
    const opens = OPENS_DIALOG.has(request.method) && tagOf(request.headers.get('to') ?? '') === undefined
    const breadth = Math.floor(breadthOf(request) / branches.length)
    const towardsCaller = opens ? this.#routes.fieldFor(received.from, received.local, callId) : ''
    return branches.map((branch) => {
      const { hop } = branch
      const records = opens ? [this.#routes.fieldFor(hop, this.#localFor(hop, received.local), callId), towardsCaller] : []
      return { request: copyFor(request, branch, records, breadth), hop }
    })
  }

  #localFor(hop: NextHop, otherwise: NextHop): NextHop {
    try {
      return this.#layers.get(hop.transport)?.localFor(unbracketed(hop.host), hop.flow) ?? otherwise
    } catch (cause) {
      if (cause instanceof NoResponseError) return otherwise // nothing can be sent there either, which the branch will say
      throw cause
    }
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
