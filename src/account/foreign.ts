/**
 * SIP users who are no accounts of ours (on a PBX, behind a next hop), as the XMPP world sees them: a presence stanza for one becomes a subscription over SIP, what
 * their notifiers say becomes presence from them (RFC 8048 §4, §5), and what they may be told is handed to whoever keeps their own watches.
 */
import type { Jid } from '../address/jid.ts'
import { OK } from '../core/answer.ts'
import type { Answer, Delivery, MaybePromise, Signal } from '../core/port.ts'
import { RefusedError } from '../core/port.ts'
import { keyOfWatch, type Notice, type Notices, type Watch } from '../core/subscriptions/port.ts'
import type { Subscriber } from '../core/subscriptions/subscriber.ts'
import type { Log } from '../log/log.ts'
import { jidFor, uriFor } from '../mapping/address.ts'
import { answerFor } from '../mapping/answer.ts'
import { conditionFor } from '../mapping/error.ts'
import type { Making } from '../mapping/making.ts'
import { presencesIn } from '../mapping/presence/presences-in.ts'
import { toStanza } from '../mapping/stanza.ts'
import { StanzaError } from '../stanza/error.ts'
import type { Stanza } from '../stanza/stanza.ts'
import type { Element } from '../xml/element.ts'
import { addressed, bare, kept, UNAVAILABLE } from './presence-stanza.ts'
import { type Consent, type Relation, type Relations, TooManyRelations } from './relations.ts'

/** Who may see the XMPP side, and what became of it: account/watching. */
export interface Shown {
  arrived(stanza: Stanza): void
  /** What this telephone may see of the XMPP side has changed. */
  consented(watch: Watch, consent: Consent): void
}

export interface ForeignRooms {
  readonly relations: Relations
  readonly subscriber: Pick<Subscriber, 'subscribe' | 'unsubscribe' | 'fetch' | 'has'>
  readonly shown: Shown
  /** Into the core, as from any sender. */
  submit(stanza: Stanza): MaybePromise<Answer>
  /** Whether somebody is there to see: undefined where only another server knows. */
  isOnline(jid: Jid): MaybePromise<boolean | undefined>
  readonly making: Making
  readonly log: Log
}

/** How long a probe of a remote server proves that its user is there (RFC 8048 §8.1: no refreshing for who has long gone). */
const REMOTE_PROOF_MS = 24 * 3_600_000

const NO_MORE = new StanzaError('wait', 'resource-constraint', 'There are too many contacts between these two')

/** What the XMPP side knows of one telephone, since it was last begun to be watched. */
interface Sight {
  /** By resource. */
  readonly devices: Map<string, Element>
  /** When the XMPP side last showed that it is there. */
  provedAt: number
}

export class Foreign implements Notices {
  readonly #sights = new Map<string, Sight>()
  /** Subscribe stanzas whose SUBSCRIBE has not been answered. */
  readonly #pending = new Map<string, (answer: Answer | StanzaError) => void>()

  constructor(readonly rooms: ForeignRooms) {}

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

  /** `now` where somebody is there, as far as this watcher has seen it. */
  lastSeen(watch: Watch): number | 'now' | undefined {
    const sight = this.#sights.get(keyOfWatch(watch))
    return sight && sight.devices.size > 0 ? 'now' : undefined
  }

  // --- the XMPP side watches ---

