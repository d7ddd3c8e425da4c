/** Our side of the dialogs in which others watch (RFC 6665 §4.2): SUBSCRIBE begins one, and each change goes out in it as a NOTIFY of the full state. */
import { unbracketed } from '../../address/ip-literal.ts'
import type { SipUri } from '../../address/sip-uri.ts'
import type { Log } from '../../log/log.ts'
import { newTag } from '../../sip/identifier.ts'
import { response, type SipRequest, type SipResponse } from '../../sip/message.ts'
import { NameAddr, parseNameAddr, tagOf } from '../../sip/name-addr.ts'
import { NoResponseError, type Received } from '../../sip/port.ts'
import type { Kept } from '../../store/port.ts'
import { PlainAnswer } from '../answer.ts'
import { type Answer, type MaybePromise, RefusedError, type Signal } from '../port.ts'
import { Dialog } from './dialog.ts'
import { accepts, contactOf, type EventField, eventOf, grantedFor, packageFor } from './event.ts'
import { NOTIFIER_DEFAULTS, type NotifierLimits } from './limits.ts'
import { keyOf, NotifierDialog, type Owner } from './notifier-dialog.ts'
import { Notifying } from './notifying.ts'
import type { Outward } from './outward.ts'
import type { EventPackage } from './packages.ts'
import type { TerminationReason, View, Views, Watch } from './port.ts'
import { Watchings } from './watchings.ts'

export interface NotifierRooms {
  readonly outward: Outward
  readonly views: Views
  readonly kept: Kept
  /** Those served; others get 489 (RFC 6665 §4.2.1.4). */
  readonly packages: readonly EventPackage[]
  /** Whether a dialog of an earlier run goes on: not where it was the stack's own affair. */
  readonly keepsDialogs: boolean
  readonly now: () => number
  readonly log: Log
  readonly limits?: NotifierLimits
}

/** One watching of one address, as RFC 3857 tells it to the watched. */
export interface Watcher {
  readonly watch: Watch
  /** The same as long as its dialog lives. */
  readonly id: string
  /** Milliseconds since 1970. */
  readonly since: number
  readonly expiresAt: number
}

/** Of these nothing is shown any more. */
const UNSEEN: ReadonlySet<TerminationReason> = new Set<TerminationReason>(['rejected', 'noresource'])

export class Notifier {
  readonly #limits: NotifierLimits
  readonly #dialogs: Watchings
  readonly #notifying: Notifying

