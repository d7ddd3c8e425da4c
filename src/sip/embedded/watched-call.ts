/** What is known of one call while somebody watches: who rings, who talks, and when it ended (RFC 4235 in words, RFC 4028 §8 for its end without a BYE). */
import { parseCSeq } from '../cseq.ts'
import { newTag } from '../identifier.ts'
import type { Headers, SipRequest, SipResponse } from '../message.ts'
import { parseNameAddr, tagOf } from '../name-addr.ts'
import type { AccountCall, Branch, Forward, NextHop, Received } from '../port.ts'
import { SipSyntaxError } from '../syntax-error.ts'
import type { CallFollower } from './proxy-call.ts'
import { uriOf } from './proxy-copy.ts'
import { sessionOf } from './session-timer.ts'
import { Timed } from './wheel.ts'

/** What it needs of who keeps it. */
export interface Watching {
  tell(call: AccountCall): void
  /** It is over, or never was. */
  forget(call: WatchedCall): void
  /** Asks both sides whether they are still in it. */
  probe(call: WatchedCall): void
  start(call: WatchedCall, ms: number): void
  stop(call: WatchedCall): void
  readonly probeMs: number
}

/** One end, as requests to it are made. */
export interface End {
  readonly uri: string
  /** Of proxies beyond us. */
  readonly routes: readonly string[]
  readonly hop: NextHop
}

type Ending = NonNullable<AccountCall['ended']>

export class WatchedCall extends Timed implements CallFollower {
  readonly callId: string
  readonly callerTag: string
  readonly #watching: Watching
  /** Of the INVITE, as it goes on but for our own Record-Routes. */
  readonly #headers: Headers
  readonly #from: NextHop
  readonly #parts = new Map<string, AccountCall>()
  /** Who was called, by the answer that counts. */
  calledTag: string | undefined
  #branch: Branch | undefined
  #calledContact: string | undefined
  #calledRoutes: readonly string[] = []
  /** The last that was heard of each end. */
  #callerSequence: number
  #calledSequence = 0
  /** Its end without a session timer is found by asking. */
  #hasTimer = false
  #isOver = false

  constructor(watching: Watching, forward: Forward, received: Received) {
    super()
    const { headers } = received.request
    this.#watching = watching
    this.#headers = forward.request.headers
    this.#from = received.from
    this.callId = headers.get('call-id') ?? ''
    this.callerTag = tagOf(headers.get('from') ?? '') ?? ''
    this.#callerSequence = sequenceOf(received.request)
    const { callerAor } = forward
    if (callerAor !== undefined) this.#enter(callerAor, 'initiator', remoteOf(headers.get('to') ?? ''))
  }

  get isConfirmed(): boolean {
    return this.calledTag !== undefined
  }

