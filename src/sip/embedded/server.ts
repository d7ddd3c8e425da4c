/** Requests from the wire: checked, recognised when they come again, served once, answered (RFC 3261 §8.2, §17.2). */
import type { Log } from '../../log/log.ts'
import { print, type SipParseError } from '../codec.ts'
import { withEcho } from '../echo.ts'
import { newTag } from '../identifier.ts'
import { response, type SipRequest, SipResponse } from '../message.ts'
import { Forward, type Received, type Serve } from '../port.ts'
import { SipSyntaxError } from '../syntax-error.ts'
import type { Via } from '../via.ts'
import { type Aftermath, CONFIRMED } from './aftermath.ts'
import { InviteTransaction } from './invite.ts'
import { DATAGRAM_MAX_BYTES, INVITE_SERVED_MS, type Limits } from './limits.ts'
import type { StatefulProxy } from './proxy.ts'
import { comeBackLater, isServedScheme, sameTag } from './refusal.ts'
import { Retained, weightOf } from './retained.ts'
import { completeVia, guessedPath, pathForRefusal, type ReturnPath, returnPath } from './return-path.ts'
import { Seldom } from './seldom.ts'
import { Serving } from './serving.ts'
import { type Timers, transactionMs } from './timers.ts'
import { traceSent } from './trace.ts'
import { keyOf } from './transaction-key.ts'
import type { Way } from './transport.ts'
import { faultIn, topVia, Vitals } from './vitals.ts'
import type { Wheel } from './wheel.ts'

/** Another connection to where a response must go, if the one its request came by is gone (§18.2.2). */
export type Reopen = (way: Way, host: string, port: number) => Way

export class ServerTransactions {
  readonly wheel: Wheel
  readonly timers: Timers
  readonly #serve: Serve
  readonly #limits: Limits
  readonly #log: Log
  readonly #reopen: Reopen
  readonly #proxy: StatefulProxy
  readonly #retained: Retained<Buffer>
  /** INVITEs that have their answer. */
  readonly #answered: Retained<Aftermath>
  /** The requests whose answer is awaited. */
  readonly #serving = new Map<string, Serving>()
  readonly #invites = new Map<string, InviteTransaction>()
  readonly #overloads = new Seldom()
  #isDraining = false
  #quiet: (() => void) | undefined

  constructor(serve: Serve, wheel: Wheel, timers: Timers, limits: Limits, log: Log, reopen: Reopen, proxy: StatefulProxy) {
    this.#serve = serve
    this.wheel = wheel
    this.timers = timers
    this.#limits = limits
    this.#log = log
    this.#reopen = reopen
    this.#proxy = proxy
    this.#retained = new Retained(wheel, transactionMs(timers), limits.retainedMaxBytes)
    this.#answered = new Retained(wheel, transactionMs(timers), limits.answeredMax)
  }

  /** Requests that are being served. */
  get servingCount(): number {
    return this.#serving.size
  }

  /** Responses that are kept for requests that come again. */
  get retainedCount(): number {
    return this.#retained.size
  }

  /** INVITE transactions, until their last timer. */
  get inviteCount(): number {
    return this.#invites.size + this.#answered.size
  }

  receive(request: SipRequest, way: Way, host: string, port: number): void {
    const { list } = request.headers
    const vitals = new Vitals(list)
    if (vitals.via < 0) {
      this.#log.lowLevel({ what: 'sip_request_dropped', why: 'no Via', from: host })
      return
    }
    const via = this.#readVia(request, vitals, way, host, port)
    if (!via) return
    completeVia(request, vitals.via, via, host, port)
    const path = returnPath(way, via, host, port)
    const fault = faultIn(request, vitals)
    if (fault !== undefined) this.#refuse(request, path, response(400, fault))
    else if (request.method === 'ACK') this.#acknowledge(request, via)
    else this.#takeUp(request, keyOf(request, via, request.method), via, path, host, port)
  }

  /** Of a refusal it ends here; of a 2xx it goes on to who gave that (§16.11). */
  #acknowledge(request: SipRequest, via: Via): void {
    const key = keyOf(request, via, 'INVITE')
    const invite = this.#invites.get(key)
    if (invite) invite.acknowledge()
    else if (this.#answered.get(key) !== CONFIRMED && this.#proxy.isInDialog(request)) this.#proxy.acknowledge(request)
  }

  /** What the codec refused, answered if it is known to whom. */
  refuseBroken(error: SipParseError, way: Way, host: string, port: number): void {
    const { request } = error
    const field = request?.headers.get('via')
    if (!request || field === undefined) {
      this.#log.lowLevel({ what: 'sip_noise_dropped', why: error.reason, from: host, transport: way.transport })
      return
    }
    this.#refuse(request, pathForRefusal(request, field, way, host, port), response(error.status, error.reason))
  }

