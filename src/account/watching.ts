/**
 * Who watches addresses of the XMPP world by SIP: telephones of our own accounts, by their account's roster, and SIP users elsewhere, by what they were allowed. What
 * each is told is what reached him in that name as presence stanzas, and nothing else: one watcher's permission never helps another (RFC 8048 §6, §10).
 */
import type { Jid } from '../address/jid.ts'
import type { SipUri } from '../address/sip-uri.ts'
import { type Answer, type Delivery, type MaybePromise, NotYetTaken, RefusedError, type Signal } from '../core/port.ts'
import { eventName } from '../core/subscriptions/event.ts'
import type { Notifier } from '../core/subscriptions/notifier.ts'
import type { Document, View, Views, Watch } from '../core/subscriptions/port.ts'
import type { Publications } from '../core/subscriptions/publications.ts'
import type { Log } from '../log/log.ts'
import { jidFor, uriFor } from '../mapping/address.ts'
import type { Making } from '../mapping/making.ts'
import { presenceDocument } from '../mapping/presence/presence-document.ts'
import type { Stanza } from '../stanza/stanza.ts'
import type { Element } from '../xml/element.ts'
import { addressed, bare, kept, UNAVAILABLE } from './presence-stanza.ts'
import type { Consent, Relations } from './relations.ts'
import { TooManyRelations } from './relations.ts'
import type { Saying } from './saying.ts'
import type { SipWatchers } from './watchers.ts'

/** What the rosters of our own accounts say. */
export interface OwnRosters {
  /** Whether the account may see the contact: subscription `to` or `both`. */
  isSubscribed(account: Jid, contact: Jid): MaybePromise<boolean>
  /** The account asks, as if its client had sent `subscribe`. */
  subscribe(account: Jid, contact: Jid): MaybePromise<void>
  /** One of the account's telephones watches the contact: where nobody else can say it, he may see the account as well. */
  approve(account: Jid, contact: Jid): MaybePromise<void>
  /** What the account's devices say now. */
  presencesOf(account: Jid): readonly Element[]
}

export interface WatchingRooms {
  readonly notifier: Pick<Notifier, 'subscribe' | 'changed' | 'terminate' | 'has'>
  readonly publications: Pick<Publications, 'publish'>
  readonly relations: Relations
  readonly rosters: OwnRosters
  /** An account that lives here, and has a roster. */
  isOwn(address: SipUri): boolean
  /** Whether there is such an address; for domains that are not ours only they know. */
  exists(address: SipUri): MaybePromise<boolean>
  readonly saying: Saying
  /** The documents of other packages than `presence`, for a watcher who may see the watched. */
  readonly documents: Readonly<Record<string, (watch: Watch) => MaybePromise<Document | undefined>>>
  aggregateOf(domain: string): 'most-available' | 'busy-wins'
  readonly making: Making
  readonly log: Log
}

/** How long a device that went away is still told as closed: long enough that every watcher has heard it once (RFC 8048 §5.3). */
const CLOSED_MS = 60_000

/** What one watcher was told of one address, as stanzas. */
interface Sight {
  /** By resource. */
  readonly devices: Map<string, { readonly xml: Element; readonly closedAt: number | undefined }>
}

const REFUSED: View = { state: 'terminated', reason: 'rejected' }
const PENDING: View = { state: 'pending' }
const NO_ROOM = { state: 'terminated', reason: 'probation', retryAfterSeconds: 3_600 } as const satisfies View

export class Watching implements SipWatchers, Views {
  /** By the watcher's bare address, then by the watched one's. */
  readonly #sights = new Map<string, Map<string, Sight>>()

  constructor(readonly rooms: WatchingRooms) {}

  // --- as targets ask it ---

  subscribe(signal: Signal): Delivery {
    const event = eventName(signal.header('Event'))
    const watch: Watch = { watcher: signal.from.bare, watched: signal.to.bare, event }
    if (watch.watcher.user === undefined) throw new RefusedError(403, 'A watcher has a name')
    if (event === 'presence.winfo' && !isSelf(watch)) throw new RefusedError(403, 'Who watches somebody is told to him alone')
    const exists = this.rooms.exists(watch.watched)
    if (exists === true) return this.rooms.notifier.subscribe(signal, watch)
    if (exists === false) throw new RefusedError(404, 'Not Found')
    const begin = async (): Promise<{ answer: MaybePromise<Answer> }> => {
      if (!(await exists)) throw new RefusedError(404, 'Not Found')
      return { answer: this.rooms.notifier.subscribe(signal, watch) }
    }
    return new NotYetTaken(begin())
  }

