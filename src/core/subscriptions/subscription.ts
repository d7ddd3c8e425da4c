/** One subscription of ours (RFC 6665 §4.1): the SUBSCRIBE that began it, the dialogs its NOTIFYs made, and when it is to be said again. */
import { response, type SipRequest, type SipResponse } from '../../sip/message.ts'
import { tagOf } from '../../sip/name-addr.ts'
import type { Received } from '../../sip/port.ts'
import { RefusedError } from '../port.ts'
import { Attempt, subscribeFields } from './attempt.ts'
import type { SubscriptionState } from './event.ts'
import { Leg, type StoredSubscription } from './leg.ts'
import { documentOf, stateOf } from './notice.ts'
import { backoffMs, FINAL, LATER, type Outcome, outcomeOf, outcomeOfFailure, SILENT } from './outcome.ts'
import type { Next } from './outward.ts'
import type { EventPackage } from './packages.ts'
import type { Notice, TerminationReason, Watch } from './port.ts'
import type { Company } from './subscriber.ts'

const NO_BODY = Buffer.alloc(0)

export class Subscription {
  /** `ending`: what comes is still heard. */
  phase: 'on' | 'ending' | 'over' = 'on'
  /** Under which NOTIFYs find it: `Call-ID From-tag`. */
  key = ''
  #attempt: Attempt | undefined
  #contact = ''
  readonly #legs = new Map<string, Leg>()
  #expiresSeconds: number
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
    const names = { watcher: watcher.toString(), watched: watched.toString(), event }
    const legs = [...this.#legs.values()].map((leg) => leg.stored)
    return { ...names, expiresSeconds: this.#expiresSeconds, contact: this.#contact, legs }
  }

  /** Goes on with what an earlier run has left, not before `waitMs` have passed. */
  resume({ expiresSeconds, contact, legs }: StoredSubscription, keepsDialogs: boolean, waitMs: number): void {
    const now = this.company.now()
    this.#expiresSeconds = expiresSeconds
    this.#contact = contact
    for (const stored of keepsDialogs ? legs : []) {
      if (stored.expiresAt <= now) continue
      const leg = Leg.restored(stored)
      const { callId, localTag, remoteTag } = leg.dialog
      this.company.identified(this, `${callId} ${localTag}`)
      this.#legs.set(remoteTag, leg)
      leg.refreshAfter(Math.max(waitMs, this.#refreshIn(leg)), this.#refresh)
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
      this.#contact = (await company.outward.contactFor(start.next)).toString()
      if (this.phase !== 'on') return this.#over()
      const attempt = new Attempt(watch, start, company.now())
      this.#attempt = attempt
      company.identified(this, `${attempt.callId} ${attempt.tag}`)
      await this.#ask(attempt)
    } catch (cause) {
      this.#failed(outcomeOfFailure(cause))
    }
  }

  /** At once, instead of when its time comes (RFC 6665 §4.2.1.2: it is answered with a NOTIFY of the state). */
  refresh(): void {
    for (const leg of this.#legs.values()) leg.refreshAfter(0, this.#refresh)
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
    for (const leg of this.#legs.values()) leg.rest()
  }

  /** A NOTIFY under its key. Throws RefusedError. */
  notified(received: Received): SipResponse {
    const { request } = received
    const state = stateOf(request, this.spoken)
    const tag = tagOf(request.headers.get('From') ?? '') ?? ''
    const known = this.#legs.get(tag)
    known?.dialog.take(request)
    const leg = known ?? new Leg(this.#mayFork().dialogFrom(received), this.company.now(), 0)
    const document = documentOf(request, this.spoken)
    known?.dialog.refreshTarget(received)
    const { reason, retryAfterSeconds } = state
    const notice: Notice = {
      dialog: `${this.key} ${tag}`,
      isFetched: this.isFetch,
      state: state.state,
      reason,
      retryAfterSeconds,
      document,
      language: request.headers.get('Content-Language'),
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
    if (this.isFetch) return this.#over()
    leg.rest()
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
    const seconds = expires ?? (leg.expiresAt > now ? undefined : (this.#attempt?.granted ?? this.#expiresSeconds))
    const before = leg.expiresAt
    if (seconds !== undefined) leg.expiresAt = now + seconds * 1_000
    leg.refreshAfter(this.#refreshIn(leg), this.#refresh)
    if (isNew || Math.abs(before - leg.expiresAt) > KEPT_WITHIN_MS) this.company.keep(this)
  }

  /** Its last dialog was ended by the other side. */
  #terminated(leg: Leg, reason: TerminationReason | undefined, retryAfterSeconds: number | undefined): void {
    if (FINAL.has(reason)) return this.#over()
    // Whatever its SUBSCRIBE still hears is of no interest.
    this.#attempt = undefined
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

  async #ask(attempt: Attempt): Promise<void> {
    const { company } = this
    const request = attempt.request(subscribeFields(this.spoken, this.#expiresSeconds, this.#contact))
    const outcome = await this.#sent(request, attempt.start.next, attempt)
    // A NOTIFY may have come first, and everything may be different since.
    if (this.phase === 'over' || this.#attempt !== attempt || this.#legs.size > 0) return
    if (outcome.kind === 'taken') {
      attempt.granted = outcome.expires
      if (this.phase === 'on') this.#after(company.limits.notifyWaitMs, () => this.#failed(SILENT))
    } else if (outcome.kind === 'too brief' && this.phase === 'on' && this.#takes(outcome.least)) await this.#ask(attempt)
    else this.#failed(outcome)
  }

  /** Before it expires, and only while somebody wants it. */
  readonly #refresh = async (leg: Leg): Promise<void> => {
    if (leg.isBusy || this.phase !== 'on') return
    leg.isBusy = true
    try {
      const isWanted = await this.company.isWanted(this)
      const outcome = isWanted && this.#has(leg) ? await this.#subscribeIn(leg, this.#expiresSeconds) : SILENT
      leg.isBusy = false
      if (!this.#has(leg)) return
      if (!isWanted) return this.company.drop(this)
      if (outcome.kind === 'taken') {
        this.#failures = 0
        leg.expiresAt = this.company.now() + (outcome.expires ?? this.#expiresSeconds) * 1_000
        this.company.keep(this)
        leg.refreshAfter(this.#refreshIn(leg), this.#refresh)
      } else if (outcome.kind === 'too brief' && this.#takes(outcome.least)) leg.refreshAfter(0, this.#refresh)
      else if (outcome.kind === 'later' && leg.expiresAt > this.company.now()) {
        // §4.1.2.2: it goes on as long as it was granted.
        const left = leg.expiresAt - this.company.now()
        const wait = Math.max(this.#backoff(), (outcome.afterSeconds ?? 0) * 1_000)
        this.#failures++
        leg.refreshAfter(Math.min(wait, left), this.#refresh)
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
    leg.rest()
    this.#subscribeIn(leg, 0).then((outcome) => {
      if (outcome.kind === 'taken') return
      this.#drop(leg)
      this.#settled()
    }, this.company.failed)
  }

  #subscribeIn({ dialog }: Leg, expires: number): Promise<Outcome> {
    const request = dialog.request('SUBSCRIBE', subscribeFields(this.spoken, expires, this.#contact), NO_BODY)
    return this.#sent(request, dialog.next, dialog)
  }

  async #sent(request: SipRequest, next: Next, counting: { heard(answer: SipResponse): void; heardNothing?(): void }): Promise<Outcome> {
    try {
      const answer = await this.company.send(request, next)
      counting.heard(answer)
      return outcomeOf(answer)
    } catch (cause) {
      counting.heardNothing?.()
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
  #mayFork(): Attempt {
    const attempt = this.#attempt
    const { limits, now } = this.company
    const { size } = this.#legs
    if (attempt && this.phase !== 'over') {
      if (size === 0) return attempt
      if (this.spoken.forks && size < limits.forksMax && now() - attempt.begunAt <= limits.notifyWaitMs) return attempt
    }
    throw new RefusedError(481, 'Subscription does not exist')
  }

  #has(leg: Leg): boolean {
    return this.phase === 'on' && this.#legs.get(leg.dialog.remoteTag) === leg
  }

  #refreshIn(leg: Leg): number {
    const { now, limits, random } = this.company
    // Those who began together need not go on so; and who grants no time at all is not asked without end.
    return Math.max(limits.retryFirstMs, (leg.expiresAt - now()) * (limits.refreshAt - random() * REFRESH_SPREAD))
  }

  #drop(leg: Leg): void {
    leg.rest()
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
    if (this.phase === 'over') return
    this.phase = 'over'
    this.#dropAll()
    this.company.over(this)
  }
}

/** Part of a subscription's time over which refreshes are spread. */
const REFRESH_SPREAD = 0.1
/** A NOTIFY that only counts the seconds down is no news for the store. */
const KEPT_WITHIN_MS = 5_000