  /** New requests are refused from now on; `quiet` is called when nothing is served any more. */
  drain(quiet: () => void): void {
    this.#isDraining = true
    this.#quiet = quiet
    this.#settle()
  }

  stop(): void {
    this.#quiet = undefined
    this.#proxy.stop()
    this.#retained.clear()
    this.#answered.clear()
    for (const invite of this.#invites.values()) this.wheel.stop(invite)
    for (const serving of this.#serving.values()) this.wheel.stop(serving)
    this.#invites.clear()
    this.#serving.clear()
  }

  #readVia(request: SipRequest, vitals: Vitals, way: Way, host: string, port: number): Via | undefined {
    const field = request.headers.list[vitals.via + 1] ?? ''
    try {
      return topVia(field)
    } catch (cause) {
      if (!(cause instanceof SipSyntaxError)) throw cause
      this.#refuse(request, guessedPath(way, field, host, port), response(400, `Malformed Via: ${cause.message}`))
      return undefined
    }
  }

  #takeUp(request: SipRequest, key: string, via: Via, path: ReturnPath, host: string, port: number): void {
    const { way } = path
    if (!way.isReliable) {
      const answered = this.#retained.get(key)
      if (answered) {
        this.sendOn(path, answered)
        return
      }
    }
    const { method } = request
    if (method === 'CANCEL') {
      this.#cancel(request, key, via, path)
      return
    }
    const known = method === 'INVITE' ? this.#invites.get(key) : undefined
    if (known) {
      known.repeat()
      return
    }
    if (this.#serving.has(key) || this.#answered.get(key)) return
    const refusal = this.#refusalOf(request)
    if (refusal) {
      this.#refuse(request, path, refusal)
      return
    }
    const invite = method === 'INVITE' ? new InviteTransaction(this, key, request, path) : undefined
    if (invite) this.#invites.set(key, invite)
    const received: Received = {
      request,
      from: { transport: way.transport, host, port, flow: way.flow },
      local: way.localFor(host),
      identity: way.identity,
    }
    const serving = new Serving(this, key, received, path, invite)
    let answer: ReturnType<Serve>
    try {
      answer = this.#proxy.isInDialog(request) ? this.#proxy.route(request) : this.#serve(received)
    } catch (cause) {
      answer = this.#failure(request, cause)
    }
    if (answer instanceof SipResponse || answer instanceof Forward) this.#answer(serving, answer)
    else this.#await(serving, answer)
  }

  #await(serving: Serving, answer: Promise<SipResponse | Forward | undefined>): void {
    const { key, request, invite } = serving
    this.#serving.set(key, serving)
    this.wheel.start(serving, invite ? INVITE_SERVED_MS : transactionMs(this.timers))
    invite?.wait()
    const done = (given: SipResponse | Forward | undefined) => {
      if (this.#over(key) && given) this.#answer(serving, given)
      this.#settle()
    }
    answer.then(done, (cause: unknown) => done(this.#failure(request, cause)))
  }

  /** Whether it was still being served. */
  #over(key: string): boolean {
    const serving = this.#serving.get(key)
    if (serving) this.wheel.stop(serving)
    return this.#serving.delete(key)
  }

  /** An answer that comes later than this is of no use: who asked has given up, but for a caller, who waits as long as he hears 100. */
  tooSlow(serving: Serving): void {
    const { key, request, path, tag, invite } = serving
    this.#over(key)
    this.#log.problem({ what: 'sip_request_unanswered', method: request.method, from: path.host })
    invite?.answer(this.#print(request, path, tag, response(408)))
    this.#settle()
  }

  #answer(serving: Serving, given: SipResponse | Forward): void {
    if (given instanceof Forward) {
      this.#forward(serving, given)
      return
    }
    const { key, request, path, tag, invite } = serving
    if (invite && isStateless(given.status)) {
      this.#forgetInvite(invite)
      this.#refuse(request, path, given)
      return
    }
    const bytes = this.#print(request, path, tag, given)
    if (invite && given.status >= 300) {
      invite.answer(bytes)
      return
    }
    // A 2xx to an INVITE is repeated by who gave it; here at least for who asks again.
    if (invite) this.#forgetInvite(invite)
    this.sendOn(path, bytes)
    if (!path.way.isReliable) this.#retained.add(key, bytes, weightOf(key, bytes))
  }

  #forward(serving: Serving, forward: Forward): void {
    const { received, invite } = serving
    const refusal = this.#proxy.refusalOf(forward)
    if (refusal) this.#answer(serving, refusal)
    else if (!invite) this.#await(serving, this.#proxy.relay(forward, received))
    else if (!invite.isAnswered) {
      invite.wait()
      invite.call = this.#proxy.call(forward, received, invite)
      invite.call.begin()
    }
  }

  /** What a telephone said, as the caller hears it. */
  printFor({ request, path, tag }: InviteTransaction, said: SipResponse): Buffer {
    if (said.status >= 200) return this.#print(request, path, tag, said)
    return print(withEcho(request, said, tag))
  }

  #print(request: SipRequest, path: ReturnPath, tag: string, own: SipResponse): Buffer {
    try {
      if (own.status < 200) throw new Error(`a provisional response (${own.status}) was given as the answer`)
      const bytes = print(withEcho(request, own, tag))
      if (path.way.isReliable || bytes.length <= DATAGRAM_MAX_BYTES) return bytes
      throw new Error(`a response of ${bytes.length} bytes does not fit into a datagram`)
    } catch (cause) {
      return print(withEcho(request, this.#failure(request, cause), tag))
    }
  }

  /** Our own mistake: told to the log once, and to the peer without details. */
  #failure(request: SipRequest, cause: unknown): SipResponse {
    this.#log.failure({ what: 'sip_serve_failed', method: request.method, cause })
    return response(500)
  }

  /** What is answered before anybody looks at the request itself. */
  #refusalOf(request: SipRequest): SipResponse | undefined {
    if (!isServedScheme(request.uri)) return response(416)
    if (this.#isDraining) return comeBackLater('Stopping')
    const { servedAtOnceMax, invitesMax } = this.#limits
    if (this.#serving.size < servedAtOnceMax && (request.method !== 'INVITE' || this.#invites.size < invitesMax)) return undefined
    if (this.#overloads.mayTell()) this.#log.problem({ what: 'sip_overload', serving: this.#serving.size, invites: this.#invites.size })
    return comeBackLater()
  }

  // §9.2: only an INVITE can be cancelled; the CANCEL has its branch, and has an answer of its own.
  #cancel(request: SipRequest, key: string, via: Via, path: ReturnPath): void {
    const called = keyOf(request, via, 'INVITE')
    const invite = this.#invites.get(called)
    const isKnown = invite !== undefined || this.#answered.get(called) !== undefined
    const bytes = print(withEcho(request, response(isKnown ? 200 : 481), invite?.tag ?? newTag()))
    this.sendOn(path, bytes)
    if (!path.way.isReliable) this.#retained.add(key, bytes, weightOf(key, bytes))
    if (invite?.isAnswered !== false) return
    if (invite.call) {
      invite.call.cancel(request.headers.all('reason'))
      return
    }
    this.#over(invite.key)
    invite.answer(this.#print(invite.request, invite.path, invite.tag, response(487)))
    this.#settle()
  }

  /** Without a transaction: the same request gets the same answer, tag included (§8.2.7). An ACK gets none, whatever is wrong with it. */
  #refuse(request: SipRequest, path: ReturnPath, refusal: SipResponse): void {
    this.#log.lowLevel({
      what: 'sip_request_refused',
      method: request.method,
      status: refusal.status,
      why: refusal.reason,
      from: path.host,
    })
    if (request.method === 'ACK') return
    this.sendOn(path, print(withEcho(request, refusal, sameTag(request))))
  }