  async #subscribe(signal: Signal, watch: Watch): Promise<Answer> {
    const relation = this.#relation(watch)
    this.#sight(watch).provedAt = this.rooms.making.now().getTime()
    if (relation.seesTelephone === 'granted') {
      this.#say(relation, 'subscribed')
      this.#showAll(watch)
    } else {
      const refused = await this.#set({ ...relation, seesTelephone: 'asked' })
      if (refused) return answerFor(refused, signal)
    }
    if (this.rooms.subscriber.has(watch)) return OK
    return new Promise((resolve) => {
      const key = keyOfWatch(watch)
      this.#pending.get(key)?.(OK)
      this.#pending.set(key, (outcome) => resolve(outcome instanceof StanzaError ? answerFor(outcome, signal) : outcome))
      this.rooms.subscriber.subscribe(watch)
    })
  }

  async #unsubscribe(watch: Watch): Promise<Answer> {
    this.#answered(watch, OK)
    const relation = this.#relation(watch)
    this.rooms.subscriber.unsubscribe(watch)
    this.#vanish(watch)
    if (relation.seesTelephone !== 'none') {
      await this.#set({ ...relation, seesTelephone: 'none' })
      this.#say(relation, 'unsubscribed')
    }
    return OK
  }

  /** RFC 6121 §4.3 asks for the state as it is; whoever may see it watches from now on. */
  #probe(watch: Watch): Answer {
    if (this.#relation(watch).seesTelephone === 'none') {
      this.rooms.subscriber.fetch(watch)
      return OK
    }
    this.#sight(watch).provedAt = this.rooms.making.now().getTime()
    this.#showAll(watch)
    if (!this.rooms.subscriber.has(watch)) this.rooms.subscriber.subscribe(watch)
    return OK
  }

  noticed(watch: Watch, notice: Notice): void {
    this.#answered(watch, OK)
    const relation = this.#relation(watch)
    if (notice.state === 'terminated' && !notice.isFetched) {
      if (notice.reason === 'rejected' || notice.reason === 'noresource') this.#refuse(watch, relation)
      return
    }
    if (notice.state === 'pending') return
    // What is still said after it was given up concerns nobody.
    if (relation.seesTelephone === 'none' && !notice.isFetched) return
    if (relation.seesTelephone === 'asked' && notice.state === 'active') {
      const granted = { ...relation, seesTelephone: 'granted' } as const
      this.#later(this.#set(granted))
      this.#say(granted, 'subscribed')
    }
    this.#see(watch, notice)
  }

  refused(watch: Watch, status: number, reason: string): void {
    const relation = this.#relation(watch)
    if (CANCELS.has(status)) {
      this.#answered(watch, OK)
      return this.#refuse(watch, relation)
    }
    // Nothing is seen of it any more, whatever it is allowed.
    this.#vanish(watch)
    if (RETRIED.has(status)) return this.#answered(watch, OK)
    const { type, condition } = conditionFor(status, undefined, false)
    this.#answered(watch, new StanzaError(type, condition, reason))
  }

  async isWanted(watch: Watch): Promise<boolean> {
    if (this.#relation(watch).seesTelephone === 'none') return false
    const isOnline = await this.rooms.isOnline(jidFor(watch.watcher))
    return isOnline ?? this.rooms.making.now().getTime() - this.#sight(watch).provedAt < REMOTE_PROOF_MS
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

  // --- what is seen ---

  #see(watch: Watch, { document, language }: Notice): void {
    const [telephone, xmpp] = [jidFor(watch.watched).bare, jidFor(watch.watcher).bare]
    const { devices } = this.#sight(watch)
    const seen = document ? presencesIn(document, telephone, xmpp, { now: this.rooms.making.now(), language }) : []
    const gone = new Set(devices.keys())
    for (const stanza of seen) {
      const resource = stanza.from.resource ?? ''
      gone.delete(resource)
      if (stanza.type === 'unavailable' && !devices.has(resource)) continue
      this.#submit(stanza)
      if (stanza.type === 'unavailable') devices.delete(resource)
      else devices.set(resource, kept(stanza.xml))
    }
    for (const resource of gone) {
      devices.delete(resource)
      this.#submit(addressed(UNAVAILABLE, deviceOf(telephone, resource), xmpp))
    }
  }

  #showAll(watch: Watch): void {
    const xmpp = jidFor(watch.watcher).bare
    const telephone = jidFor(watch.watched).bare
    for (const [resource, xml] of this.#sight(watch).devices) {
      this.#submit(addressed(xml, deviceOf(telephone, resource), xmpp))
    }
  }

  #vanish(watch: Watch): void {
    const sight = this.#sights.get(keyOfWatch(watch))
    if (!sight) return
    const [telephone, xmpp] = [jidFor(watch.watched).bare, jidFor(watch.watcher).bare]
    for (const resource of sight.devices.keys()) {
      this.#submit(addressed(UNAVAILABLE, deviceOf(telephone, resource), xmpp))
    }
    this.#sights.delete(keyOfWatch(watch))
  }

  /** RFC 8048 §4: the authorization is cancelled for good. */
  #refuse(watch: Watch, relation: Relation): void {
    this.#vanish(watch)
    if (relation.seesTelephone === 'none') return
    this.#later(this.#set({ ...relation, seesTelephone: 'none' }))
    this.#say(relation, 'unsubscribed')
  }

  #say({ sip, xmpp }: Relation, type: string): void {
    this.#submit(addressed(bare(type), jidFor(sip).bare, xmpp))
  }

  #submit(stanza: Stanza): void {
    const answer = this.rooms.submit(stanza)
    if (answer instanceof Promise) this.#later(answer)
  }

  #later(work: Promise<unknown>): void {
    work.catch((cause: unknown) => {
      if (cause instanceof RefusedError || cause instanceof StanzaError)
        return this.rooms.log.lowLevel({ what: 'presence_refused', why: cause.message })
      this.rooms.log.failure({ what: 'presence_failed', error: cause instanceof Error ? cause.stack : cause })
    })
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

  #sight(watch: Watch): Sight {
    const key = keyOfWatch(watch)
    let sight = this.#sights.get(key)
    if (!sight) {
      sight = { devices: new Map(), provedAt: 0 }
      this.#sights.set(key, sight)
    }
    return sight
  }
}

/** RFC 8048 §4.2 (403, 489, 603): MUST be taken as a cancelled authorization. */
const CANCELS: ReadonlySet<number> = new Set([403, 489, 603])
const deviceOf = (telephone: Jid, resource: string): Jid => (resource === '' ? telephone : telephone.withResource(resource))

/** No answer at all: it is asked again. */
const RETRIED: ReadonlySet<number> = new Set([408, 503])

const watchOf = ({ from, to }: Stanza): Watch => ({ watcher: uriFor(from.bare), watched: uriFor(to.bare), event: 'presence' })
const watchOfTelephone = ({ sip, xmpp }: Relation): Watch => ({ watcher: sip, watched: uriFor(xmpp), event: 'presence' })
