/** NOTIFYs on their way (RFC 6665 §4.2.2): one at a time in a dialog, the latest state in each, and what becomes of the dialog by its answer. */
import type { Log } from '../../log/log.ts'
import type { SipResponse } from '../../sip/message.ts'
import { parseDeltaSeconds } from '../../sip/number.ts'
import { NoResponseError } from '../../sip/port.ts'
import { RefusedError } from '../port.ts'
import { printEvent } from './event.ts'
import type { NotifierLimits } from './limits.ts'
import type { NotifierDialog } from './notifier-dialog.ts'
import type { Outward } from './outward.ts'
import type { View, Views } from './port.ts'
import { Turns } from './turns.ts'

export interface NotifyingRooms {
  readonly outward: Outward
  readonly views: Views
  readonly limits: NotifierLimits
  /** Nobody is there any more, or what was said last was the last. */
  gone(one: NotifierDialog): void
  /** The store has to know its next number. */
  keep(one: NotifierDialog): void
  readonly now: () => number
  readonly log: Log
}

const NO_BODY = Buffer.alloc(0)
/** The watcher has no such dialog, or wants nothing of it: not even a second time (§4.2.2, RFC 5057 §5.1). */
const ENDING = new Set([401, 403, 404, 405, 407, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 603, 604])

export class Notifying {
  readonly #turns: Turns<NotifierDialog>
  /** Single looks that are not answered yet. */
  #fetching = 0

  constructor(readonly rooms: NotifyingRooms) {
    this.#turns = new Turns(rooms.limits.perTurn, (one) => this.#look(one))
  }

  stop(): void {
    this.#turns.stop()
  }

  /** For one more look. Throws RefusedError. */
  requireRoom(): void {
    const { fetchesMax, retryAfterSeconds } = this.rooms.limits
    if (this.#fetching >= fetchesMax) throw new RefusedError(503, 'Service Unavailable', [['Retry-After', String(retryAfterSeconds)]])
  }

  /** There is something new: told at once, or as soon as it may be. */
  due(one: NotifierDialog): void {
    if (one.phase !== 'open') return
    one.isDue = true
    if (one.isSending || one.isQueued) return
    // Nothing was seen yet: the first look is not one of many (RFC 3856 §6.10 is about changes).
    const wait = one.hasShown ? one.nextAt - this.rooms.now() : 0
    // Timers may ring a moment early.
    if (wait > 0) this.wake(one, Math.ceil(wait))
    else this.#queue(one)
  }

  /** The answer to a SUBSCRIBE is due whatever was told a moment ago (§4.2.1.2). */
  dueNow(one: NotifierDialog): void {
    one.nextAt = 0
    this.due(one)
  }

  wake(one: NotifierDialog, ms: number): void {
    clearTimeout(one.waking)
    one.waking = setTimeout(wakeUp, ms, this, one).unref()
  }

  /** The last word of this dialog; what is under way has its answer first. */
  end(one: NotifierDialog, last: View): void {
    clearTimeout(one.waking)
    if (one.phase === 'over') return
    one.phase = 'ending'
    one.last = last
    if (one.isFetch) this.#fetching++
    if (!one.isSending && !one.isQueued) this.#queue(one)
  }

  #queue(one: NotifierDialog): void {
    one.isQueued = true
    this.#turns.add(one)
  }

