/** One subscription of ours (RFC 6665 §4.1): the SUBSCRIBE that began it, the dialogs its NOTIFYs made, and when it is to be said again. */
import type { SipUri } from '../../address/sip-uri.ts'
import { newCallId, newTag } from '../../sip/identifier.ts'
import { Headers, response, SipRequest, type SipResponse } from '../../sip/message.ts'
import { tagOf } from '../../sip/name-addr.ts'
import type { Received } from '../../sip/port.ts'
import { RefusedError } from '../port.ts'
import { Dialog, type DialogState } from './dialog.ts'
import { eventOf, mediaType, type SubscriptionState, subscriptionStateOf } from './event.ts'
import { backoffMs, type Outcome, outcomeOf, outcomeOfFailure } from './outcome.ts'
import type { Next, Start } from './outward.ts'
import type { EventPackage } from './packages.ts'
import type { Notice, TerminationReason, Watch } from './port.ts'
import type { Company } from './subscriber.ts'

/** A dialog of it. Several where the SUBSCRIBE was forked and its package allows that. */
interface Leg {
  readonly dialog: Dialog
  readonly since: number
  expiresAt: number
  refreshing: NodeJS.Timeout | undefined
  /** A SUBSCRIBE in it waits for its answer. */
  isBusy: boolean
}

/** What the store keeps of a subscription. */
export interface StoredSubscription {
  readonly watcher: string
  readonly watched: string
  readonly event: string
  readonly expiresSeconds: number
  readonly contact: string
  readonly legs: readonly { readonly dialog: DialogState; readonly since: number; readonly expiresAt: number }[]
}

const NO_BODY = Buffer.alloc(0)
/** After these nothing follows by itself (RFC 6665 §4.1.3). */
const FINAL: ReadonlySet<TerminationReason | undefined> = new Set<TerminationReason>(['rejected', 'noresource', 'invariant'])
/** These want some time to pass. */
const LATER: ReadonlySet<TerminationReason | undefined> = new Set<TerminationReason>(['probation', 'giveup'])

export class Subscription {
  /** `ending`: what comes is still heard. */
  phase: 'on' | 'ending' | 'over' = 'on'
  /** Under which NOTIFYs find it: `Call-ID From-tag`. */
  key = ''
  #callId = ''
  #tag = ''
  #cseq = 1
  #target: SipUri | undefined
  #contact = ''
  #forkUntil = 0
  readonly #legs = new Map<string, Leg>()
  #expiresSeconds: number
  #granted: number | undefined
  #failures = 0
  #isTold = false
  #timer: NodeJS.Timeout | undefined

  constructor(
    readonly watch: Watch,
    readonly spoken: EventPackage,
    readonly isFetch: boolean,
    readonly company: Company,
  ) {
    this.#expiresSeconds = isFetch ? 0 : company.limits.expiresSeconds
  }

