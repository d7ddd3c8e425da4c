/** Requests of ours that wait for their final response, each in a client transaction of sip.js and with a time of our own. */
import {
  type IncomingResponse,
  type OutgoingRequestDelegate,
  type Transport,
  UserAgentClient,
  type UserAgentCore,
} from 'sip.js/lib/core/index.js'
import { RefusedError } from '../../core/port.ts'
import type { Log } from '../../log/log.ts'
import { print } from '../codec.ts'
import { parseCSeq } from '../cseq.ts'
import { newBranch } from '../identifier.ts'
import { response, type SipRequest, type SipResponse } from '../message.ts'
import { NoResponseError } from '../port.ts'
import { SipSyntaxError } from '../syntax-error.ts'
import { parseVia } from '../via.ts'
import { MESSAGE_MAX_BYTES, type WebSocketLimits } from './limits.ts'
import type { Link } from './link.ts'
import type { Registered, Registering } from './registered.ts'
import { traceSent } from './trace.ts'
import { incomingResponse, PrintedRequest, UniqueTransaction } from './user-agent.ts'

export interface RequestRooms {
  readonly core: UserAgentCore
  readonly transport: Transport
  readonly link: Link
  readonly registered: Registered
  /** Stands in our Vias (RFC 7118 §5.2.1). */
  readonly viaHost: string
  /** Timer F: 64 times T1 (RFC 3261 §17.1.2.2). That of sip.js is 32 s, whatever T1 is. */
  readonly giveUpMs: number
  readonly limits: WebSocketLimits
  readonly log: Log
}

export class Requests {
  readonly #rooms: RequestRooms
  /** By branch, in the order in which they were sent, which is the order of their times. */
  readonly #waiting = new Map<string, PendingRequest>()
  #timer: NodeJS.Timeout | undefined
  #whyStopped: string | undefined
  #quiet: (() => void) | undefined

  constructor(rooms: RequestRooms) {
    this.#rooms = rooms
  }

  get waitingCount(): number {
    return this.#waiting.size
  }

  send(request: SipRequest): Promise<SipResponse> {
    return new Promise((resolve, reject) => {
      // An INVITE needs more than this (§17.1.1), ACK and CANCEL belong to one.
      if (/^(?:INVITE|ACK|CANCEL)$/.test(request.method)) throw new Error(`${request.method} is not sent by this stack`)
      if (this.#whyStopped !== undefined) throw new NoResponseError('transport', this.#whyStopped)
      const { core, transport, link, registered, viaHost, giveUpMs, limits, log } = this.#rooms
      if (this.#waiting.size >= limits.sentAtOnceMax)
        throw new NoResponseError('transport', `more than ${limits.sentAtOnceMax} requests wait for an answer`)
      link.open
      const branch = newBranch()
      const bytes = print(request, `SIP/2.0/${transport.protocol} ${viaHost};branch=${branch}`)
      if (bytes.length > MESSAGE_MAX_BYTES)
        throw new RefusedError(513, `More than ${MESSAGE_MAX_BYTES} bytes do not go through a WebSocket to the PBX`)
      const registering = request.method === 'REGISTER' ? registered.begin(request) : undefined
      if (request.method === 'REGISTER' && !registering) {
        log.problem({ what: 'websocket_accounts_exceeded', registered: registered.size })
        resolve(response(500, 'No room for another account (sip.websocket.maxAccounts)'))
        return
      }
      const pending = new PendingRequest(this, request.method, branch, registering, resolve, reject)
      this.#waiting.set(branch, pending)
      this.#timer ??= setTimeout(this.#expire, giveUpMs)
      traceSent(log, bytes, link.hop.host)
      pending.client = new UserAgentClient(UniqueTransaction, core, new PrintedRequest(request.method, branch, bytes), pending)
    })
  }

  /** A response from the PBX. Throws SipSyntaxError. */
  received(response: SipResponse): void {
    const { branch } = parseVia(response.headers.values('via')[0] ?? '')
    const { method } = parseCSeq(response.headers.get('cseq') ?? '')
    const pending = branch === undefined ? undefined : this.#waiting.get(branch)
    if (branch === undefined || pending?.method !== method) throw new SipSyntaxError('it answers nothing that was asked')
    pending.response = response
    this.#rooms.core.receiveIncomingResponseFromTransport(incomingResponse(response, branch, method))
  }

  /** It has its outcome. */
  settled(pending: PendingRequest, status: number | undefined): void {
    this.#waiting.delete(pending.branch)
    if (pending.registering) this.#rooms.registered.end(pending.registering, status)
    if (this.#waiting.size === 0) this.#quiet?.()
  }

  /** All that was under way ends with the connection. */
  lost(why: string): void {
    for (const pending of this.#waiting.values()) this.#giveUp(pending, new NoResponseError('transport', why))
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
    this.lost('the stack was stopped')
  }

  #giveUp(pending: PendingRequest, why: NoResponseError): void {
    pending.client?.dispose()
    this.#rooms.core.userAgentClients.delete(pending.branch + pending.method)
    pending.fail(why)
  }

  readonly #expire = (): void => {
    this.#timer = undefined
    const now = performance.now()
    const { giveUpMs } = this.#rooms
    for (const pending of this.#waiting.values()) {
      const left = pending.begunAt + giveUpMs - now
      if (left > 0) {
        this.#timer = setTimeout(this.#expire, Math.ceil(left))
        return
      }
      this.#giveUp(pending, new NoResponseError('timeout', `no answer of the PBX in ${giveUpMs} ms`))
    }
  }
}

class PendingRequest implements OutgoingRequestDelegate {
  readonly begunAt = performance.now()
  client: UserAgentClient | undefined
  /** The last one that came for it. */
  response: SipResponse | undefined
  #isSettled = false

  constructor(
    readonly owner: Requests,
    readonly method: string,
    readonly branch: string,
    readonly registering: Registering | undefined,
    private readonly resolved: (response: SipResponse) => void,
    private readonly rejected: (cause: unknown) => void,
  ) {}

  onAccept(answer: IncomingResponse): void {
    this.#answered(answer)
  }

  onRedirect(answer: IncomingResponse): void {
    this.#answered(answer)
  }

  onReject(answer: IncomingResponse): void {
    this.#answered(answer)
  }

  fail(cause: NoResponseError): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.owner.settled(this, undefined)
    this.rejected(cause)
  }

  #answered({ message: { statusCode } }: IncomingResponse): void {
    const { response } = this
    // sip.js makes a 408 of its own where time is over, and a 503 where nothing could be sent.
    if (!response || response.status < 200) {
      this.fail(new NoResponseError(statusCode === 408 ? 'timeout' : 'transport', `sip.js: ${statusCode ?? 'no answer'}`))
      return
    }
    if (this.#isSettled) return
    this.#isSettled = true
    this.owner.settled(this, response.status)
    this.resolved(response)
  }
}