  /** Its turn has come. Throws nothing. */
  #look(one: NotifierDialog): void {
    one.isQueued = false
    if (one.last) this.#say(one, one.last)
    else if (one.phase === 'open' && one.isDue) this.#tell(one)
  }

  #tell(one: NotifierDialog): void {
    // What changes while it is looked up is seen, or due again.
    one.isSending = true
    one.isDue = false
    try {
      const view = this.rooms.views.viewFor(one.watch)
      if (view instanceof Promise)
        view.then(
          (seen) => this.#say(one, seen),
          (cause: unknown) => this.#failed(one, cause),
        )
      else this.#say(one, view)
    } catch (cause) {
      this.#failed(one, cause)
    }
  }

  #say(one: NotifierDialog, seen: View): void {
    // It may have ended while the state was looked up.
    const view = one.last ?? seen
    one.isSending = one.phase === 'open' || (one.phase === 'ending' && view === one.last)
    if (!one.isSending) return
    if (one.phase === 'open' && view.state === 'terminated') this.rooms.gone(one)
    if (view.state === 'terminated') one.phase = 'over'
    const { dialog, watch, id } = one
    const { now, limits, outward } = this.rooms
    const at = now()
    one.nextAt = at + one.apartMs
    one.hasShown = view.state === 'active' && view.document !== undefined
    if (one.phase === 'open' && dialog.cseq >= one.reserved) {
      one.reserved = dialog.cseq + limits.cseqStep
      this.rooms.keep(one)
    }
    const state = printState(view, one.expiresAt - at)
    const fields = ['Event', printEvent(watch.event, id), 'Subscription-State', state, 'Contact', one.contact]
    const document = view.state === 'pending' ? undefined : view.document
    if (document) fields.push('Content-Type', document.contentType)
    try {
      const request = dialog.request('NOTIFY', fields, document?.body ?? NO_BODY)
      outward.send(request, dialog.next).then(
        (response) => this.#answered(one, response),
        (cause: unknown) => this.#failed(one, cause),
      )
    } catch (cause) {
      this.#failed(one, cause)
    }
  }

  #answered(one: NotifierDialog, response: SipResponse): void {
    one.dialog.heard(response)
    if (!this.#goesOn(one)) return
    const { status, reason } = response
    if (status < 300) {
      one.failures = 0
      if (one.isDue) this.due(one)
      else if (one.withinMs > 0) this.#remind(one, one.withinMs)
    } else if (ENDING.has(status)) this.#lose(one, `${status} ${reason}`)
    else this.#again(one, `${status} ${reason}`, parseDeltaSeconds(response.headers.get('Retry-After') ?? ''))
  }

  #failed(one: NotifierDialog, cause: unknown): void {
    one.dialog.heardNothing()
    const isNews = cause instanceof NoResponseError || cause instanceof RefusedError
    if (!isNews) this.rooms.log.failure({ what: 'notify_failed', error: cause instanceof Error ? cause.stack : cause })
    if (!this.#goesOn(one)) return
    const why = isNews ? cause.message : 'our own mistake'
    // What does not fit will not fit a second time.
    if (cause instanceof RefusedError) this.#lose(one, why)
    else this.#again(one, why, undefined)
  }

  /** Whether there is more to say than a last word, which goes out now where there is one. */
  #goesOn(one: NotifierDialog): boolean {
    one.isSending = false
    if (one.isFetch) this.#fetching--
    if (one.phase === 'ending' && one.last) this.#say(one, one.last)
    return one.phase === 'open'
  }

  /** One lost packet is no reason to leave a watcher with an old view for an hour; a second one is. */
  #again(one: NotifierDialog, why: string, later: number | undefined): void {
    const { againMs, retryAfterMaxSeconds } = this.rooms.limits
    if (one.failures++ > 0) {
      this.#lose(one, why)
      return
    }
    const wait = later === undefined ? againMs : Math.min(later, retryAfterMaxSeconds) * 1_000
    one.nextAt = this.rooms.now() + wait
    this.#remind(one, wait)
  }

  #remind(one: NotifierDialog, ms: number): void {
    one.isDue = true
    this.wake(one, ms)
  }

  #lose(one: NotifierDialog, why: string): void {
    const { watch } = one
    one.phase = 'over'
    this.rooms.log.problem({
      what: 'watcher_lost',
      watcher: watch.watcher.toString(),
      watched: watch.watched.toString(),
      event: watch.event,
      why,
    })
    this.rooms.gone(one)
  }
}

/** Without a closure for each dialog. */
function wakeUp(notifying: Notifying, one: NotifierDialog): void {
  notifying.due(one)
}

function printState(view: View, leftMs: number): string {
  if (view.state !== 'terminated') return `${view.state};expires=${Math.max(0, Math.ceil(leftMs / 1_000))}`
  const later = view.retryAfterSeconds
  return later === undefined ? `terminated;reason=${view.reason}` : `terminated;reason=${view.reason};retry-after=${later}`
}