  rings(aor: string | undefined, said: SipResponse): void {
    if (this.isConfirmed) return
    const tag = tagOf(said.headers.get('to') ?? '')
    const caller = this.#initiator
    if (caller && !this.#isTold(caller)) this.#tell({ ...caller, remoteTag: tag, since: Date.now() })
    if (aor === undefined) return
    const called = this.#parts.get(aor) ?? this.#enter(aor, 'recipient', remoteOf(this.#headers.get('from') ?? ''))
    if (!this.#isTold(called)) this.#tell({ ...called, localTag: tag, since: Date.now() })
  }

  /** One account's telephones have stopped ringing; others may go on. */
  stopped(aor: string, status: number): void {
    const part = this.#parts.get(aor)
    if (!part || this.isConfirmed) return
    this.#parts.delete(aor)
    if (this.#isTold(part)) this.#end(part, endingOf(status))
  }

  /** The 2xx as the caller hears it: RFC 4028 §8.2 has us say for who does not know timers that the caller is to refresh. */
  answered(branch: Branch, said: SipResponse): SipResponse {
    const tag = tagOf(said.headers.get('to') ?? '')
    const heard = sessionOf(this.#headers, said)
    if (this.isConfirmed || this.#isOver) return heard.response
    this.calledTag = tag
    this.#branch = branch
    this.#calledContact = contactOf(said.headers)
    const ours = this.#headers.values('record-route').length + 2
    const records = said.headers.values('record-route')
    this.#calledRoutes = records.slice(0, Math.max(0, records.length - ours)).toReversed()
    this.#confirm(branch.aor)
    // Without a tag there is no dialog, and without an account of ours nobody to tell of.
    if (tag === undefined || this.#parts.size === 0) this.#over(() => 'error')
    else this.#continue(heard.seconds)
    return heard.response
  }

  /** Nobody took it. */
  refused(status: number, wasCancelled: boolean): void {
    if (!this.isConfirmed) this.#over(() => (wasCancelled ? 'cancelled' : endingOf(status)))
  }

  /** A request that passes in its dialog. */
  passes(request: SipRequest): void {
    const isOfCaller = this.#isOfCaller(request)
    if (isOfCaller === undefined) return
    const sequence = sequenceOf(request)
    if (isOfCaller) this.#callerSequence = Math.max(this.#callerSequence, sequence)
    else this.#calledSequence = Math.max(this.#calledSequence, sequence)
    if (request.method === 'BYE') this.#over(({ direction }) => (isOfCaller === (direction === 'initiator') ? 'local-bye' : 'remote-bye'))
  }

  /** The answer to a re-INVITE or UPDATE of its dialog, as who asked hears it (RFC 4028 §8.3). */
  refreshed(request: SipRequest, said: SipResponse): SipResponse {
    if (said.status >= 300 || this.#isOver || this.#isOfCaller(request) === undefined) return said
    const heard = sessionOf(request.headers, said)
    this.#continue(heard.seconds)
    return heard.response
  }

  /** It was asked, and is not there any more. */
  isGone(): void {
    this.#over(() => 'timeout')
  }

  /** It was asked, and goes on. */
  isThere(): void {
    if (!this.#isOver) this.#continue(undefined)
  }

  /** Nobody listens any more. */
  drop(): void {
    this.#isOver = true
    this.#parts.clear()
    this.#watching.stop(this)
  }

  expire(): void {
    if (this.#hasTimer) this.#over(() => 'timeout')
    else this.#watching.probe(this)
  }

  /** What asks the caller is said as if by who was called, and the other way round: the number is that of his last request, so that no later one of his is too low. */
  get ends(): readonly { readonly end: End; readonly from: string; readonly to: string; readonly sequence: number }[] {
    const headers = this.#headers
    const caller = headers.get('from') ?? ''
    const called = `${headers.get('to') ?? ''};tag=${this.calledTag ?? ''}`
    const all = []
    const contact = contactOf(this.#headers)
    if (contact !== undefined) {
      const end = { uri: contact, routes: headers.values('record-route'), hop: this.#from }
      all.push({ end, from: called, to: caller, sequence: this.#calledSequence })
    }
    if (this.#branch && this.#calledContact !== undefined) {
      const end = { uri: this.#calledContact, routes: this.#calledRoutes, hop: this.#branch.hop }
      all.push({ end, from: caller, to: called, sequence: this.#callerSequence })
    }
    return all
  }

  get #initiator(): AccountCall | undefined {
    return this.#parts.get(INITIATOR)
  }

  #isOfCaller({ headers }: SipRequest): boolean | undefined {
    const from = tagOf(headers.get('from') ?? '')
    const to = tagOf(headers.get('to') ?? '')
    if (from === this.callerTag && to === this.calledTag) return true
    return from === this.calledTag && to === this.callerTag ? false : undefined
  }

  #confirm(aor: string | undefined): void {
    const since = Date.now()
    const caller = this.#initiator
    if (caller) this.#tell({ ...caller, state: 'confirmed', remoteTag: this.calledTag, since })
    if (aor !== undefined && !this.#parts.has(aor)) this.#enter(aor, 'recipient', remoteOf(this.#headers.get('from') ?? ''))
    for (const part of [...this.#parts.values()]) {
      if (part.direction === 'initiator') continue
      if (part.aor === aor) this.#tell({ ...part, state: 'confirmed', localTag: this.calledTag, since })
      else {
        this.#parts.delete(part.aor)
        if (this.#isTold(part)) this.#end(part, 'cancelled')
      }
    }
  }

  #continue(seconds: number | undefined): void {
    this.#hasTimer = seconds !== undefined
    this.#watching.start(this, seconds === undefined ? this.#watching.probeMs : seconds * 1_000)
  }

  #over(why: (part: AccountCall) => Ending): void {
    if (this.#isOver) return
    this.#isOver = true
    const parts = [...this.#parts.values()]
    this.#parts.clear()
    this.#watching.stop(this)
    this.#watching.forget(this)
    for (const part of parts) if (this.#isTold(part)) this.#end(part, why(part))
  }

  #end(part: AccountCall, ended: Ending): void {
    this.#watching.tell({ ...part, state: 'terminated', ended, since: Date.now() })
  }

  #enter(aor: string, direction: AccountCall['direction'], remote: AccountCall['remote']): AccountCall {
    const part: AccountCall = {
      id: newTag(),
      aor,
      direction,
      state: 'early',
      callId: this.callId,
      localTag: direction === 'initiator' ? this.callerTag : undefined,
      remoteTag: direction === 'initiator' ? undefined : this.callerTag,
      remote,
      since: UNTOLD,
    }
    this.#parts.set(direction === 'initiator' ? INITIATOR : aor, part)
    return part
  }

  #isTold(part: AccountCall): boolean {
    return part.since !== UNTOLD
  }

  #tell(part: AccountCall): void {
    this.#parts.set(part.direction === 'initiator' ? INITIATOR : part.aor, part)
    this.#watching.tell(part)
  }
}

/** It has not rung yet: nobody has heard of it. */
const UNTOLD = 0
const INITIATOR = ''

function sequenceOf({ headers }: SipRequest): number {
  return parseCSeq(headers.get('cseq') ?? '').number
}

function endingOf(status: number): Ending {
  if (status === 487) return 'cancelled'
  return status === 408 ? 'timeout' : status >= 500 && status < 600 ? 'error' : 'rejected'
}

function contactOf(headers: Headers): string | undefined {
  const [contact] = headers.values('contact')
  return contact === undefined ? undefined : uriOf(contact)
}

function remoteOf(field: string): AccountCall['remote'] {
  try {
    const { uri, displayName } = parseNameAddr(field)
    return { uri, name: displayName }
  } catch (cause) {
    if (cause instanceof SipSyntaxError) return { uri: '', name: undefined }
    throw cause
  }
}

/** An INVITE or its like within a watched call: nobody is told, but the session goes on. */
export class Refreshed implements CallFollower {
  constructor(
    readonly call: WatchedCall,
    readonly request: SipRequest,
  ) {}

  answered(_branch: Branch, said: SipResponse): SipResponse {
    return this.call.refreshed(this.request, said)
  }

  rings(): void {}

  stopped(): void {}

  refused(): void {}
}
