/**
 * SIP users who are no accounts of ours (on a PBX, behind a next hop), as the XMPP world sees them: a presence stanza for one becomes a subscription over SIP, what
 * their notifiers say becomes presence from them (RFC 8048 §4, §5), with the calls that a PBX tells of (RFC 4235), and what they may be told is handed to whoever keeps
 * their own watches.
 */
import type { SipUri } from '../address/sip-uri.ts'
import { OK } from '../core/answer.ts'
import type { Answer, Delivery, MaybePromise, Signal } from '../core/port.ts'
import { keyOfWatch, type Notice, type Notices, type Watch } from '../core/subscriptions/port.ts'
import type { Subscriber } from '../core/subscriptions/subscriber.ts'
import type { Log } from '../log/log.ts'
import { jidFor, uriFor } from '../mapping/address.ts'
import { answerFor } from '../mapping/answer.ts'
import { conditionFor } from '../mapping/error.ts'
import type { Making } from '../mapping/making.ts'
import { DIALOG_EVENT } from '../mapping/presence/dialog-info.ts'
import { toStanza } from '../mapping/stanza.ts'
import { StanzaError } from '../stanza/error.ts'
import type { Stanza } from '../stanza/stanza.ts'
import { ForeignCalls } from './foreign-calls.ts'
import { ForeignSights } from './foreign-sights.ts'
import { addressed, bare } from './presence-stanza.ts'
import { type Consent, type Relation, type Relations, TooManyRelations } from './relations.ts'
import type { Saying } from './saying.ts'

/** Who may see the XMPP side, and what became of it: account/watching. */
export interface Shown {
  arrived(stanza: Stanza): void
  /** What this telephone may see of the XMPP side has changed. */
  consented(watch: Watch, consent: Consent): void
}

export interface ForeignRooms {
  readonly relations: Relations
  readonly subscriber: Pick<Subscriber, 'subscribe' | 'unsubscribe' | 'refresh' | 'fetch' | 'has'>
  readonly shown: Shown
  readonly saying: Saying
  /** Whether somebody is there to see: undefined where only another server knows. */
  isSeen(watch: Watch): MaybePromise<boolean | undefined>
  /** Whether calls of this address are asked for (`dialog`). */
  asksForCalls(watched: SipUri): boolean
  readonly making: Making
  readonly log: Log
}

/** How long a probe of a remote server proves that its user is there (RFC 8048 §8.1: no refreshing for who has long gone). */
const REMOTE_PROOF_MS = 24 * 3_600_000

const NO_MORE = new StanzaError('wait', 'resource-constraint', 'There are too many contacts between these two')

/** Contacts known to have no presence to ask for, this run; those above it are asked again. */
const WITHOUT_PRESENCE_MAX = 10_000

export class Foreign implements Notices {
  readonly #sights: ForeignSights
  readonly #calls: ForeignCalls
  /** Who serves `dialog` alone (489 for `presence`), as many PBXs do. */
  readonly #withoutPresence = new Set<string>()
  /** Subscribe stanzas whose SUBSCRIBE has not been answered. */
  readonly #pending = new Map<string, (answer: Answer | StanzaError) => void>()

