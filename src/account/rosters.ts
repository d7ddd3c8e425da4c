/** The rosters of our accounts (RFC 6121 §2): loaded once, kept while anybody needs them, changed in the store first and told to clients after that. */
import type { Jid } from '../address/jid.ts'
import type { MaybePromise } from '../core/port.ts'
import { uriFor } from '../mapping/address.ts'
import { NS_CLIENT } from '../stanza/stanza.ts'
import type { StoredContact, Rosters as StoredRosters } from '../store/port.ts'
import { type Element, el } from '../xml/element.ts'
import { isNobody, looksLike } from './contact.ts'
import { Roster } from './roster.ts'
import { itemOf, NS_ROSTER, removedItem } from './roster-item.ts'
import { ROSTER_LIMITS } from './roster-limits.ts'
import type { Session, Sessions } from './sessions.ts'
import { andThen } from './turns.ts'

export interface RostersSettings {
  readonly now: () => number
  /** Contacts held for accounts with no session. */
  readonly idleContacts?: number
}

/** How many rosters are looked at to make room for one; the rest is done the next time. */
const EVICTION_STEPS = 8

export class Rosters {
  /** The one that was used last stands last. */
  readonly #rosters = new Map<string, Roster>()
  readonly #loading = new Map<string, Promise<Roster>>()
  #contacts = 0
  #pushes = 0

  constructor(
    readonly store: StoredRosters,
    readonly sessions: Sessions,
    readonly settings: RostersSettings,
  ) {}

  /** The roster of an account that exists. */
  of(account: Jid): MaybePromise<Roster> {
    const key = account.bare.toString()
    const known = this.#rosters.get(key)
    if (known) return this.#used(key, known)
    const loading = this.#loading.get(key)
    if (loading) return loading
    const stored = this.store.load(account.bare)
    if (!(stored instanceof Promise)) return this.#loaded(key, new Roster(account.bare, uriFor(account.bare), stored))
    const promise = stored
      .then((roster) => this.#loaded(key, new Roster(account.bare, uriFor(account.bare), roster)))
      .finally(() => this.#loading.delete(key))
    this.#loading.set(key, promise)
    return promise
  }

  /** The account is gone, and what was loaded of it with it. */
  forget(account: Jid): void {
    this.#drop(account.bare.toString())
  }

  /**
   * Puts a contact, or removes one of whom nothing is left to say; true where clients see a difference (or are told in any case), and a `push` is to follow.
   * Only in the account's turn.
   */
  keep(roster: Roster, contact: StoredContact, isTold = false): MaybePromise<boolean> {
    const before = roster.stored(contact.jid)
    if (isNobody(contact)) return before ? this.remove(roster, contact.jid) : false
    const shows = isTold || !looksLike(before, contact)
    if (!shows && before && before.pendingIn === contact.pendingIn) return false
    const version = shows ? this.#versionAfter(roster) : roster.version
    roster.writes++
    return andThen(this.#written(roster, this.store.put(roster.account, contact, version)), () => {
      this.#changed(roster, version, () => roster.put(contact))
      return shows
    })
  }

  /** As `keep`. */
  remove(roster: Roster, contact: Jid): MaybePromise<boolean> {
    const shows = roster.stored(contact)?.listed === true
    const version = shows ? this.#versionAfter(roster) : roster.version
    roster.writes++
    return andThen(this.#written(roster, this.store.remove(roster.account, contact.bare, version)), () => {
      this.#changed(roster, version, () => roster.remove(contact))
      return shows
    })
  }

  /** §2.1.6: what a contact is now, to every session that has asked for the roster. Without `from`, as from the account itself. */
  push(roster: Roster, contact: Jid): void {
    const stored = roster.stored(contact)
    const item = stored?.listed ? itemOf(stored) : removedItem(contact.bare)
    const query = el('query', NS_ROSTER, { ver: String(roster.version) }, item)
    for (const session of this.sessions.sessionsOf(roster.uri.aor)) if (session.isInterested) this.#push(session, query)
  }

  #push(session: Session, query: Element): void {
    this.#pushes++
    session.deliver(el('iq', NS_CLIENT, { type: 'set', id: `roster${this.#pushes.toString(36)}`, to: session.jid.toString() }, query))
  }

  /**
   * Begins with the time, not with 1: the roster of somebody who gets a removed account's name, or of a store that forgets, must not reach a version
   * that a client remembers from another life.
   */
  #versionAfter({ version }: Roster): number {
    return version === 0 ? Math.floor(this.settings.now() / 1_000) : version + 1
  }

  #written(roster: Roster, written: MaybePromise<void>): MaybePromise<void> {
    if (written instanceof Promise) return written.finally(() => roster.writes--)
    roster.writes--
  }

  #changed(roster: Roster, version: number, change: () => void): void {
    const before = roster.size
    roster.version = version
    change()
    if (this.#rosters.get(roster.account.toString()) === roster) this.#contacts += roster.size - before
  }

  #used(key: string, roster: Roster): Roster {
    this.#rosters.delete(key)
    this.#rosters.set(key, roster)
    return roster
  }

  #loaded(key: string, roster: Roster): Roster {
    this.#rosters.set(key, roster)
    this.#contacts += roster.size + 1
    this.#makeRoom()
    return roster
  }

  /** Those of accounts with sessions stay: sessions have a limit of their own. */
  #makeRoom(): void {
    const most = this.settings.idleContacts ?? ROSTER_LIMITS.idleContacts
    for (let steps = 0; this.#contacts > most && this.#rosters.size > 1 && steps < EVICTION_STEPS; steps++) {
      const [oldest] = this.#rosters
      if (!oldest) return
      const [key, roster] = oldest
      if (roster.writes === 0 && this.sessions.sessionsOf(roster.uri.aor).length === 0) this.#drop(key)
      else this.#used(key, roster)
    }
  }

  #drop(key: string): void {
    const roster = this.#rosters.get(key)
    if (!roster) return
    this.#rosters.delete(key)
    this.#contacts -= roster.size + 1
  }
}
