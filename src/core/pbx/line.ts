/** One account's line at its PBX: its password, and the one contact we register there for all its sessions (RFC 3261 §10.2). */
import { SipUri, SipUriError } from '../../address/sip-uri.ts'
import type { Log } from '../../log/log.ts'
import { parseContacts } from '../../sip/contact.ts'
import { parseCSeq } from '../../sip/cseq.ts'
import { newCallId, newTag } from '../../sip/identifier.ts'
import { Headers, SipRequest, type SipResponse } from '../../sip/message.ts'
import { parseDeltaSeconds } from '../../sip/number.ts'
import { NoResponseError } from '../../sip/port.ts'
import { SipSyntaxError } from '../../sip/syntax-error.ts'
import { DigestSender } from './digest-sender.ts'
import type { PbxLimits } from './limits.ts'

/** `unproven`: the PBX takes everybody from our address and asked for no password, so it cannot say whose this is. */
export type LoginOutcome = 'right' | 'wrong' | 'unproven' | 'away'

export interface LineRooms {
  /** To the PBX; rejects with NoResponseError. */
  send(request: SipRequest): Promise<SipResponse>
  /** Where the PBX reaches us: `host:port;transport=…`. Rejects with NoResponseError. */
  place(): Promise<string>
  hasSessions(aor: string): boolean
  /** The PBX takes the password no longer. */
  refused(line: Line): void
  /** Nothing is left of it. */
  ended(line: Line): void
  readonly limits: PbxLimits
  readonly random: () => number
  readonly log: Log
}

const NO_BODY = Buffer.alloc(0)
/** What the line is for (RFC 3840 §9): who places a call need not try it. */
const METHODS = 'MESSAGE, OPTIONS, SUBSCRIBE, NOTIFY'
/** The PBX has judged; anything else may be different in a moment. */
const REFUSALS = new Set([401, 407, 403, 404, 603, 604])

export class Line {
  readonly #callId = newCallId()
  #cseq = 0
  #sender: DigestSender | undefined
  /** Of a login whose password the PBX has not judged yet. */
  #candidate: DigestSender | undefined
  #place = ''
  #expiresSeconds: number
  #failures = 0
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()
  #refreshing: NodeJS.Timeout | undefined
  #leaving: NodeJS.Timeout | undefined

  constructor(
    /** sip:user@domain. */
    readonly account: SipUri,
    /** The user part of the contact: says nothing of whose it is. */
    readonly contactUser: string,
    /** `urn:uuid:…`, the same after every restart (RFC 5626 §4.1). */
    readonly instance: string,
    readonly rooms: LineRooms,
  ) {
    this.#expiresSeconds = rooms.limits.expiresSeconds
  }

  /** Somebody has logged in, and what comes for the contact is the account's. */
  get isOpen(): boolean {
    return this.#sender !== undefined
  }

  /** The PBX says whether the password is right. Throws nothing; a wrong one leaves what is registered as it is. */
  async login(password: string): Promise<LoginOutcome> {
    if (this.#waiting >= this.rooms.limits.waitingMax) return 'away'
    return this.#inTurn(async () => {
      const sender = this.#senderWith(password)
      this.#candidate = sender
      const outcome = await this.#register(sender, this.#expiresSeconds)
      if (outcome === 'right' && !sender.wasAsked) {
        if (!this.#sender) await this.#register(sender, 0)
        sender.forget()
        this.rooms.log.problem({ what: 'pbx_asks_no_password', account: this.account.toString() })
        return 'unproven'
      }
      if (outcome !== 'right') {
        sender.forget()
        return outcome
      }
      this.#sender?.forget()
      this.#sender = sender
      this.#leaveAfter(this.rooms.limits.loginGraceMs)
      return outcome
    })
  }

  /** With a password that was not proved to the PBX: goes on trying while that is away. */
  async open(password: string): Promise<void> {
    if (this.#waiting >= this.rooms.limits.waitingMax) return
    await this.#inTurn(async () => {
      if (this.#sender) return
      this.#sender = this.#senderWith(password)
      this.#leaveAfter(this.rooms.limits.loginGraceMs)
      await this.#keepUp()
    })
  }

  /** A request in the account's name. Rejects with NoResponseError. */
  async send(request: SipRequest): Promise<SipResponse> {
    const sender = this.#sender
    if (!sender) return this.rooms.send(request)
    const response = await sender.send(request, this.rooms.send)
    if ((response.status !== 401 && response.status !== 407) || sender.wasAsked) return response
    // Whose question that is, the registrar there says: nothing was registered there yet.
    await (this.#waiting > 0 ? this.#last : this.#refresh())
    return sender.wasAsked && this.#sender === sender ? sender.send(oneLater(request), this.rooms.send) : response
  }

  /** Another address of the PBX has it from now on; `ms`: to register there within. */
  moved(ms: number): void {
    this.#sender?.moved()
    this.#candidate?.moved()
    this.refreshWithin(ms)
  }

  /** Its last session has ended. */
  emptied(): void {
    if (this.#sender) this.#leaveAfter(this.rooms.limits.leaveGraceMs)
  }

  /** Registers anew before it is time: the PBX may have forgotten us. */
  refreshWithin(ms: number): void {
    if (this.#sender) this.#refreshAfter(ms * this.rooms.random())
  }

  /** Takes the registration back and forgets the password. */
  async leave(): Promise<void> {
    await this.#inTurn(async () => {
      const sender = this.#sender
      if (!sender) return
      this.#close()
      await this.#register(sender, 0)
      sender.forget()
    })
  }

  /** One REGISTER after another: no new one before the answer to the last (§10.2). */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++
    const done = this.#last.then(work)
    this.#last = done.catch(() => undefined)
    try {
      return await done
    } finally {
      this.#waiting--
      if (this.#waiting === 0 && !this.#sender) this.rooms.ended(this)
    }
  }

  #close(): void {
    clearTimeout(this.#refreshing)
    clearTimeout(this.#leaving)
    this.#sender = undefined
  }

  #leaveAfter(ms: number): void {
    clearTimeout(this.#leaving)
    this.#leaving = setTimeout(() => {
      if (!this.rooms.hasSessions(this.account.aor)) this.leave().catch(this.#failed)
    }, ms).unref()
  }

  #refreshAfter(ms: number): void {
    clearTimeout(this.#refreshing)
    this.#refreshing = setTimeout(() => this.#refresh().catch(this.#failed), ms).unref()
  }

  /** Nobody awaits what a timer began. */
  readonly #failed = (cause: unknown): void => {
    this.rooms.log.failure({
      what: 'pbx_line_failed',
      account: this.account.toString(),
      error: cause instanceof Error ? cause.stack : cause,
    })
  }

