/** The dialogs in which somebody of ours watches over SIP (RFC 6665 §4.1): begun, refreshed while wanted, begun anew where they were lost. */
import { SipUri } from '../../address/sip-uri.ts'
import type { Log } from '../../log/log.ts'
import type { SipRequest, SipResponse } from '../../sip/message.ts'
import { tagOf } from '../../sip/name-addr.ts'
import type { Received } from '../../sip/port.ts'
import type { Kept } from '../../store/port.ts'
import { type MaybePromise, RefusedError } from '../port.ts'
import { packageFor } from './event.ts'
import type { StoredSubscription } from './leg.ts'
import { SUBSCRIBER_DEFAULTS, type SubscriberLimits } from './limits.ts'
import type { Next, Outward } from './outward.ts'
import type { EventPackage } from './packages.ts'
import { keyOfWatch, type Notice, type Notices, type Watch } from './port.ts'
import { Slots } from './slots.ts'
import { Subscription } from './subscription.ts'

export interface SubscriberRooms {
  readonly outward: Outward
  readonly notices: Notices
  readonly kept: Kept
  readonly packages: readonly EventPackage[]
  /** Whether a dialog of an earlier run goes on: not where it was the stack's own affair. */
  readonly keepsDialogs: boolean
  readonly now: () => number
  readonly random: () => number
  readonly log: Log
  readonly limits?: SubscriberLimits
}

/** What a subscription asks of whoever keeps it. */
export interface Company extends Pick<SubscriberRooms, 'outward' | 'now' | 'random'> {
  readonly limits: SubscriberLimits
  send(request: SipRequest, next: Next): Promise<SipResponse>
  /** NOTIFYs find it under this key from now on. */
  identified(one: Subscription, key: string): void
  isWanted(one: Subscription): MaybePromise<boolean>
  noticed(one: Subscription, notice: Notice): void
  refused(one: Subscription, status: number, reason: string): void
  /** Nobody wants it any more. */
  drop(one: Subscription): void
  keep(one: Subscription): void
  over(one: Subscription): void
  /** Nobody awaits what a timer or a response began. */
  failed(cause: unknown): void
}

export class Subscriber {
  readonly #limits: SubscriberLimits
  /** Those that are to last, by their watch. */
  readonly #lasting = new Map<string, Subscription>()
  readonly #fetching = new Map<string, Subscription>()
  /** All of them, those that are ending too, by Call-ID and tag. */
  readonly #byKey = new Map<string, Subscription>()
  readonly #company: Company

