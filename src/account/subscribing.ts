/** Presence subscriptions between our accounts and everybody else (RFC 6121 §3), by the tables of its appendix A. */
import type { Jid } from '../address/jid.ts'
import { OK } from '../core/answer.ts'
import type { MaybePromise, Taken } from '../core/port.ts'
import { StanzaError } from '../stanza/error.ts'
import { Stanza } from '../stanza/stanza.ts'
import type { StoredContact } from '../store/port.ts'
import { detached } from '../xml/detached.ts'
import type { Element } from '../xml/element.ts'
import { inState, isSeen, mayView, stateOf, stranger } from './contact.ts'
import { bare, kept } from './presence-stanza.ts'
import type { Presences } from './presences.ts'
import { Contact, type Roster } from './roster.ts'
import { ROSTER_LIMITS } from './roster-limits.ts'
import type { Rosters } from './rosters.ts'
import type { Sending } from './sending.ts'
import type { Session, Sessions } from './sessions.ts'
import { INBOUND, isPreApproval, OUTBOUND, type State, type SubscriptionType, showsUser } from './subscription-state.ts'
import { andThen, type Turns } from './turns.ts'
import type { SipWatchers } from './watchers.ts'

export interface SubscribingRooms {
  readonly rosters: Rosters
  readonly sessions: Sessions
  readonly turns: Turns
  readonly presences: Presences
  readonly sending: Sending
  readonly watchers: Pick<SipWatchers, 'arrived'>
}

const ONESELF = new StanzaError('cancel', 'not-allowed', 'Everybody sees himself without asking')
const TOO_MANY = new StanzaError('wait', 'resource-constraint', `A list has at most ${ROSTER_LIMITS.contacts} contacts`)
const TOO_MANY_REQUESTS = new StanzaError('wait', 'resource-constraint', 'Too many requests wait for an answer here')
const TOO_LARGE = new StanzaError('modify', 'policy-violation', 'A request holds more than can be kept until it is answered')

export class Subscribing {
  constructor(readonly rooms: SubscribingRooms) {}

  // --- what others ask ---

  /** The account has asked for the contact's presence, and the contact has said yes. */
  isSubscribed(account: Jid, contact: Jid): MaybePromise<boolean> {
    return this.#ask(account, contact, (stored) => stored !== undefined && isSeen(stored))
  }

  /** The contact may see the account. */
  mayView(account: Jid, contact: Jid): MaybePromise<boolean> {
    if (account.bare.equals(contact.bare)) return true
    return this.#ask(account, contact, (stored) => stored !== undefined && mayView(stored))
  }

  /** How the two stand (§A.1), seen by the account. */
  stateOf(account: Jid, contact: Jid): MaybePromise<State> {
    return this.#ask(account, contact, stateOf)
  }

  // --- what an account wants (§A.2) ---

  /**
   * A stanza of this type in the account's name, with what `stanza` holds. Comes back when it is committed and handed over; `answer` is what became of it on its
   * way. Throws, or rejects with, StanzaError for what is refused here.
   */
  outbound(account: Jid, contact: Jid, type: SubscriptionType, stanza?: Element): MaybePromise<Taken> {
    if (account.bare.equals(contact.bare)) throw ONESELF
    const presence = stanza ? kept(stanza) : bare(type, this.rooms.sending.making.callId())
    return this.#inTurn(account, (roster) => this.#outbound(roster, contact.bare, type, presence))
  }

