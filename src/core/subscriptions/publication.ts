/** One publication of ours (RFC 3903 §4): said, refreshed, changed and taken back, one PUBLISH at a time. */
import type { SipUri } from '../../address/sip-uri.ts'
import { newCallId, newTag } from '../../sip/identifier.ts'
import { Headers, SipRequest } from '../../sip/message.ts'
import { RefusedError } from '../port.ts'
import type { PublisherLimits } from './limits.ts'
import { backoffMs, type Outcome, outcomeOf, outcomeOfFailure } from './outcome.ts'
import type { Document } from './port.ts'
import type { PublisherRooms } from './publisher.ts'

const NO_BODY = Buffer.alloc(0)

export class Publication {
  #document: Document | undefined
  /** What the server has; undefined: it has to hear all of it. */
  #published: Document | undefined
  #tag: string | undefined
  #expiresSeconds: number
  #nextAt = 0
  #failures = 0
  #isGone = false
  #timer: NodeJS.Timeout | undefined
  #underWay: Promise<void> | undefined

  constructor(
    readonly account: SipUri,
    readonly event: string,
    readonly rooms: PublisherRooms,
    readonly limits: PublisherLimits,
  ) {
    this.#expiresSeconds = limits.expiresSeconds
  }

  /** At once, or with whatever else changes until it may be. */
  change(document: Document): void {
    this.#document = document
    if (!this.#underWay) this.#after(Math.max(0, this.#nextAt - this.rooms.now()))
  }

  async remove(): Promise<void> {
    this.#isGone = true
    clearTimeout(this.#timer)
    await this.#underWay
    if (this.#tag === undefined) return
    const outcome = await this.#ask(0, undefined)
    if (outcome.kind !== 'taken')
      this.rooms.log.lowLevel({ what: 'publication_not_removed', account: this.account.toString(), outcome: outcome.kind })
  }

  #after(ms: number): void {
    clearTimeout(this.#timer)
    if (this.#isGone) return
    this.#timer = setTimeout(() => {
      this.#underWay ??= this.#say()
        .catch((cause: unknown) =>
          this.rooms.log.failure({ what: 'publication_failed', error: cause instanceof Error ? cause.stack : cause }),
        )
        .finally(() => {
          this.#underWay = undefined
        })
    }, ms).unref()
  }

  async #say(): Promise<void> {
    const document = this.#document
    const { now, random } = this.rooms
    const { publishSeconds, refreshAt, expiresMaxSeconds } = this.limits
    this.#nextAt = now() + publishSeconds * 1_000
    const outcome = await this.#ask(this.#expiresSeconds, document === this.#published && this.#tag !== undefined ? undefined : document)
    switch (outcome.kind) {
      case 'taken': {
        this.#tag = outcome.response.headers.get('SIP-ETag')
        this.#published = document
        this.#failures = 0
        const seconds = outcome.expires || this.#expiresSeconds
        // Who names no entity-tag hears all of it each time.
        this.#again(seconds * 1_000 * (refreshAt - random() / 10))
        return
      }
      case 'unknown':
        // §4.3: what the server has forgotten is published anew.
        this.#again(this.#tag === undefined ? this.#backoff() : 0)
        this.#tag = undefined
        return
      case 'too brief':
        if (outcome.least > this.#expiresSeconds && outcome.least <= expiresMaxSeconds) {
          this.#expiresSeconds = outcome.least
          this.#again(0)
          return
        }
        this.#refused(423, 'Interval Too Brief')
        return
      case 'later':
        this.#wait(Math.max(this.#backoff(), (outcome.afterSeconds ?? 0) * 1_000))
        return
      case 'refused':
        this.#refused(outcome.status, outcome.reason)
    }
  }

  /** It is not tried more often than it would be refreshed. */
  #refused(status: number, reason: string): void {
    this.rooms.log.problem({ what: 'publication_refused', account: this.account.toString(), event: this.event, status, reason })
    this.#tag = undefined
    this.#wait(this.#expiresSeconds * 1_000)
  }

  /** Whatever changes meanwhile. */
  #wait(ms: number): void {
    this.#nextAt = this.rooms.now() + ms
    this.#after(ms)
  }

  #again(ms: number): void {
    // What changed meanwhile does not wait for that, but never goes out sooner than it may.
    const isNews = this.#document !== this.#published && this.#failures === 0 && ms > 0
    this.#after(isNews ? Math.min(ms, Math.max(0, this.#nextAt - this.rooms.now())) : ms)
  }

  #backoff(): number {
    return backoffMs(this.#failures++, this.limits, this.rooms.random)
  }

  async #ask(expires: number, document: Document | undefined): Promise<Outcome> {
    const { account, event } = this
    const { outward } = this.rooms
    try {
      const start = await outward.startFor({ watcher: account, watched: account, event })
      if (!start) throw new RefusedError(404, 'No way to this address is known')
      const headers = new Headers(['Max-Forwards', '70'])
      for (const route of start.routes) headers.append('Route', route)
      headers.append('From', `<${account}>;tag=${newTag()}`)
      headers.append('To', `<${account}>`)
      headers.append('Call-ID', newCallId())
      headers.append('CSeq', '1 PUBLISH')
      headers.append('Event', event)
      headers.append('Expires', String(expires))
      if (this.#tag !== undefined) headers.append('SIP-If-Match', this.#tag)
      if (document) headers.append('Content-Type', document.contentType)
      return outcomeOf(
        await outward.send(new SipRequest('PUBLISH', start.target.toString(), headers, document?.body ?? NO_BODY), start.next),
      )
    } catch (cause) {
      return outcomeOfFailure(cause)
    }
  }
}
