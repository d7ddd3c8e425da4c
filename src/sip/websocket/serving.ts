/** Requests of the PBX: each in a server transaction of sip.js, served once, answered. */
import { InviteServerTransaction, NonInviteServerTransaction, type UserAgentCore, UserAgentServer } from 'sip.js/lib/core/index.js'
import type { Log } from '../../log/log.ts'
import { print, type SipParseError } from '../codec.ts'
import { withEcho } from '../echo.ts'
import { newTag } from '../identifier.ts'
import { endOfValue } from '../list.ts'
import { response, type SipRequest, SipResponse } from '../message.ts'
import { Forward, type NextHop, type Received, type Serve } from '../port.ts'
import { parseVia } from '../via.ts'
import { MESSAGE_MAX_BYTES, RETRY_AFTER_SECONDS, type WebSocketLimits } from './limits.ts'
import { incomingRequest, ONE_BYTE } from './user-agent.ts'

export interface ServingRooms {
  readonly core: UserAgentCore
  readonly serve: Serve
  /** Our own side, as a contact has it. */
  readonly local: NextHop
  /** Written as it is, with no transaction behind it. */
  write(bytes: Buffer): void
  /** Something was written that a transaction sends. */
  sends(bytes: Buffer): void
  readonly limits: WebSocketLimits
  readonly log: Log
}

const RETRY_AFTER = [['Retry-After', String(RETRY_AFTER_SECONDS)]] as const

export class Serving {
  readonly #rooms: ServingRooms
  readonly #exchanges = new Set<Exchange>()
  #isDraining = false
  #quiet: (() => void) | undefined

  constructor(rooms: ServingRooms) {
    this.#rooms = rooms
  }

  get servingCount(): number {
    return this.#exchanges.size
  }

  /** Throws SipSyntaxError where there is no way back. `from`: the PBX; `identity`: what its certificate proves. */
  take(request: SipRequest, from: NextHop, identity: readonly string[] | undefined): void {
    const { core, local } = this.#rooms
    const { branch, hasUniqueBranch } = parseVia(request.headers.values('via')[0] ?? '')
    completeVia(request, from)
    const known = branch === undefined ? undefined : core.userAgentServers.get(branch)
    if (request.method === 'CANCEL') {
      // RFC 3261 §9.2. What it is for is about to be answered anyway: nobody is rung here.
      this.#say(request, known ? response(200) : response(481))
      return
    }
    if (known && branch !== undefined) known.transaction.receiveRequest(incomingRequest(request, branch))
    else if (request.method !== 'ACK') {
      const refusal = hasUniqueBranch ? this.#refusalOf(request) : response(400, 'The branch of its Via is none of RFC 3261')
      if (refusal || branch === undefined) this.#say(request, refusal ?? response(400))
      else this.#serve({ request, from, local, ...(identity === undefined ? {} : { identity }) }, branch)
    }
  }

  /** What the codec refused, answered where it is known to whom. */
  refuseBroken({ request, status, reason }: SipParseError, from: NextHop): void {
    if (!request?.headers.has('via') || request.method === 'ACK') {
      this.#rooms.log.lowLevel({ what: 'sip_noise_dropped', why: reason, from: from.host, transport: from.transport })
      return
    }
    completeVia(request, from)
    this.#say(request, response(status, reason))
  }