  get stored(): StoredSubscription {
    const { watcher, watched, event } = this.watch
    const legs = [...this.#legs.values()].map(({ dialog, since, expiresAt }) => ({ dialog: dialog.state(), since, expiresAt }))
    return {
      watcher: watcher.toString(),
      watched: watched.toString(),
      event,
      expiresSeconds: this.#expiresSeconds,
      contact: this.#contact,
      legs,
    }
  }

  /** Goes on with what an earlier run has left, not before `waitMs` have passed. */
  resume({ expiresSeconds, contact, legs }: StoredSubscription, keepsDialogs: boolean, waitMs: number): void {
    const now = this.company.now()
    this.#expiresSeconds = expiresSeconds
    this.#contact = contact
    for (const { dialog: state, since, expiresAt } of keepsDialogs ? legs : []) {
      if (expiresAt <= now) continue
      const dialog = new Dialog(state)
      // What was under way when that run ended may have been numbered.
      dialog.heardNothing()
      this.#identify(state.callId, state.localTag)
      const leg: Leg = { dialog, since, expiresAt, refreshing: undefined, isBusy: false }
      this.#legs.set(state.remoteTag, leg)
      this.#refreshAfter(leg, Math.max(waitMs, this.#refreshIn(leg)))
    }
    if (this.#legs.size === 0) this.#after(waitMs, () => this.#beginIfWanted())
  }

  /** A SUBSCRIBE in a dialog to be. */
  async begin(): Promise<void> {
    const { company, watch } = this
    this.#dropAll()
    try {
      const start = await company.outward.startFor(watch)
      if (!start) throw new RefusedError(404, 'No way to this address is known')
      this.#contact = `<${await company.outward.contactFor(start.next)}>`
      if (this.phase !== 'on') return this.#over()
      this.#identify(newCallId(), newTag())
      this.#cseq = 1
      this.#granted = undefined
      this.#target = start.target
      await this.#ask(start)
    } catch (cause) {
      this.#failed(outcomeOfFailure(cause))
    }
  }

  /** `Expires: 0` in each dialog, or as soon as there is one. */
  end(): void {
    if (this.phase !== 'on') return
    this.phase = 'ending'
    clearTimeout(this.#timer)
    for (const leg of this.#legs.values()) this.#endLeg(leg)
    if (this.key === '') this.#over()
    else this.#after(this.company.limits.notifyWaitMs, () => this.#over())
  }

  stop(): void {
    this.phase = 'over'
    clearTimeout(this.#timer)
    for (const { refreshing } of this.#legs.values()) clearTimeout(refreshing)
  }

  /** A NOTIFY under its key. Throws RefusedError. */
  notified(received: Received): SipResponse {
    const { headers, body } = received.request
    const event = eventOf(headers.get('Event'))
    if (event.event !== this.watch.event || event.id !== undefined) throw new RefusedError(489, 'This subscription is about something else')
    const state = subscriptionStateOf(headers.get('Subscription-State'))
    const tag = tagOf(headers.get('From') ?? '') ?? ''
    const known = this.#legs.get(tag)
    if (known) known.dialog.take(received.request)
    else this.#requireMayFork()
    const type = headers.get('Content-Type')
    if (body.length > 0 && !this.spoken.types.includes(mediaType(type ?? '')))
      throw new RefusedError(415, 'Unsupported Media Type', [['Accept', this.spoken.types.join(', ')]])
    const now = this.company.now()
    const leg = known ?? { dialog: this.#dialogFrom(received), since: now, expiresAt: 0, refreshing: undefined, isBusy: false }
    if (known) known.dialog.refreshTarget(received)
    const notice: Notice = {
      dialog: `${this.key} ${tag}`,
      isFetched: this.isFetch,
      state: state.state,
      reason: state.reason,
      retryAfterSeconds: state.retryAfterSeconds,
      document: body.length > 0 ? { contentType: type ?? '', body } : undefined,
      language: headers.get('Content-Language'),
    }
    try {
      this.company.noticed(this, notice)
    } finally {
      // Whatever is thought of the document, the dialog is where its notifier says.
      this.#isNow(leg, tag, state)
    }
    return response(200)
  }

  #isNow(leg: Leg, tag: string, { state, reason, expires, retryAfterSeconds }: SubscriptionState): void {
    if (this.isFetch || this.phase === 'over') return this.#over()
    clearTimeout(leg.refreshing)
    if (state === 'terminated') {
      this.#legs.delete(tag)
      if (this.phase === 'ending' || this.#legs.size > 0) this.#settled()
      else this.#terminated(leg, reason, retryAfterSeconds)
      return
    }
    const isNew = !this.#legs.has(tag)
    this.#legs.set(tag, leg)
    this.#isTold = false
    if (this.phase === 'ending') {
      if (isNew) this.#endLeg(leg)
      return
    }
    clearTimeout(this.#timer)
    const now = this.company.now()
    // §4.1.3: this is the word of the notifier himself; where he says nothing, the response counts.
    const seconds = expires ?? (leg.expiresAt > now ? undefined : (this.#granted ?? this.#expiresSeconds))
    const before = leg.expiresAt
    if (seconds !== undefined) leg.expiresAt = now + seconds * 1_000
    this.#refreshAfter(leg, this.#refreshIn(leg))
    if (isNew || Math.abs(before - leg.expiresAt) > KEPT_WITHIN_MS) this.company.keep(this)
  }

  /** Its last dialog was ended by the other side. */
  #terminated(leg: Leg, reason: TerminationReason | undefined, retryAfterSeconds: number | undefined): void {
    if (FINAL.has(reason)) return this.#over()
    const { limits, now } = this.company
    if (now() - leg.since >= limits.retryMaxMs) this.#failures = 0
    const asked =
      reason === 'deactivated' || reason === 'timeout' ? 0 : Math.min(retryAfterSeconds ?? 0, limits.retryAfterMaxSeconds) * 1_000
    // Who ends each one as soon as it is there is asked less and less often.
    const least = LATER.has(reason) || this.#failures > 0 ? this.#backoff() : 0
    this.#failures++
    this.company.keep(this)
    this.#after(Math.max(asked, least), () => this.#beginIfWanted())
  }

  async #ask(start: Start): Promise<void> {
    const { company, watch } = this
    this.#forkUntil = company.now() + company.limits.notifyWaitMs
    const list = ['Max-Forwards', '70']
    for (const route of start.routes) list.push('Route', route)
    list.push('From', `<${watch.watcher}>;tag=${this.#tag}`, 'To', `<${watch.watched}>`, 'Call-ID', this.#callId)
    list.push('CSeq', `${this.#cseq} SUBSCRIBE`, ...this.#fields(this.#expiresSeconds))
    const callId = this.#callId
    const outcome = await this.#sent(
      new SipRequest('SUBSCRIBE', start.target.toString(), new Headers(list), NO_BODY),
      start.next,
      (answer) => {
        this.#cseq = Math.max(this.#cseq, Number.parseInt(answer.headers.get('CSeq') ?? '', 10) || 0)
      },
    )
    // A NOTIFY may have come first, and everything may be different since.
    if (this.phase === 'over' || this.#callId !== callId || this.#legs.size > 0) return
    if (outcome.kind === 'taken') {
      this.#granted = outcome.expires
      if (this.phase === 'on') this.#after(company.limits.notifyWaitMs, () => this.#failed(SILENT))
    } else if (outcome.kind === 'too brief' && this.phase === 'on' && this.#takes(outcome.least)) {
      this.#cseq++
      await this.#ask(start)
    } else this.#failed(outcome)
  }

  /** Before it expires, and only while somebody wants it. */
  async #refresh(leg: Leg): Promise<void> {
    if (leg.isBusy || this.phase !== 'on') return
    leg.isBusy = true
    try {
      if (!(await this.company.isWanted(this))) {
        leg.isBusy = false
        this.company.drop(this)
        return
      }
      const outcome = await this.#subscribeIn(leg, this.#expiresSeconds)
      leg.isBusy = false
      if (this.phase !== 'on' || !this.#has(leg)) return
      if (outcome.kind === 'taken') {
        this.#failures = 0
        leg.expiresAt = this.company.now() + (outcome.expires ?? this.#expiresSeconds) * 1_000
        this.company.keep(this)
        this.#refreshAfter(leg, this.#refreshIn(leg))
      } else if (outcome.kind === 'too brief' && this.#takes(outcome.least)) this.#refreshAfter(leg, 0)
      else if (outcome.kind === 'later' && leg.expiresAt > this.company.now()) {
        // §4.1.2.2: it goes on as long as it was granted.
        const left = leg.expiresAt - this.company.now()
        const wait = Math.max(this.#backoff(), (outcome.afterSeconds ?? 0) * 1_000)
        this.#failures++
        this.#refreshAfter(leg, Math.min(wait, left))
      } else this.#legLost(leg, outcome)
    } catch (cause) {
      leg.isBusy = false
      this.company.failed(cause)
    }
  }

  #legLost(leg: Leg, outcome: Outcome): void {
    this.#drop(leg)
    if (this.#legs.size > 0) this.company.keep(this)
    // Somebody who was restarted has forgotten all of it (481): anew, and at once.
    else if (outcome.kind === 'unknown') this.#begin()
    else this.#failed(outcome)
  }

  /** The other side frees what it holds; whatever it answers. */
  #endLeg(leg: Leg): void {
    clearTimeout(leg.refreshing)
    this.#subscribeIn(leg, 0).then((outcome) => {
      if (outcome.kind === 'taken') return
      this.#drop(leg)
      this.#settled()
    }, this.company.failed)
  }

  #subscribeIn(leg: Leg, expires: number): Promise<Outcome> {
    const { dialog } = leg
    const request = dialog.request('SUBSCRIBE', this.#fields(expires), NO_BODY)
    return this.#sent(
      request,
      dialog.next,
      (answer) => dialog.heard(answer),
      () => dialog.heardNothing(),
    )
  }

  #fields(expires: number): string[] {
    const { event, types } = this.spoken
    return ['Event', event, 'Expires', String(expires), 'Accept', types.join(', '), 'Contact', this.#contact]
  }

  async #sent(request: SipRequest, next: Next, heard: (answer: SipResponse) => void, heardNothing?: () => void): Promise<Outcome> {
    try {
      const answer = await this.company.send(request, next)
      heard(answer)
      return outcomeOf(answer)
    } catch (cause) {
      heardNothing?.()
      return outcomeOfFailure(cause)
    }
  }

  /** It is not there, or no more. */
  #failed(outcome: Outcome): void {
    if (this.phase !== 'on') return this.#settled()
    this.#dropAll()
    if (outcome.kind === 'refused' || this.isFetch) {
      const { status, reason } = outcome.kind === 'refused' || outcome.kind === 'later' ? outcome : SILENT
      this.company.refused(this, status, reason)
      this.#over()
      return
    }
    const { status, reason, afterSeconds = 0 } = outcome.kind === 'later' ? outcome : SILENT
    const wait = Math.max(this.#backoff(), Math.min(afterSeconds, this.company.limits.retryAfterMaxSeconds) * 1_000)
    this.#failures++
    this.#after(wait, () => this.#beginIfWanted())
    this.company.keep(this)
    if (this.#isTold) return
    this.#isTold = true
    this.company.refused(this, status, reason)
  }

  async #beginIfWanted(): Promise<void> {
    const isWanted = await this.company.isWanted(this)
    if (this.phase !== 'on') return
    if (isWanted) await this.begin()
    else this.company.drop(this)
  }

  #begin(): void {
    this.begin().catch(this.company.failed)
  }

  #takes(least: number): boolean {
    if (least <= this.#expiresSeconds || least > this.company.limits.expiresMaxSeconds) return false
    this.#expiresSeconds = least
    return true
  }

  /** §4.1.4, §5.4.9: where the package allows one dialog, the first NOTIFY makes it. */
  #requireMayFork(): void {
    if (this.#legs.size === 0 && this.phase !== 'over') return
    const { limits, now } = this.company
    if (!this.spoken.forks || this.#legs.size >= limits.forksMax || now() > this.#forkUntil)
      throw new RefusedError(481, 'Subscription does not exist')
  }

  #dialogFrom(received: Received): Dialog {
    return Dialog.of(received, this.#tag, this.#cseq, this.#target?.toString())
  }

  #identify(callId: string, tag: string): void {
    this.#callId = callId
    this.#tag = tag
    this.company.identified(this, `${callId} ${tag}`)
  }

  #has(leg: Leg): boolean {
    return this.#legs.get(leg.dialog.remoteTag) === leg
  }

  #refreshIn(leg: Leg): number {
    const { now, limits, random } = this.company
    // Those who began together need not go on so.
    return (leg.expiresAt - now()) * (limits.refreshAt - random() * REFRESH_SPREAD)
  }

  #refreshAfter(leg: Leg, ms: number): void {
    clearTimeout(leg.refreshing)
    leg.refreshing = setTimeout(() => this.#refresh(leg), Math.max(0, ms)).unref()
  }

  #drop(leg: Leg): void {
    clearTimeout(leg.refreshing)
    this.#legs.delete(leg.dialog.remoteTag)
  }

  #dropAll(): void {
    clearTimeout(this.#timer)
    for (const leg of [...this.#legs.values()]) this.#drop(leg)
  }

  #backoff(): number {
    return backoffMs(this.#failures, this.company.limits, this.company.random)
  }

  #after(ms: number, then: () => Promise<void> | void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(async () => {
      try {
        await then()
      } catch (cause) {
        this.company.failed(cause)
      }
    }, ms).unref()
  }

  #settled(): void {
    if (this.phase === 'ending' && this.#legs.size === 0) this.#over()
    else if (this.phase === 'on') this.company.keep(this)
  }

  #over(): void {
    this.phase = 'over'
    this.#dropAll()
    this.company.over(this)
  }
}

const SILENT: Extract<Outcome, { kind: 'later' }> = { kind: 'later', status: 408, reason: 'No NOTIFY came', afterSeconds: undefined }
/** Part of a subscription's time over which refreshes are spread. */
const REFRESH_SPREAD = 0.1
/** A NOTIFY that only counts the seconds down is no news for the store. */
const KEPT_WITHIN_MS = 5_000