  constructor(readonly rooms: SubscriberRooms) {
    const { outward, now, random, limits = SUBSCRIBER_DEFAULTS } = rooms
    const slots = new Slots(limits.underWayMax)
    this.#limits = limits
    this.#company = {
      outward,
      now,
      random,
      limits,
      send: (request, next) => slots.run(() => outward.send(request, next)),
      identified: (one, key) => this.#identified(one, key),
      isWanted: (one) => rooms.notices.isWanted(one.watch),
      noticed: (one, notice) => this.#noticed(one, notice),
      refused: (one, status, reason) => rooms.notices.refused(one.watch, status, reason),
      drop: (one) => this.#end(one),
      keep: (one) => this.#keep(one),
      over: (one) => this.#over(one),
      failed: this.#failed,
    }
  }

  /** For metrics. */
  get size(): number {
    return this.#lasting.size
  }

  /** Nothing where it is subscribed already. The way is found by `outward.startFor`, each time a dialog is begun. Throws RefusedError for a package that is not spoken. */
  subscribe(watch: Watch): void {
    const key = keyOfWatch(watch)
    if (this.#lasting.has(key)) return
    const one = this.#made(watch, false)
    this.#lasting.set(key, one)
    this.#keep(one)
    one.begin().catch(this.#failed)
  }

  /** The state as it is now, in each of its dialogs: what an earlier run has left is told by nobody otherwise until it is refreshed. */
  refresh(watch: Watch): void {
    this.#lasting.get(keyOfWatch(watch))?.refresh()
  }

  /** `Expires: 0` in each of its dialogs; what their last NOTIFYs say is still told. */
  unsubscribe(watch: Watch): void {
    const one = this.#lasting.get(keyOfWatch(watch))
    if (one) this.#end(one)
  }

  /** The account is gone: nothing is watched in its name. */
  forget(account: SipUri): void {
    for (const one of [...this.#lasting.values(), ...this.#fetching.values()]) if (one.watch.watcher.aor === account.aor) this.#end(one)
  }

  /** One look, in a dialog of its own: one `noticed` with `isFetched`, or one `refused`. Nothing where one is under way. */
  fetch(watch: Watch): void {
    const key = keyOfWatch(watch)
    if (this.#fetching.has(key)) return
    const one = this.#made(watch, true)
    if (this.#fetching.size >= this.#limits.fetchesMax) {
      this.rooms.notices.refused(watch, 503, 'Too many look at once')
      return
    }
    this.#fetching.set(key, one)
    one.begin().catch(this.#failed)
  }

  /** It was asked for and not given up: whether there is an answer or not. */
  has(watch: Watch): boolean {
    return this.#lasting.has(keyOfWatch(watch))
  }

  /** Whether a NOTIFY is in a dialog of ours, or may make one. */
  owns(request: SipRequest): boolean {
    return this.#find(request) !== undefined
  }

  /** A NOTIFY. Throws RefusedError. */
  inDialog(received: Received): SipResponse {
    const one = this.#find(received.request)
    if (!one) throw new RefusedError(481, 'Subscription does not exist')
    return one.notified(received)
  }

  /** Takes up what an earlier run watched, a few each second. */
  async restore(): Promise<void> {
    const { kept, keepsDialogs, now, random, log } = this.rooms
    const records = await kept.load(now())
    const within = (records.length / this.#limits.returnsPerSecond) * 1_000
    for (const { key, data } of records) {
      try {
        const stored: StoredSubscription = JSON.parse(data)
        const watch = { watcher: SipUri.parse(stored.watcher), watched: SipUri.parse(stored.watched), event: stored.event }
        const one = this.#made(watch, false)
        this.#lasting.set(keyOfWatch(watch), one)
        one.resume(stored, keepsDialogs, within * random())
      } catch (cause) {
        log.failure({ what: 'subscription_not_restored', key, error: cause instanceof Error ? cause.stack : cause })
        await kept.remove(key)
      }
    }
  }

  /** Nothing goes out any more; the subscriptions stay in the store. */
  stop(): void {
    for (const one of new Set([...this.#byKey.values(), ...this.#lasting.values(), ...this.#fetching.values()])) one.stop()
  }

  #made(watch: Watch, isFetch: boolean): Subscription {
    return new Subscription(watch, packageFor(watch.event, this.rooms.packages), isFetch, this.#company)
  }

  #find({ headers }: SipRequest): Subscription | undefined {
    const to = tagOf(headers.get('To') ?? '')
    return to === undefined ? undefined : this.#byKey.get(`${headers.get('Call-ID') ?? ''} ${to}`)
  }

  #identified(one: Subscription, key: string): void {
    this.#byKey.delete(one.key)
    one.key = key
    this.#byKey.set(key, one)
  }

  /** What is still said of one that was ended is no news where there is another. */
  #noticed(one: Subscription, notice: Notice): void {
    const { watch } = one
    const now = one.isFetch ? undefined : this.#lasting.get(keyOfWatch(watch))
    if (!now || now === one) this.rooms.notices.noticed(watch, notice)
  }

  #end(one: Subscription): void {
    this.#forget(one)
    one.end()
  }

  #over(one: Subscription): void {
    this.#byKey.delete(one.key)
    this.#forget(one)
  }

  #forget(one: Subscription): void {
    const key = keyOfWatch(one.watch)
    if (this.#fetching.get(key) === one) this.#fetching.delete(key)
    if (this.#lasting.get(key) !== one) return
    this.#lasting.delete(key)
    this.#written(this.rooms.kept.remove(key))
  }

  #keep(one: Subscription): void {
    const key = keyOfWatch(one.watch)
    if (this.#lasting.get(key) !== one) return
    // What has expired is subscribed anew, so the record does not expire.
    this.#written(this.rooms.kept.put({ key, owner: one.watch.watcher.aor, expiresAt: undefined, data: JSON.stringify(one.stored) }))
  }

  #written(written: MaybePromise<void>): void {
    if (written instanceof Promise) written.catch(this.#failed)
  }

  readonly #failed = (cause: unknown): void => {
    this.rooms.log.failure({ what: 'subscription_failed', error: cause instanceof Error ? cause.stack : cause })
  }
}
