/** The account as presence agent of its devices (RFC 6121 §4): who is told what they say, and what is answered to who asks. */
import type { Jid } from '../address/jid.ts'
import type { SipUri } from '../address/sip-uri.ts'
import type { MaybePromise } from '../core/port.ts'
import { uriFor } from '../mapping/address.ts'
import { delayElement } from '../stanza/delay.ts'
import type { Stanza } from '../stanza/stanza.ts'
import { type Element, el } from '../xml/element.ts'
import { isSeen, mayView } from './contact.ts'
import type { Device, Devices } from './devices.ts'
import type { Directed } from './directed.ts'
import { addressed, bare, kept, MERELY_AVAILABLE, UNAVAILABLE } from './presence-stanza.ts'
import type { Contact, Roster } from './roster.ts'
import type { Rosters } from './rosters.ts'
import type { Sending } from './sending.ts'
import type { Session, Sessions } from './sessions.ts'
import { andThen, type Turns } from './turns.ts'
import type { SipWatchers } from './watchers.ts'

export interface PresenceRooms {
  readonly rosters: Rosters
  readonly sessions: Sessions
  readonly devices: Devices
  readonly directed: Directed
  readonly turns: Turns
  readonly sending: Sending
  readonly watchers: Pick<SipWatchers, 'arrived'>
  readonly now: () => Date
}

/** Accounts of which it is known since when nobody is there. */
const LAST_SEEN_MAX = 10_000

export class Presences {
  /** When the last device of an account went away, by its address. */
  readonly #lastSeen = new Map<string, Date>()

  constructor(readonly rooms: PresenceRooms) {}