  publish(signal: Signal): Delivery {
    const { arrival, to } = signal
    const account = arrival.kind === 'wire' ? arrival.account : undefined
    if (account?.aor !== to.aor) throw new RefusedError(403, 'An account publishes its own state alone')
    return this.rooms.publications.publish(signal, account.bare)
  }

  arrived(stanza: Stanza): void {
    const { from, to, type } = stanza
    if (type === 'subscribe' || type === 'unsubscribe') this.#watchersChanged(uriFor(to.bare))
    // Whoever watches calls alone has seen no presence.
    if (type === 'subscribed' || type === 'unsubscribed') {
      this.consented(
        { watcher: uriFor(to.bare), watched: uriFor(from.bare), event: 'presence' },
        type === 'subscribed' ? 'granted' : 'none',
      )
      return
    }
    if (this.#sights.size === 0) return
    const sight = this.#sights.get(to.bare.toString())?.get(from.bare.toString())
    if (!sight) return
    const watch: Watch = { watcher: uriFor(to.bare), watched: uriFor(from.bare), event: 'presence' }
    switch (type) {
      case 'available':
      case 'unavailable':
        this.#remember(sight, stanza)
        return this.rooms.notifier.changed(watch.watched, watch.watcher, 'presence')
    }
  }

  /** What a watcher may see has changed. */
  consented(watch: Watch, consent: Consent): void {
    const { notifier } = this.rooms
    this.#watchersChanged(watch.watched)
    if (consent === 'granted') return notifier.changed(watch.watched, watch.watcher)
    for (const event of ['presence', 'dialog']) if (notifier.has({ ...watch, event })) notifier.terminate({ ...watch, event }, 'rejected')
  }

  // --- as the notifier asks it ---

  async viewFor(watch: Watch): Promise<View> {
    const { watcher, watched, event } = watch
    if (!isSelf(watch)) {
      const consent = await this.#consentOf(watch)
      if (consent === 'none' && this.#sightOf(watch))
        // Nobody was asked where there is no room for an answer: that is no refusal.
        return this.rooms.relations.hasRoom(watcher, jidFor(watched)) ? REFUSED : NO_ROOM
      if (consent !== 'granted') return PENDING
    }
    if (event !== 'presence') return { state: 'active', document: await this.rooms.documents[event]?.(watch) }
    const account = jidFor(watched)
    const seen = isSelf(watch) ? undefined : this.#sightOf(watch)
    // A single look, or the account's own: nothing has been told in that name, and what there is to tell is here.
    const presences = seen ? this.#presencesIn(seen) : this.rooms.isOwn(watched) ? this.rooms.rosters.presencesOf(account) : undefined
    // Nothing was ever heard: that is not the same as being away (RFC 8048 §6.2: an empty body).
    if (!presences || (seen && seen.devices.size === 0)) return { state: 'active', document: undefined }
    const aggregate = this.rooms.aggregateOf(account.domain)
    const document = presenceDocument(watched, presences, this.rooms.making.now(), { aggregate })
    this.rooms.log.lowLevel({ what: 'presence_shown', of: watched.aor, to: watcher.aor })
    return { state: 'active', document }
  }

  begun(watch: Watch): void {
    if (watch.event === 'presence') this.#watchersChanged(watch.watched)
    if (isSelf(watch)) return
    if (watch.event === 'presence') {
      const [watcher, watched] = namesOf(watch)
      const sights = this.#sights.get(watcher) ?? new Map<string, Sight>()
      sights.set(watched, { devices: new Map() })
      this.#sights.set(watcher, sights)
    }
    this.rooms.saying.later(this.#ask(watch))
  }

  ended(watch: Watch): void {
    if (watch.event === 'presence') this.#watchersChanged(watch.watched)
    if (isSelf(watch) || watch.event !== 'presence') return
    const [watcher, watched] = namesOf(watch)
    const sights = this.#sights.get(watcher)
    sights?.delete(watched)
    if (sights?.size === 0) this.#sights.delete(watcher)
    // RFC 8048 §6.3.3: who watches no more is told as away, unless his own state is told by himself.
    if (this.rooms.isOwn(watch.watcher)) return
    const { seesTelephone, seenByTelephone } = this.rooms.relations.between(watch.watcher, jidFor(watch.watched))
    if (seesTelephone === 'none' && seenByTelephone === 'granted') {
      this.rooms.saying.say(addressed(UNAVAILABLE, jidFor(watch.watcher).bare, jidFor(watch.watched).bare))
    }
  }

  // --- consent ---

  async #consentOf({ watcher, watched }: Watch): Promise<Consent> {
    const [account, contact] = [jidFor(watcher).bare, jidFor(watched).bare]
    if (!this.rooms.isOwn(watcher)) return this.rooms.relations.between(watcher, contact).seenByTelephone
    return (await this.rooms.rosters.isSubscribed(account, contact)) ? 'granted' : 'asked'
  }

  /** Who may see asks what there is to see; who may not asks whether he may. */
  async #ask(watch: Watch): Promise<void> {
    const [watcher, watched] = [jidFor(watch.watcher).bare, jidFor(watch.watched).bare]
    const consent = await this.#consentOf(watch)
    if (consent === 'granted') {
      if (watch.event === 'presence') this.rooms.saying.say(addressed(bare('probe'), watcher, watched))
      return
    }
    if (this.rooms.isOwn(watch.watcher)) {
      if (watch.event === 'presence') await this.rooms.rosters.approve(watcher, watched)
      return this.rooms.rosters.subscribe(watcher, watched)
    }
    const relation = this.rooms.relations.between(watch.watcher, watched)
    try {
      await this.rooms.relations.set({ ...relation, seenByTelephone: 'asked' })
    } catch (cause) {
      if (!(cause instanceof TooManyRelations)) throw cause
      return this.rooms.notifier.terminate(watch, NO_ROOM.reason, NO_ROOM.retryAfterSeconds)
    }
    this.rooms.saying.say(addressed(bare('subscribe'), watcher, watched))
  }

  // --- what was told ---

  #sightOf(watch: Watch): Sight | undefined {
    const [watcher, watched] = namesOf(watch)
    return this.#sights.get(watcher)?.get(watched)
  }

