/** The calls of SIP users who are no accounts of ours, where what serves them tells of calls (RFC 4235): watched beside their presence, or instead of it. */
import type { SipUri } from '../address/sip-uri.ts'
import { keyOfWatch, type Notice, type Watch } from '../core/subscriptions/port.ts'
import type { Subscriber } from '../core/subscriptions/subscriber.ts'
import { type CallState, callStateOf, DIALOG_EVENT, type Dialog, dialogsAfter } from '../mapping/presence/dialog-info.ts'
import type { Table } from '../mapping/presence/versioned.ts'

export interface ForeignCallsRooms {
  readonly subscriber: Pick<Subscriber, 'subscribe' | 'unsubscribe' | 'has'>
  /** Whether calls are asked for there at all. */
  isAsked(watched: SipUri): boolean
}

/** Contacts of whom it is known that nobody tells of their calls; those above it are asked again. */
const UNSERVED_MAX = 10_000

/** What one watcher knows of one contact's calls. */
interface Known {
  /** By dialog: a SUBSCRIBE that forked has several, and each speaks for one telephone. */
  readonly tables: Map<string, Table<Dialog>>
  /** Asked for all of it again once because a version was missing; some never send the whole. */
  hasAskedAgain: boolean
}

export class ForeignCalls {
  readonly #known = new Map<string, Known>()
  readonly #unserved = new Set<string>()

  constructor(readonly rooms: ForeignCallsRooms) {}

  /** Whether it is worth asking. */
  mayBeServed({ watched }: Watch): boolean {
    return !this.#unserved.has(watched.aor) && this.rooms.isAsked(watched)
  }

  begin(watch: Watch): void {
    const calls = callsOf(watch)
    if (this.mayBeServed(watch) && !this.rooms.subscriber.has(calls)) this.rooms.subscriber.subscribe(calls)
  }

  end(watch: Watch): void {
    this.rooms.subscriber.unsubscribe(callsOf(watch))
    this.forget(watch)
  }

  /** What was told holds no longer. */
  forget(watch: Watch): void {
    this.#known.delete(keyOfWatch(callsOf(watch)))
  }

  stateOf(watch: Watch): CallState | undefined {
    let found: CallState | undefined
    for (const { rows } of this.#known.get(keyOfWatch(callsOf(watch)))?.tables.values() ?? []) {
      const state = callStateOf(rows.values())
      if (state === 'on-the-phone') return state
      found ??= state
    }
    return found
  }

  /** What a NOTIFY of the package says; `stateOf` is asked after it. Throws RefusedError for a document that cannot be read. */
  noticed(watch: Watch, { dialog, state, document }: Notice): void {
    const key = keyOfWatch(callsOf(watch))
    const known = this.#known.get(key) ?? { tables: new Map(), hasAskedAgain: false }
    if (state === 'terminated') {
      known.tables.delete(dialog)
      if (known.tables.size === 0) this.#known.delete(key)
      return
    }
    if (!document) return
    const { table, hasGap } = dialogsAfter(known.tables.get(dialog), document)
    known.tables.set(dialog, table)
    this.#known.set(key, known)
    if (hasGap) this.#askAgain(watch, known)
  }

  /** A final answer that is no 2xx: 489 and its like are never asked again, whoever wants to see. */
  refused(watch: Watch, status: number): void {
    this.forget(watch)
    if (UNSERVED.has(status) && this.#unserved.size < UNSERVED_MAX) this.#unserved.add(watch.watched.aor)
  }

  /** A new dialog begins with the whole state. */
  #askAgain(watch: Watch, known: Known): void {
    if (known.hasAskedAgain) return
    known.hasAskedAgain = true
    known.tables.clear()
    this.rooms.subscriber.unsubscribe(callsOf(watch))
    this.rooms.subscriber.subscribe(callsOf(watch))
  }
}

/** 405, 406, 415, 489, 501: whoever is there does not know the package; 404 may be another day's. */
const UNSERVED: ReadonlySet<number> = new Set([405, 406, 415, 489, 501])

const callsOf = ({ watcher, watched }: Watch): Watch => ({ watcher, watched, event: DIALOG_EVENT })