  #refresh(): Promise<void> {
    return this.#inTurn(() => this.#keepUp())
  }

  /** In its turn. */
  async #keepUp(): Promise<void> {
    const sender = this.#sender
    if (!sender) return
    const outcome = await this.#register(sender, this.#expiresSeconds)
    if (outcome === 'wrong') {
      this.#close()
      sender.forget()
      this.rooms.log.problem({ what: 'pbx_refuses_account', account: this.account.toString() })
      this.rooms.refused(this)
    } else if (outcome === 'away') {
      const { retryFirstMs, retryMaxMs } = this.rooms.limits
      const wait = Math.min(retryMaxMs, retryFirstMs * 2 ** Math.min(this.#failures++, 20))
      this.#refreshAfter(wait * (0.75 + this.rooms.random() / 2))
    }
  }

  #senderWith(password: string): DigestSender {
    return new DigestSender(this.account.user ?? '', password, this.rooms.limits.challengesMax)
  }

  async #register(sender: DigestSender, expires: number): Promise<'right' | 'wrong' | 'away'> {
    try {
      const response = await this.#answerTo(sender, expires)
      const { status } = response
      if (status < 300) {
        this.#failures = 0
        if (expires > 0) this.#refreshAfter(this.#grantedBy(response, expires) * 1_000 * this.rooms.limits.refreshAt)
        return 'right'
      }
      this.rooms.log.lowLevel({ what: 'pbx_registration_refused', account: this.account.toString(), status })
      return REFUSALS.has(status) ? 'wrong' : 'away'
    } catch (cause) {
      if (!(cause instanceof NoResponseError)) throw cause
      return 'away'
    }
  }

  async #answerTo(sender: DigestSender, expires: number): Promise<SipResponse> {
    // Where it was taken is where it is taken back.
    if (expires > 0 || this.#place === '') this.#place = await this.rooms.place()
    const first = await this.#ask(sender, expires)
    const least = first.status === 423 ? parseDeltaSeconds(first.headers.get('Min-Expires') ?? '') : undefined
    if (least === undefined || expires === 0 || least > this.rooms.limits.expiresMaxSeconds) return first
    this.#expiresSeconds = Math.max(least, this.#expiresSeconds)
    return this.#ask(sender, this.#expiresSeconds)
  }

  #ask(sender: DigestSender, expires: number): Promise<SipResponse> {
    return sender.send(this.#request(expires), (request) => {
      // Counted over the answers to challenges too.
      this.#cseq = Math.max(this.#cseq, Number.parseInt(request.headers.get('CSeq') ?? '0', 10))
      return this.rooms.send(request)
    })
  }

  #request(expires: number): SipRequest {
    const { account, contactUser, instance } = this
    const headers = new Headers()
    headers.append('Max-Forwards', '70')
    headers.append('From', `<${account}>;tag=${newTag()}`)
    headers.append('To', `<${account}>`)
    headers.append('Call-ID', this.#callId)
    headers.append('CSeq', `${++this.#cseq} REGISTER`)
    headers.append('Contact', `<sip:${contactUser}@${this.#place}>;+sip.instance="<${instance}>";methods="${METHODS}"`)
    headers.append('Expires', String(expires))
    headers.append('Allow', METHODS)
    return new SipRequest('REGISTER', SipUri.of(undefined, account.host).toString(), headers, NO_BODY)
  }

  /** §10.2.4: what the registrar says of our own contact among all of the extension's. */
  #grantedBy({ headers }: SipResponse, asked: number): number {
    const general = parseDeltaSeconds(headers.get('Expires') ?? '') ?? asked
    try {
      const contacts = parseContacts(headers)
      if (contacts === '*') return general
      const own = contacts.find(({ uri }) => userOf(uri) === this.contactUser)
      const granted = parseDeltaSeconds(own?.params.get('expires') ?? '') ?? general
      return granted > 0 ? granted : asked
    } catch (cause) {
      if (cause instanceof SipSyntaxError) return general
      throw cause
    }
  }
}

/** The same request, as what follows on it (§8.1.3.5). */
function oneLater({ method, uri, headers, body }: SipRequest): SipRequest {
  const copy = headers.copy()
  copy.set('CSeq', `${parseCSeq(headers.get('CSeq') ?? '').number + 1} ${method}`)
  return new SipRequest(method, uri, copy, body)
}

/** Other telephones of the extension may be anything. */
function userOf(uri: string): string | undefined {
  try {
    return SipUri.parse(uri).user
  } catch (cause) {
    if (cause instanceof SipUriError) return undefined
    throw cause
  }
}
