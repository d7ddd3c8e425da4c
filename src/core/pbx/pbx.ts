/** One domain that lives on a PBX: the way there, and the lines of its accounts. */
import { createHmac } from 'node:crypto'
import { SipUri } from '../../address/sip-uri.ts'
import type { Log } from '../../log/log.ts'
import { newCallId, newTag } from '../../sip/identifier.ts'
import { Headers, SipRequest, type SipResponse } from '../../sip/message.ts'
import { parseNameAddr } from '../../sip/name-addr.ts'
import { type NextHop, NoResponseError } from '../../sip/port.ts'
import type { Courtesy } from '../courtesy.ts'
import type { Delivery, HopPolicy, Signal } from '../port.ts'
import { type HopPeer, SipHop } from '../sip-hop.ts'
import { PBX_DEFAULTS, type PbxLimits } from './limits.ts'
import { Line, type LoginOutcome } from './line.ts'
import { StoredLines } from './stored-lines.ts'
import { type HopChoice, PbxTarget } from './target.ts'

export interface PbxSettings {
  /** The domain as a SIP host. */
  readonly host: string
  readonly uri: SipUri
  /** Whether each account registers; else the gateway is trusted by its address. */
  readonly register: boolean
  /** With which password: what its owner logs in with, which the PBX judges (`login`, where nothing is said), or one that is kept here. */
  readonly credentials?: 'login' | 'stored'
}

/** Where the PBX is. */
export interface PbxPeer extends HopPeer {
  send(request: SipRequest, choice?: HopChoice): Promise<SipResponse>
  locate(): Promise<readonly NextHop[]>
}

export interface PbxRooms {
  readonly peer: (uri: SipUri) => PbxPeer
  readonly localFor: (hop: NextHop) => NextHop
  /** Contacts and instances are made from it, so that they are the same after a restart. */
  readonly secret: Buffer
  readonly policy: HopPolicy
  readonly remake: (signal: Signal) => Signal
  /** Takes what says that somebody is there, or asks. */
  readonly presence: (signal: Signal) => Delivery
  /** What the people there have shown that they read. */
  readonly courtesy?: Courtesy
  hasSessions(aor: string): boolean
  /** The PBX takes the password no longer that it has let the account in with. */
  refused(aor: string): void
  /** The password that is kept for an account, where the domain's are; undefined where there is none. */
  passwordOf(account: SipUri): Promise<string | undefined>
  readonly random: () => number
  readonly log: Log
  readonly limits?: PbxLimits
}

const NO_BODY = Buffer.alloc(0)

export class Pbx {
  readonly peer: PbxPeer
  /** What takes the domain's signals there. */
  readonly hop: SipHop
  readonly #limits: PbxLimits
  readonly #lines = new Map<string, Line>()
  readonly #byContact = new Map<string, Line>()
  readonly #target: PbxTarget
  readonly #stored: StoredLines | undefined
  #probing: NodeJS.Timeout | undefined
  #isAway = false
  #isStopped = false