  /** §4.2 and §4.4: a session, whose `presence` this is by now, says that it is there. */
  available(session: Session, presence: Element, isInitial: boolean): MaybePromise<void> {
    return this.#inTurn(session.jid, (roster) => {
      this.#broadcast(roster, session, presence, undefined)
      if (isInitial) this.#greet(roster, session)
    })
  }

  /** §4.5: it says that it is not there any more, or is gone without a word. Its `presence` is undefined by now. */
  unavailable(session: Session, presence: Element, wasAvailable: boolean): MaybePromise<void> {
    const told = this.rooms.directed.takeAll(session)
    if (!wasAvailable && told.length === 0) return
    return this.#inTurn(session.jid, (roster) => {
      if (wasAvailable) this.#gone(roster, session, presence, session)
      // §4.6.3: whoever sees the account has heard it just now.
      for (const jid of told) {
        const contact = wasAvailable ? roster.stored(jid) : undefined
        if (!contact || !mayView(contact)) this.rooms.sending.send(presence, session, jid, undefined)
      }
    })
  }

  /** A device that is no session says what it is, or is gone: its presence, with or without addresses, or undefined. */
  setDevice(account: Jid, resource: string, presence: Element | undefined): MaybePromise<void> {
    const said = presence && kept(presence)
    const device = this.rooms.devices.set(account, resource, said)
    if (!device) return
    return this.#inTurn(account, (roster) => {
      if (said) this.#broadcast(roster, device, said, undefined)
      else this.#gone(roster, device, UNAVAILABLE, undefined)
    })
  }

  /** The presence of each available device, from its full address, to nobody yet. */
  presencesOf(account: Jid): readonly Element[] {
    return this.rooms.devices
      .availableOf(uriFor(account.bare).aor)
      .map(({ jid, presence }) => (presence ?? MERELY_AVAILABLE).withAttr('from', jid.toString()))
  }

  /** §4.3.2 and §4.6.6: the answers to a probe to an account that exists; they go to whoever asked. */
  probed(probe: Stanza): MaybePromise<void> {
    return andThen(this.rooms.rosters.of(probe.to), (roster) => this.#answerProbe(roster, probe))
  }

  /** §3.1.5: somebody may see the account from now on, and does. */
  showTo(roster: Roster, contact: Contact): void {
    for (const device of this.rooms.devices.availableOf(roster.uri.aor))
      if (device.presence) this.rooms.sending.send(device.presence, device, contact.jid, contact.uri)
  }

  /** §3.2.2: or may not any more. */
  hideFrom(roster: Roster, contact: { readonly jid: Jid; readonly uri: SipUri | undefined }): void {
    for (const device of this.rooms.devices.availableOf(roster.uri.aor))
      this.rooms.sending.send(UNAVAILABLE, device, contact.jid, contact.uri)
  }

  #inTurn(jid: Jid, work: (roster: Roster) => void): MaybePromise<void> {
    const account = jid.bare
    return this.rooms.turns.run(account.toString(), () => andThen(this.rooms.rosters.of(account), work))
  }

  /** To everybody who may see the account, and to its own sessions, `besides` among them. */
  #broadcast(roster: Roster, device: Device, presence: Element, besides: Session | undefined): void {
    const { sending, sessions, watchers } = this.rooms
    const own = addressed(presence, device.jid, roster.account)
    for (const session of sessions.sessionsOf(roster.uri.aor)) if (session.presence || session === besides) session.deliver(own.xml)
    watchers.arrived(own)
    for (const contact of roster.contacts) if (mayView(contact.stored)) sending.send(presence, device, contact.jid, contact.uri)
  }

  #gone(roster: Roster, device: Device, presence: Element, besides: Session | undefined): void {
    this.#broadcast(roster, device, presence, besides)
    if (this.rooms.devices.availableOf(roster.uri.aor).length > 0) return
    const { aor } = roster.uri
    this.#lastSeen.delete(aor)
    this.#lastSeen.set(aor, this.rooms.now())
    if (this.#lastSeen.size <= LAST_SEEN_MAX) return
    const [oldest] = this.#lastSeen.keys()
    if (oldest !== undefined) this.#lastSeen.delete(oldest)
  }

  /** What a session that has just come learns: the account's other devices, its contacts (§4.3.1), and who has asked meanwhile (§3.1.3). */
  #greet(roster: Roster, session: Session): void {
    const { devices, sending, sessions } = this.rooms
    for (const device of devices.availableOf(roster.uri.aor))
      if (device.presence && device.jid !== session.jid) session.deliver(addressed(device.presence, device.jid, roster.account).xml)
    const isFirst = !sessions.sessionsOf(roster.uri.aor).some((other) => other !== session && other.presence)
    const speaker = { jid: roster.account, uri: roster.uri }
    for (const contact of roster.contacts) {
      const { pendingIn, pendingOut } = contact.stored
      if (isSeen(contact.stored)) sending.send(bare('probe', sending.making.callId()), speaker, contact.jid, contact.uri)
      // §3.1.2: what was asked may have been lost on its way.
      else if (pendingOut && isFirst) sending.send(bare('subscribe', sending.making.callId()), speaker, contact.jid, contact.uri)
      if (pendingIn) session.deliver(pendingIn)
    }
  }

  #answerProbe(roster: Roster, probe: Stanza): void {
    const { from, to } = probe
    const contact = roster.stored(from)
    if ((contact && mayView(contact)) || from.bare.equals(roster.account)) return this.#answerContact(roster, probe)
    const told = this.#whoTold(roster, from, to)
    for (const session of told) this.#answer(probe, session, session.presence ? MERELY_AVAILABLE : UNAVAILABLE)
    // §4.3.2 rule 1; a pre-approval stays what it is.
    if (told.length === 0) this.#answer(probe, { jid: roster.account, uri: roster.uri }, bare('unsubscribed', probe.id))
  }

  #answerContact(roster: Roster, probe: Stanza): void {
    const { devices } = this.rooms
    const { to } = probe
    if (to.isFull) {
      const device = devices.find(to, roster.uri.aor)
      if (device?.presence) return this.#answer(probe, device, MERELY_AVAILABLE)
      return this.#answer(probe, { jid: to, uri: uriFor(to) }, bare('unavailable', probe.id))
    }
    const available = devices.availableOf(roster.uri.aor)
    for (const device of available) if (device.presence) this.#answer(probe, device, device.presence)
    if (available.length === 0) this.#answer(probe, { jid: roster.account, uri: roster.uri }, this.#absence(roster, probe))
  }

  /** Rule 3: nobody is there, since when as far as it is known. */
  #absence(roster: Roster, probe: Stanza): Element {
    const absence = bare('unavailable', probe.id)
    const since = this.#lastSeen.get(roster.uri.aor)
    return since
      ? el(absence.name, absence.ns, { type: 'unavailable', id: probe.id }, delayElement(since, roster.account.toString()))
      : absence
  }

  #whoTold(roster: Roster, from: Jid, to: Jid): readonly Session[] {
    return this.rooms.sessions
      .sessionsOf(roster.uri.aor)
      .filter((session) => (to.isBare || session.jid.equals(to)) && this.rooms.directed.has(session, from))
  }

  #answer(probe: Stanza, device: { readonly jid: Jid; readonly uri: SipUri }, presence: Element): void {
    this.rooms.sending.send(presence, device, probe.from, undefined)
  }
}