  constructor(readonly rooms: ForeignRooms) {
    const { subscriber, making } = rooms
    const calls = new ForeignCalls({ subscriber, isAsked: (watched) => rooms.asksForCalls(watched) })
    this.#calls = calls
    this.#sights = new ForeignSights({
      submit: (stanza) => rooms.saying.say(stanza),
      callOf: (watch) => calls.stateOf(watch),
      now: () => making.now(),
    })
  }

  /** A presence signal for a SIP user: nothing of it is sent as it stands. */
  deliver(signal: Signal): Delivery {
    const stanza = toStanza(signal, this.rooms.making)
    const watch = watchOf(stanza)
    switch (stanza.type) {
      case 'subscribe':
        return this.#subscribe(signal, watch)
      case 'unsubscribe':
        return this.#unsubscribe(watch)
      case 'probe':
        return this.#probe(watch)
      case 'subscribed':
      case 'unsubscribed':
        return this.#consent(signal, stanza)
      case 'available':
      case 'unavailable':
        this.rooms.shown.arrived(stanza)
        return OK
      default:
        return answerFor(new StanzaError('modify', 'bad-request', `Presence has no type ${stanza.type}`), signal)
    }
  }

  /** Since when nobody is there, as far as this watcher has seen it; `now` where somebody is. */
  lastSeen(watch: Watch): number | 'now' | undefined {
    return this.#sights.lastSeen(watch)
  }

  // --- the XMPP side watches ---

  async #subscribe(signal: Signal, watch: Watch): Promise<Answer> {
    const relation = this.#relation(watch)
    this.#sights.proved(watch)
    if (relation.seesTelephone === 'granted') {
      this.#say(relation, 'subscribed')
      this.#sights.showAll(watch)
    } else {
      const refused = await this.#set({ ...relation, seesTelephone: 'asked' })
      if (refused) return answerFor(refused, signal)
    }
    if (this.#isWatched(watch)) return OK
    return new Promise((resolve) => {
      const key = keyOfWatch(watch)
      this.#pending.get(key)?.(OK)
      this.#pending.set(key, (outcome) => resolve(outcome instanceof StanzaError ? answerFor(outcome, signal) : outcome))
      this.#watch(watch)
    })
  }

  #isWatched(watch: Watch): boolean {
    const isPresence = !this.#withoutPresence.has(watch.watched.aor)
    return this.rooms.subscriber.has(isPresence ? watch : { ...watch, event: DIALOG_EVENT })
  }

  #watch(watch: Watch): void {
    if (this.#withoutPresence.has(watch.watched.aor)) this.#calls.begin(watch)
    else this.rooms.subscriber.subscribe(watch)
  }

  async #unsubscribe(watch: Watch): Promise<Answer> {
    this.#answered(watch, OK)
    const relation = this.#relation(watch)
    this.rooms.subscriber.unsubscribe(watch)
    this.#calls.end(watch)
    this.#sights.vanish(watch)
    if (relation.seesTelephone !== 'none') {
      await this.#set({ ...relation, seesTelephone: 'none' })
      this.#say(relation, 'unsubscribed')
    }
    return OK
  }

  /** RFC 6121 §4.3 asks for the state as it is; whoever may see it watches from now on. */
  #probe(watch: Watch): Answer {
    const { seesTelephone } = this.#relation(watch)
    if (seesTelephone === 'none') {
      this.rooms.subscriber.fetch(watch)
      return OK
    }
    this.#sights.proved(watch)
    this.#sights.showAll(watch)
    if (!this.#isWatched(watch)) this.#watch(watch)
    // Nobody has said how he is since we were restarted.
    else if (this.#sights.lastSeen(watch) === undefined) this.rooms.subscriber.refresh(watch)
    if (seesTelephone === 'granted') this.#calls.begin(watch)
    return OK
  }

  noticed(noticed: Watch, notice: Notice): void {
    const watch = presenceOf(noticed)
    const relation = this.#relation(watch)
    if (noticed.event === DIALOG_EVENT) return this.#callNoticed(watch, relation, notice)
    this.#answered(watch, OK)
    if (notice.state === 'terminated' && !notice.isFetched) {
      if (notice.reason === 'rejected' || notice.reason === 'noresource') this.#refuse(watch, relation)
      return
    }
    if (notice.state === 'pending') return
    // What is still said after it was given up concerns nobody.
    if (relation.seesTelephone === 'none' && !notice.isFetched) return
    if (relation.seesTelephone === 'asked' && notice.state === 'active') {
      this.#grant(relation)
      this.#calls.begin(watch)
    }
    this.#sights.see(watch, notice)
  }

  /** Who serves presence says with it who may see; where that is not served, this package does. */
  #callNoticed(watch: Watch, relation: Relation, notice: Notice): void {
    const isAll = this.#withoutPresence.has(watch.watched.aor)
    if (isAll) this.#answered(watch, OK)
    this.#calls.noticed(watch, notice)
    if (isAll && notice.state === 'terminated' && (notice.reason === 'rejected' || notice.reason === 'noresource'))
      return this.#refuse(watch, relation)
    if (relation.seesTelephone === 'none') return this.#calls.end(watch)
    if (!isAll || notice.state !== 'active') return this.#sights.callChanged(watch)
    if (relation.seesTelephone === 'asked') this.#grant(relation)
    this.#sights.seeTelephone(watch)
  }

  refused(refused: Watch, status: number, reason: string): void {
    const watch = presenceOf(refused)
    const relation = this.#relation(watch)
    const isAll = this.#withoutPresence.has(watch.watched.aor)
    if (refused.event === DIALOG_EVENT) {
      this.#calls.refused(watch, status)
      this.#sights.callChanged(watch)
      if (!isAll) return
    } else if (status === 489 && relation.seesTelephone !== 'none' && this.#calls.mayBeServed(watch)) {
      if (this.#withoutPresence.size < WITHOUT_PRESENCE_MAX) this.#withoutPresence.add(watch.watched.aor)
      return this.#calls.begin(watch)
    }
    if (CANCELS.has(status)) {
      this.#answered(watch, OK)
      return this.#refuse(watch, relation)
    }
    // Nothing is seen of it any more, whatever it is allowed.
    this.#sights.vanish(watch)
    if (RETRIED.has(status)) return this.#answered(watch, OK)
    const { type, condition } = conditionFor(status, undefined, false)
    this.#answered(watch, new StanzaError(type, condition, reason))
  }

  async isWanted(wanted: Watch): Promise<boolean> {
    const watch = presenceOf(wanted)
    if (this.#relation(watch).seesTelephone === 'none') return false
    const isWanted = (await this.rooms.isSeen(watch)) ?? this.#sights.provedAgo(watch) < REMOTE_PROOF_MS
    // What was told of calls is not known to hold any more.
    if (!isWanted && wanted.event === DIALOG_EVENT) this.#calls.forget(watch)
    return isWanted
  }

  // --- the XMPP side is watched ---

  async #consent(signal: Signal, stanza: Stanza): Promise<Answer> {
    const relation = this.rooms.relations.between(uriFor(stanza.to), stanza.from)
    const isGranted = stanza.type === 'subscribed'
    // Nobody asked: that is no invitation to keep something of it.
    if (isGranted && relation.seenByTelephone === 'none') return OK
    const consent: Consent = isGranted ? 'granted' : 'none'
    const refused = await this.#set({ ...relation, seenByTelephone: consent })
    if (refused) return answerFor(refused, signal)
    this.rooms.shown.consented(watchOfTelephone(relation), consent)
    return OK
  }

  #grant(relation: Relation): void {
    const granted = { ...relation, seesTelephone: 'granted' } as const
    this.rooms.saying.later(this.#set(granted))
    this.#say(granted, 'subscribed')
  }

  /** RFC 8048 §4: the authorization is cancelled for good. */
  #refuse(watch: Watch, relation: Relation): void {
    this.#calls.end(watch)
    this.#sights.vanish(watch)
    if (relation.seesTelephone === 'none') return
    this.rooms.saying.later(this.#set({ ...relation, seesTelephone: 'none' }))
    this.#say(relation, 'unsubscribed')
  }

  #say({ sip, xmpp }: Relation, type: string): void {
    this.rooms.saying.say(addressed(bare(type), jidFor(sip).bare, xmpp))
  }

  #answered(watch: Watch, outcome: Answer | StanzaError): void {
    const key = keyOfWatch(watch)
    const resolve = this.#pending.get(key)
    if (!resolve) return
    this.#pending.delete(key)
    resolve(outcome)
  }

  async #set(relation: Relation): Promise<StanzaError | undefined> {
    try {
      await this.rooms.relations.set(relation)
      return undefined
    } catch (cause) {
      if (cause instanceof TooManyRelations) return NO_MORE
      throw cause
    }
  }

  #relation({ watcher, watched }: Watch): Relation {
    return this.rooms.relations.between(watched, jidFor(watcher))
  }
}

/** RFC 8048 §4.2 (403, 489, 603): MUST be taken as a cancelled authorization. */
const CANCELS: ReadonlySet<number> = new Set([403, 489, 603])

/** No answer at all: it is asked again. */
const RETRIED: ReadonlySet<number> = new Set([408, 503])

const presenceOf = (watch: Watch): Watch => (watch.event === 'presence' ? watch : { ...watch, event: 'presence' })
const watchOf = ({ from, to }: Stanza): Watch => ({ watcher: uriFor(from.bare), watched: uriFor(to.bare), event: 'presence' })
const watchOfTelephone = ({ sip, xmpp }: Relation): Watch => ({ watcher: sip, watched: uriFor(xmpp), event: 'presence' })