  constructor(
    readonly settings: PbxSettings,
    readonly rooms: PbxRooms,
  ) {
    this.#limits = rooms.limits ?? PBX_DEFAULTS
    this.peer = rooms.peer(settings.uri)
    const { steadyAnswers, askedMax, refusedRetryMs } = this.#limits
    this.#target = new PbxTarget(steadyAnswers, askedMax, (to) => this.#moved(to))
    if (settings.register && settings.credentials === 'stored')
      this.#stored = new StoredLines({
        passwordOf: (account) => rooms.passwordOf(account),
        hasSessions: (aor) => rooms.hasSessions(aor),
        open: (account, password) => this.#line(account).open(password),
        refusedRetryMs,
        log: rooms.log,
      })
    const { peer } = this
    const signing: HopPeer = {
      uri: peer.uri,
      send: (request) => this.#sendFor(request),
      isSourceOf: (request, from) => peer.isSourceOf(request, from),
      locate: () => peer.locate(),
    }
    this.hop = new SipHop(signing, rooms.policy, false, rooms.remake, rooms.log, rooms.presence, rooms.courtesy)
  }

  get lines(): number {
    return this.#lines.size
  }

  get isAway(): boolean {
    return this.#isAway
  }

  /** Whether the PBX says who may log in. */
  get checksPasswords(): boolean {
    return this.settings.register && !this.#stored
  }

  /** Whether somebody is logged in to the account. */
  knows(aor: string): boolean {
    return this.#lines.get(aor)?.isOpen === true
  }

  /** Whose contact this is. */
  accountAt(contactUser: string): SipUri | undefined {
    const line = this.#byContact.get(contactUser)
    return line?.isOpen ? line.account : undefined
  }

  /** The PBX says whether the password is right; the account's contact is registered then, and stays while it has sessions. */
  login(account: SipUri, password: string): Promise<LoginOutcome> {
    return this.#isStopped ? Promise.resolve('away') : this.#line(account).login(password)
  }

  /** The account's first session is there. */
  arrived(account: SipUri): void {
    this.#stored?.arrived(account)
  }

  emptied(aor: string): void {
    this.#lines.get(aor)?.emptied()
  }

  /** The connection to it was lost, and all registrations with it; it is there again. */
  returned(): void {
    this.#isAway = false
    this.#registerAnew()
  }

  /** Ends the account's line at once. */
  async end(aor: string): Promise<void> {
    this.#stored?.forget(aor)
    await this.#lines.get(aor)?.leave()
  }

  /** Takes every registration back, as far as the PBX still answers. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#stored?.stop()
    clearTimeout(this.#probing)
    const leaving = Promise.all([...this.#lines.values()].map((line) => line.leave()))
    await Promise.race([leaving, new Promise((resolve) => setTimeout(resolve, this.#limits.goodbyeMs).unref())])
  }

  #line(account: SipUri): Line {
    const { aor } = account
    const known = this.#lines.get(aor)
    if (known) return known
    const { log, random, hasSessions } = this.rooms
    const line = new Line(account.bare, this.#made('contact', aor).toString('base64url'), uuidOf(this.#made('instance', aor)), {
      send: (request) => this.#send(request),
      place: () => this.#place(),
      hasSessions,
      refused: ({ account: of }) => (this.#stored ? this.#stored.refused(of) : this.rooms.refused(of.aor)),
      ended: (one) => this.#ended(one),
      limits: this.#limits,
      random,
      log,
    })
    this.#lines.set(aor, line)
    this.#byContact.set(line.contactUser, line)
    if (this.#lines.size === 1) this.#probeAfter(this.#limits.probeMs)
    return line
  }

  #ended(line: Line): void {
    if (this.#lines.get(line.account.aor) !== line) return
    this.#lines.delete(line.account.aor)
    this.#byContact.delete(line.contactUser)
    if (this.#lines.size > 0) return
    clearTimeout(this.#probing)
    this.#target.forget()
  }

  #made(what: string, aor: string): Buffer {
    return createHmac('sha256', this.rooms.secret).update(`${what}\0${aor}`).digest().subarray(0, 16)
  }

  async #place(): Promise<string> {
    const [first] = this.#target.order(await this.peer.locate())
    if (!first) throw new NoResponseError('transport', `${this.settings.uri} has no address`)
    const { transport, host, port } = this.rooms.localFor(first)
    const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
    // Who is reached through a connection of his own alone has no port.
    const place = port === 0 ? name : `${name}:${port}`
    return transport === 'udp' ? place : `${place};transport=${transport}`
  }

  /** Signed by the line of its sender, where that is one of ours. */
  #sendFor(request: SipRequest): Promise<SipResponse> {
    const from = SipUri.parse(parseNameAddr(request.headers.get('From') ?? '').uri)
    const line = from.host === this.settings.host ? this.#lines.get(from.aor) : undefined
    return line ? line.send(request) : this.#send(request)
  }

  async #send(request: SipRequest): Promise<SipResponse> {
    try {
      // A trunk has nothing registered anywhere: its requests go to the first that answers.
      const response = await (this.settings.register ? this.peer.send(request, this.#target) : this.peer.send(request))
      this.#heard()
      return response
    } catch (cause) {
      if (cause instanceof NoResponseError) this.#missed()
      throw cause
    }
  }

  #missed(): void {
    if (this.#isAway) return
    this.#isAway = true
    this.rooms.log.problem({ what: 'pbx_away', pbx: this.settings.uri.toString(), lines: this.#lines.size })
    if (this.#lines.size > 0) this.#probeAfter(this.#limits.probeAwayMs)
  }

  /** A PBX that was away may have been started anew, and may remember nobody. */
  #heard(): void {
    if (!this.#isAway) return
    this.#isAway = false
    this.#registerAnew()
  }

  #registerAnew(): void {
    this.rooms.log.major({ what: 'pbx_back', pbx: this.settings.uri.toString(), lines: this.#lines.size })
    for (const line of this.#lines.values()) line.refreshWithin(this.#allWithinMs)
  }

  /** Another of its addresses answers, where nobody is registered yet. */
  #moved({ transport, host, port }: NextHop): void {
    const to = `${transport} ${host} ${port}`
    this.rooms.log.problem({ what: 'pbx_moved', pbx: this.settings.uri.toString(), to, lines: this.#lines.size })
    for (const line of this.#lines.values()) line.moved(this.#allWithinMs)
  }

  get #allWithinMs(): number {
    return (this.#lines.size / this.#limits.returnsPerSecond) * 1_000
  }

  #probeAfter(ms: number): void {
    clearTimeout(this.#probing)
    if (!this.#isStopped) this.#probing = setTimeout(() => void this.#probe(), ms).unref()
  }

  async #probe(): Promise<void> {
    try {
      await this.#send(this.#question())
      // Not waited for: one that is silent takes its time.
      if (this.settings.register) this.#lookBack().catch(this.#probeFailed)
    } catch (cause) {
      this.#probeFailed(cause)
    }
    if (this.#lines.size > 0) this.#probeAfter(this.#isAway ? this.#limits.probeAwayMs : this.#limits.probeMs)
  }

  readonly #probeFailed = (cause: unknown): void => {
    if (!(cause instanceof NoResponseError)) this.rooms.log.failure({ what: 'pbx_probe_failed', error: cause })
  }

  async #lookBack(): Promise<void> {
    await this.#target.lookBack(await this.peer.locate(), async (hop) => {
      let isThere = false
      const alone: HopChoice = { order: () => [hop], answered: () => (isThere = true) }
      await this.peer.send(this.#question(), alone).catch(this.#probeFailed)
      return isThere && !this.#isStopped
    })
  }

  /** Any answer will do. */
  #question(): SipRequest {
    const host = SipUri.of(undefined, this.settings.host).toString()
    const headers = new Headers()
    headers.append('Max-Forwards', '70')
    headers.append('From', `<${host}>;tag=${newTag()}`)
    headers.append('To', `<${host}>`)
    headers.append('Call-ID', newCallId())
    headers.append('CSeq', '1 OPTIONS')
    return new SipRequest('OPTIONS', host, headers, NO_BODY)
  }
}

/** RFC 9562 §5.8: a UUID of our own making. */
function uuidOf(bytes: Buffer): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