  constructor(readonly rooms: NotifierRooms) {
    const { outward, views, now, log, limits = NOTIFIER_DEFAULTS } = rooms
    this.#limits = limits
    this.#dialogs = new Watchings(limits)
    this.#notifying = new Notifying({
      outward,
      views,
      limits,
      gone: (one) => this.#remove(one),
      keep: (one) => this.#put(one),
      now,
      log,
    })
  }

  /** For metrics. */
  get dialogs(): number {
    return this.#dialogs.size
  }

  /** A SUBSCRIBE outside a dialog; `watch.event` is the package its Event names. The first NOTIFY follows the answer. Throws RefusedError. */
  subscribe(signal: Signal, watch: Watch): MaybePromise<Answer> {
    const { received: request, arrival } = signal
    if (!request || arrival.kind !== 'wire') throw new RefusedError(400, 'A subscription needs a request')
    const { headers } = request
    const event = eventOf(headers.get('Event'))
    const { types } = packageFor(event.event, this.rooms.packages)
    if (!accepts(headers, types)) throw new RefusedError(406, 'Not Acceptable', [['Accept', types.join(', ')]])
    const seconds = grantedFor(headers.get('Expires'), this.#limits)
    const { hop } = arrival
    const dialog = Dialog.of({ request, from: hop, local: hop }, newTag(), 0)
    if (seconds === 0) this.#notifying.requireRoom()
    else this.#dialogs.requireRoom(watch)
    const begin = (contact: SipUri): Answer => {
      const now = this.rooms.now()
      const owner = { account: arrival.account, host: unbracketed(hop.host) }
      const one = new NotifierDialog(dialog, watch, event.id, owner, `<${contact}>`, now, now + seconds * 1_000)
      one.paced(event, this.#limits)
      if (seconds === 0) this.#look(one)
      else this.#begin(one)
      return new PlainAnswer(200, 'OK', granted(request, one, seconds))
    }
    const contact = this.#contactOf(dialog)
    return contact instanceof Promise ? contact.then(begin) : begin(contact)
  }

  /** Whose account began the dialog this request belongs to, and from where; undefined: it is in none of ours. */
  ownerOf(request: SipRequest): Owner | undefined {
    return this.#find(request)?.owner
  }

  /** A SUBSCRIBE in a dialog: refreshed or ended; 481 where there is none. Throws RefusedError. */
  inDialog(received: Received): MaybePromise<SipResponse> {
    const { request } = received
    const one = this.#find(request)
    if (!one) throw new RefusedError(481, 'Call/Transaction Does Not Exist')
    const { headers } = request
    one.dialog.take(request)
    const event = eventOf(headers.get('Event'))
    if (event.event !== one.watch.event || event.id !== one.id) throw new RefusedError(489, 'This dialog is about something else')
    contactOf(headers)
    const seconds = grantedFor(headers.get('Expires'), this.#limits)
    one.dialog.refreshTarget(received)
    if (seconds === 0) this.#end(one, 'timeout')
    else this.#refresh(one, event, seconds)
    return response(200, 'OK', [
      ['Expires', String(seconds)],
      ['Contact', one.contact],
    ])
  }

  /** There is something new to see: of this address, for all who watch it or one, in all packages or one. */
  changed(watched: SipUri, watcher?: SipUri, event?: string): void {
    if (watcher !== undefined && event !== undefined) {
      for (const one of this.#dialogs.of({ watcher, watched, event })) this.#notifying.due(one)
      return
    }
    for (const one of this.#dialogs.about(watched)) {
      const { watch } = one
      if (watcher !== undefined && watch.watcher.aor !== watcher.aor) continue
      if (event === undefined || watch.event === event) this.#notifying.due(one)
    }
  }

  /** A last NOTIFY in each of its dialogs; `views.ended` is told. */
  terminate(watch: Watch, reason: TerminationReason, retryAfterSeconds?: number): void {
    for (const one of this.#dialogs.of(watch)) this.#end(one, reason, retryAfterSeconds)
  }

  /** The account is gone: nobody watches it any more, and nobody watches in its name. */
  forget(account: SipUri): void {
    const { aor } = account
    for (const one of [...this.#dialogs.all()])
      if (one.watch.watched.aor === aor || one.owner.account?.aor === aor) this.#end(one, 'noresource')
  }

  /** What the account's own telephones have begun ends, so that they prove anew whose they are (RFC 6665 §4.1.3: they may come back at once). */
  signedOut({ aor }: SipUri): void {
    for (const one of [...this.#dialogs.all()]) if (one.owner.account?.aor === aor) this.#end(one, 'deactivated')
  }

  has(watch: Watch): boolean {
    return this.#dialogs.of(watch).length > 0
  }

  /** One for each dialog. */
  watchersOf(watched: SipUri, event: string): readonly Watcher[] {
    const watchers: Watcher[] = []
    for (const { watch, dialog, since, expiresAt } of this.#dialogs.about(watched))
      if (watch.event === event) watchers.push({ watch, id: dialog.localTag, since, expiresAt })
    return watchers
  }

  /** Takes up the dialogs of an earlier run: `views.begun` is told of each watch, and each hears the state as it is now. */
  async restore(): Promise<void> {
    const { kept, keepsDialogs, now, log, views } = this.rooms
    const apart = 1_000 / this.#limits.returnsPerSecond
    let wait = 0
    for (const record of await kept.load(now())) {
      try {
        // Whoever is told 481 subscribes anew.
        if (!keepsDialogs) await kept.remove(record.key)
        else {
          const one = NotifierDialog.restored(record)
          if (this.#dialogs.add(one)) views.begun(one.watch)
          this.#expireAt(one)
          one.isDue = true
          // Not before its turn, though those it watches may say sooner how they are.
          one.hasShown = true
          one.nextAt = now() + wait
          this.#notifying.wake(one, wait)
          wait += apart
        }
      } catch (cause) {
        log.failure({ what: 'dialog_not_restored', key: record.key, error: cause instanceof Error ? cause.stack : cause })
        await kept.remove(record.key)
      }
    }
  }

  /** Nothing goes out any more; the dialogs stay in the store. */
  stop(): void {
    this.#notifying.stop()
    for (const one of this.#dialogs.all()) {
      one.phase = 'over'
      clearTimeout(one.waking)
      clearTimeout(one.expiring)
    }
  }

  #find({ headers }: SipRequest): NotifierDialog | undefined {
    const to = tagOf(headers.get('To') ?? '')
    const one = to === undefined ? undefined : this.#dialogs.find(keyOf(headers.get('Call-ID') ?? '', to))
    return one && one.dialog.remoteTag === (tagOf(headers.get('From') ?? '') ?? '') ? one : undefined
  }

  #contactOf(dialog: Dialog): MaybePromise<SipUri> {
    const failed = (cause: unknown): never => {
      if (cause instanceof NoResponseError) throw new RefusedError(480, 'No way leads to that Contact')
      throw cause
    }
    try {
      const contact = this.rooms.outward.contactFor(dialog.next)
      return contact instanceof Promise ? contact.catch(failed) : contact
    } catch (cause) {
      return failed(cause)
    }
  }

  #begin(one: NotifierDialog): void {
    const { watch } = one
    // A device that was restarted has forgotten its dialogs; nobody would answer in the oldest one.
    const others = this.#dialogs.of(watch)
    const [oldest] = others
    const isFirst = this.#dialogs.add(one)
    if (oldest && others.length >= this.#limits.perWatchMax) {
      oldest.phase = 'over'
      this.#remove(oldest)
    }
    this.#expireAt(one)
    one.reserved = this.#limits.cseqStep
    this.#put(one)
    if (isFirst) this.rooms.views.begun(watch)
    this.#notifying.dueNow(one)
  }

  #refresh(one: NotifierDialog, event: EventField, seconds: number): void {
    one.expiresAt = this.rooms.now() + seconds * 1_000
    one.paced(event, this.#limits)
    this.#expireAt(one)
    this.#put(one)
    this.#notifying.dueNow(one)
  }

  #expireAt(one: NotifierDialog): void {
    clearTimeout(one.expiring)
    one.expiring = setTimeout(expired, Math.max(0, one.expiresAt - this.rooms.now()), this, one).unref()
  }

  /** For the timers alone. */
  expire(one: NotifierDialog): void {
    if (one.phase === 'open') this.#end(one, 'timeout')
  }

  /** §4.4.3: one look, and the dialog is over. */
  #look(one: NotifierDialog): void {
    one.isFetch = true
    this.#lastView(one, 'timeout', undefined, (view) => this.#notifying.end(one, view))
  }

  #end(one: NotifierDialog, reason: TerminationReason, retryAfterSeconds?: number): void {
    if (one.phase !== 'open') return
    // From now on it is in the way of nobody; its last NOTIFY is told what was to be seen while it lived.
    one.phase = 'ending'
    this.#lastView(one, reason, retryAfterSeconds, (view) => {
      this.#remove(one)
      this.#notifying.end(one, view)
    })
  }

  #lastView(one: NotifierDialog, reason: TerminationReason, retryAfterSeconds: number | undefined, done: (view: View) => void): void {
    const later = retryAfterSeconds === undefined ? {} : { retryAfterSeconds }
    const without: View = { state: 'terminated', reason, ...later }
    if (UNSEEN.has(reason)) {
      done(without)
      return
    }
    const of = (view: View): View =>
      view.state === 'active' ? { ...without, document: view.document } : view.state === 'pending' ? without : view
    const failed = (cause: unknown): void => {
      this.rooms.log.failure({ what: 'view_failed', error: cause instanceof Error ? cause.stack : cause })
      done(without)
    }
    let view: MaybePromise<View>
    try {
      view = this.rooms.views.viewFor(one.watch)
    } catch (cause) {
      failed(cause)
      return
    }
    if (view instanceof Promise) view.then(of).then(done, failed)
    else done(of(view))
  }

  #remove(one: NotifierDialog): void {
    clearTimeout(one.expiring)
    clearTimeout(one.waking)
    if (this.#dialogs.find(one.key) !== one) return
    const wasLast = this.#dialogs.remove(one)
    this.#written(this.rooms.kept.remove(one.key))
    if (wasLast) this.rooms.views.ended(one.watch)
  }

  #put(one: NotifierDialog): void {
    if (this.rooms.keepsDialogs) this.#written(this.rooms.kept.put(one.record()))
  }

  /** Nobody waits for the store: what it has not taken, a watcher's 481 repairs. */
  #written(written: MaybePromise<void>): void {
    if (!(written instanceof Promise)) return
    written.catch((cause: unknown) =>
      this.rooms.log.failure({ what: 'dialog_not_kept', error: cause instanceof Error ? cause.stack : cause }),
    )
  }
}

/** Without a closure for each dialog. */
function expired(notifier: Notifier, one: NotifierDialog): void {
  notifier.expire(one)
}

/** §12.1.1 of RFC 3261: the route set of the one side is that of the other. */
function granted({ headers }: SipRequest, { dialog, contact }: NotifierDialog, seconds: number): (readonly [string, string])[] {
  const to = parseNameAddr(headers.get('To') ?? '')
  to.params.set('tag', dialog.localTag)
  return [
    ['To', new NameAddr(to.displayName, to.uri, to.params).toString()],
    ...headers.all('Record-Route').map((route) => ['Record-Route', route] as const),
    ['Expires', String(seconds)],
    ['Contact', contact],
  ]
}