  #outbound(roster: Roster, jid: Jid, type: SubscriptionType, presence: Element): MaybePromise<Taken> {
    const { rosters, presences, sending } = this.rooms
    const before = roster.stored(jid) ?? stranger(jid)
    const state = stateOf(before)
    const [routes, next = state] = OUTBOUND[type][state]
    const after = {
      ...inState(before, next),
      approved: type === 'subscribed' ? before.approved || isPreApproval(state) : type !== 'unsubscribed' && before.approved,
      // What somebody asks for, or grants, makes a contact; what he takes back does not.
      listed: before.listed || type === 'subscribe' || type === 'subscribed',
    }
    if (after.listed && !before.listed && roster.listed >= ROSTER_LIMITS.contacts) throw TOO_MANY
    return andThen(rosters.keep(roster, after), (shows) => {
      const contact = roster.contact(jid) ?? new Contact(after)
      // §3.2.2: while they can still see it.
      if (showsUser(state) && !showsUser(next)) presences.hideFrom(roster, contact)
      const answer = routes ? sending.send(presence, { jid: roster.account, uri: roster.uri }, jid, contact.uri) : OK
      if (shows) rosters.push(roster, jid)
      if (!showsUser(state) && showsUser(next)) presences.showTo(roster, contact)
      return { answer }
    })
  }

  /** A contact as its owner describes it (§2.3, §2.4). Throws, or rejects with, StanzaError. */
  describe(account: Jid, jid: Jid, name: string | undefined, groups: readonly string[]): MaybePromise<void> {
    if (account.bare.equals(jid.bare)) throw ONESELF
    return this.#inTurn(account, (roster) => {
      const before = roster.stored(jid) ?? stranger(jid)
      if (!before.listed && roster.listed >= ROSTER_LIMITS.contacts) throw TOO_MANY
      return andThen(this.rooms.rosters.keep(roster, { ...before, name, groups, listed: true }, true), () =>
        this.rooms.rosters.push(roster, jid),
      )
    })
  }

  /** §2.5: a contact goes, and with it what the two have allowed each other. Throws, or rejects with, StanzaError. */
  remove(account: Jid, jid: Jid): MaybePromise<void> {
    return this.#inTurn(account, (roster) => {
      const contact = roster.contact(jid)
      if (!contact?.stored.listed) throw new StanzaError('cancel', 'item-not-found', 'There is no such contact')
      const before = contact.stored
      return andThen(this.rooms.rosters.remove(roster, jid), () => {
        this.rooms.rosters.push(roster, jid)
        if (isSeen(before) || before.pendingOut) this.#say(roster, contact, 'unsubscribe')
        if (mayView(before)) this.rooms.presences.hideFrom(roster, contact)
        if (mayView(before) || before.pendingIn) this.#say(roster, contact, 'unsubscribed')
      })
    })
  }

  // --- what a contact wants (§A.3) ---

  /** A stanza of such a type for an account that exists. Throws, or rejects with, StanzaError. */
  inbound(stanza: Stanza, type: SubscriptionType): MaybePromise<void> {
    const [from, to] = [stanza.from.bare, stanza.to.bare]
    if (from.equals(to)) return
    const isBare = from === stanza.from && to === stanza.to
    const xml = isBare ? stanza.xml : stanza.xml.withAttr('from', from.toString()).withAttr('to', to.toString())
    const plain = isBare ? stanza : new Stanza(xml, from, to)
    return this.#inTurn(to, (roster) => (type === 'subscribe' ? this.#asked(roster, plain) : this.#told(roster, plain, type)))
  }

  /** §3.1.3. */
  #asked(roster: Roster, stanza: Stanza): MaybePromise<void> {
    const jid = stanza.from
    const known = roster.stored(jid)
    const before = known ?? stranger(jid)
    const state = stateOf(before)
    const [delivers, next = state] = INBOUND.subscribe[state]
    if (before.approved || showsUser(state)) {
      const [, approved = state] = OUTBOUND.subscribed[next]
      return this.#approve(roster, inState(before, approved))
    }
    if (!delivers) return
    const pendingIn = detached(stanza.xml)
    if (!fits(pendingIn)) throw TOO_LARGE
    if (!known && roster.size - roster.listed >= ROSTER_LIMITS.requests) throw TOO_MANY_REQUESTS
    return andThen(this.rooms.rosters.keep(roster, inState({ ...before, pendingIn }, next)), () => {
      this.#deliver(roster, stanza, ({ presence }) => presence !== undefined)
    })
  }

  /** Whoever was approved before, or is anyway, is told so in the user's name, and sees him at once. */
  #approve(roster: Roster, after: StoredContact): MaybePromise<void> {
    return andThen(this.rooms.rosters.keep(roster, after), (shows) => {
      const contact = roster.contact(after.jid) ?? new Contact(after)
      this.#say(roster, contact, 'subscribed')
      if (shows) this.rooms.rosters.push(roster, after.jid)
      this.rooms.presences.showTo(roster, contact)
    })
  }

  #told(roster: Roster, stanza: Stanza, type: Exclude<SubscriptionType, 'subscribe'>): MaybePromise<void> {
    const contact = roster.contact(stanza.from)
    if (!contact) return
    const state = stateOf(contact.stored)
    const [delivers, next] = INBOUND[type][state]
    if (!delivers || next === undefined) return
    return andThen(this.rooms.rosters.keep(roster, inState(contact.stored, next)), (shows) => {
      // Before the push, which says the same without saying why (§3.1.6, §3.2.3, §3.3.3).
      this.#deliver(roster, stanza, ({ isInterested }) => isInterested)
      if (shows) this.rooms.rosters.push(roster, stanza.from)
      if (type !== 'unsubscribe') return
      if (showsUser(state)) this.rooms.presences.hideFrom(roster, contact)
      this.#say(roster, contact, 'unsubscribed')
    })
  }

  #deliver(roster: Roster, stanza: Stanza, isMeant: (session: Session) => boolean): void {
    for (const session of this.rooms.sessions.sessionsOf(roster.uri.aor)) if (isMeant(session)) session.deliver(stanza.xml)
    this.rooms.watchers.arrived(stanza)
  }

  #say(roster: Roster, contact: Contact, type: SubscriptionType): void {
    const { sending } = this.rooms
    sending.send(bare(type, sending.making.callId()), { jid: roster.account, uri: roster.uri }, contact.jid, contact.uri)
  }

  #inTurn<Result>(account: Jid, work: (roster: Roster) => MaybePromise<Result>): MaybePromise<Result> {
    const { rosters, turns } = this.rooms
    return turns.run(account.bare.toString(), () => andThen(rosters.of(account), work))
  }

  #ask<Result>(account: Jid, contact: Jid, question: (stored: StoredContact | undefined) => Result): MaybePromise<Result> {
    return andThen(this.rooms.rosters.of(account), (roster) => question(roster.stored(contact)))
  }
}

/** Small enough to be kept for a stranger. */
function fits(request: Element): boolean {
  let nodes = 0
  let characters = 0
  const measure = (element: Element): void => {
    nodes++
    for (const text of element.attrs) characters += text.length
    for (const child of element.children) {
      if (typeof child === 'string') characters += child.length
      else measure(child)
    }
  }
  measure(request)
  return nodes <= ROSTER_LIMITS.requestNodes && characters <= ROSTER_LIMITS.requestCharacters
}