  /** Whom a lost connection brought requests gets no answer any more. */
  lost(): void {
    const { core } = this.#rooms
    for (const server of core.userAgentServers.values()) server.dispose()
    core.userAgentServers.clear()
    for (const exchange of [...this.#exchanges]) exchange.end()
  }

  /** New requests are refused from now on; `quiet` is called when nothing is served any more. */
  drain(quiet: () => void): void {
    this.#isDraining = true
    this.#quiet = quiet
    if (this.#exchanges.size === 0) quiet()
  }

  settled(exchange: Exchange): void {
    this.#exchanges.delete(exchange)
    if (this.#exchanges.size === 0) this.#quiet?.()
  }

  /** Our own mistake: told to the log once, and to the PBX without details. */
  failure(method: string, cause: unknown): SipResponse {
    this.#rooms.log.failure({ what: 'sip_serve_failed', method, cause })
    return response(500)
  }

  /** The whole response as bytes; one that cannot be written is a 500. */
  printed(request: SipRequest, final: SipResponse): { readonly status: number; readonly bytes: Buffer } {
    const tag = newTag()
    try {
      const bytes = print(withEcho(request, final, tag))
      if (bytes.length <= MESSAGE_MAX_BYTES) return { status: final.status, bytes }
      this.#rooms.log.problem({ what: 'sip_response_refused', method: request.method, bytes: bytes.length })
      return { status: 500, bytes: print(withEcho(request, response(500, 'The answer is too large for the PBX'), tag)) }
    } catch (cause) {
      return { status: 500, bytes: print(withEcho(request, this.failure(request.method, cause), tag)) }
    }
  }

  #serve(received: Received, branch: string): void {
    const { core, serve, sends } = this.#rooms
    const { request } = received
    const transaction = request.method === 'INVITE' ? InviteServerTransaction : NonInviteServerTransaction
    const server = new UserAgentServer(transaction, core, incomingRequest(request, branch))
    const exchange = new Exchange(this, request, server, sends)
    this.#exchanges.add(exchange)
    let given: ReturnType<Serve>
    try {
      given = serve(received)
    } catch (cause) {
      given = this.failure(request.method, cause)
    }
    if (given instanceof SipResponse || given instanceof Forward) exchange.answer(given)
    else given.then(exchange.answer, (cause: unknown) => exchange.answer(this.failure(request.method, cause)))
  }

  #refusalOf({ uri }: SipRequest): SipResponse | undefined {
    const scheme = uri.slice(0, uri.indexOf(':')).toLowerCase()
    // RFC 3261 §8.2.2.1.
    if (scheme !== 'sip' && scheme !== 'sips' && scheme !== 'tel') return response(416)
    if (this.#isDraining) return response(503, 'Stopping', RETRY_AFTER)
    // INVITEs stay until their ACK.
    const serving = Math.max(this.#exchanges.size, this.#rooms.core.userAgentServers.size)
    if (serving < this.#rooms.limits.servedAtOnceMax) return undefined
    this.#rooms.log.problem({ what: 'sip_overload', serving })
    return response(503, undefined, RETRY_AFTER)
  }

  #say(request: SipRequest, final: SipResponse): void {
    this.#rooms.write(this.printed(request, final).bytes)
  }
}

/** One request and its one answer. */
class Exchange {
  #isEnded = false

  constructor(
    readonly owner: Serving,
    readonly request: SipRequest,
    readonly server: UserAgentServer,
    readonly sends: (bytes: Buffer) => void,
  ) {}

  readonly answer = (given: SipResponse | Forward): void => {
    if (this.#isEnded) return
    const { status, bytes } = this.owner.printed(this.request, this.#final(given))
    this.sends(bytes)
    this.server.transaction.receiveResponse(status, bytes.toString(ONE_BYTE))
    this.end()
  }

  end(): void {
    this.#isEnded = true
    this.owner.settled(this)
  }

  #final(given: SipResponse | Forward): SipResponse {
    const { method } = this.request
    if (given instanceof Forward) return this.owner.failure(method, new Error('there is no proxy in this stack (can.proxy)'))
    if (given.status >= 200 && given.status < 700) return given
    return this.owner.failure(method, new Error(`${given.status} is no final response, and was given as the answer`))
  }
}

/** RFC 3581 §4, which the port promises. */
function completeVia({ headers }: SipRequest, { host, port }: NextHop): void {
  const field = headers.get('via') ?? ''
  const end = endOfValue(field, 0)
  let via = field.slice(0, end).trimEnd()
  via = via.replace(/;\s*r(?:port|eceived)\s*(?:=[^;]*)?(?=;|$)/gi, '')
  const at = headers.list.findIndex((name, n) => n % 2 === 0 && /^v(?:ia)?$/i.test(name))
  if (at >= 0) headers.list[at + 1] = `${via};received=${host};rport=${port}${field.slice(end)}`
}