  #remember({ devices }: Sight, stanza: Stanza): void {
    const resource = stanza.from.resource ?? ''
    const now = this.rooms.making.now().getTime()
    if (stanza.type === 'available') {
      devices.set(resource, { xml: named(stanza, resource), closedAt: undefined })
      return
    }
    // From the bare address it speaks of all of them (RFC 6121 §4.5.2).
    const gone = resource === '' && devices.size > 0 ? [...devices.keys()] : [resource]
    for (const name of gone) devices.set(name, { xml: named(stanza, name), closedAt: now })
  }

  #presencesIn({ devices }: Sight): readonly Element[] {
    const now = this.rooms.making.now().getTime()
    for (const [resource, { closedAt }] of devices) {
      // The last one stays: a document without anybody says less than one in which he is away.
      if (closedAt !== undefined && now - closedAt > CLOSED_MS && devices.size > 1) devices.delete(resource)
    }
    return [...devices.values()].map(({ xml }) => xml)
  }

  /** The account's own telephones are told who watches it. */
  #watchersChanged(watched: SipUri): void {
    this.rooms.notifier.changed(watched, watched, 'presence.winfo')
  }
}

const isSelf = ({ watcher, watched }: Watch): boolean => watcher.aor === watched.aor

const namesOf = ({ watcher, watched }: Watch): [string, string] => [jidFor(watcher).bare.toString(), jidFor(watched).bare.toString()]

/** As it is kept: it says which device it speaks of, and holds on to nothing else. */
const named = ({ xml, from }: Stanza, resource: string): Element =>
  kept(xml).withAttr('from', (resource === '' ? from.bare : from.withResource(resource)).toString())