  /** The seam to the wire for all responses. */
  sendOn(path: ReturnPath, bytes: Buffer): void {
    let { way } = path
    if (!way.isOpen) {
      try {
        way = this.#reopen(way, path.host, path.port)
      } catch (cause) {
        this.#log.problem({ what: 'sip_response_failed', to: path.host, cause })
        return
      }
    }
    traceSent(this.#log, bytes, way, path.host, path.port)
    way.send(bytes, path.host, path.port)
  }

  /** An INVITE transaction is over, but for this. */
  ended(invite: InviteTransaction, aftermath?: Aftermath): void {
    this.#forgetInvite(invite)
    if (aftermath) this.#answered.add(invite.key, aftermath, 1)
  }

  #forgetInvite(invite: InviteTransaction): void {
    this.wheel.stop(invite)
    if (this.#invites.get(invite.key) === invite) this.#invites.delete(invite.key)
  }

  #settle(): void {
    if (this.#serving.size === 0) this.#quiet?.()
  }
}

/**
 * RFC 3261 §26.3.2.4: a challenge keeps nothing, nor does the refusal of a stranger: a flood of calls that nobody vouches for takes no room. The INVITE that comes again is
 * answered again.
 */
function isStateless(status: number): boolean {
  return status === 401 || status === 403 || status === 407
}
