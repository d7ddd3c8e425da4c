/** RFC 6121 §8: what reaches an account goes to its sessions and its telephones alike, or comes back with the reason. */
import { NO_SUBSCRIPTION, OK, PlainAnswer } from '../core/answer.ts'
import type { Binding, Locations } from '../core/location.ts'
import type { Answer, Delivery, MaybePromise, Signal, Target } from '../core/port.ts'
import { carriesStanza, NotYetTaken, RefusedError } from '../core/port.ts'
import type { Telephones } from '../core/telephones.ts'
import type { Log } from '../log/log.ts'
import { ACCEPT } from '../mapping/accept.ts'
import { answerFor } from '../mapping/answer.ts'
import { jidOf } from '../mapping/honoured.ts'
import type { Making } from '../mapping/making.ts'
import { toSignal } from '../mapping/signal.ts'
import { toStanza } from '../mapping/stanza.ts'
import { StanzaError } from '../stanza/error.ts'
import type { Stanza } from '../stanza/stanza.ts'
import type { Accounts } from '../store/port.ts'
import type { Chatting } from './chatting.ts'
import { IqDelivery, type IqDeliveryRooms, NOBODY } from './deliver-iq.ts'
import { PresenceDelivery, type PresenceDeliveryRooms } from './deliver-presence.ts'
import { bestOf } from './fork.ts'
import type { Session, Sessions } from './sessions.ts'
import type { SipWatchers } from './watchers.ts'

export interface DeliveryRooms {
  readonly accounts: Pick<Accounts, 'exists'>
  readonly sessions: Sessions
  readonly locations: Locations
  readonly telephones: Telephones
  readonly iq: Omit<IqDeliveryRooms, 'sessions' | 'locations' | 'subscribing' | 'log'>
  readonly presence: Omit<PresenceDeliveryRooms, 'sessions' | 'log'>
  /** Absent: nobody watches or publishes by SIP. */
  readonly watchers?: Pick<SipWatchers, 'subscribe' | 'publish'>
  readonly making: Making
  /** Absent: what SIP users say beside their words is nobody's business. */
  readonly chatting?: Chatting
  readonly log: Log
}

const NO_DEVICE = new StanzaError('wait', 'recipient-unavailable', 'Nobody is there to receive this')
const NOT_FOR_ALL = new StanzaError('cancel', 'service-unavailable', 'A message of this type needs one device that is there')
const METHODS = new PlainAnswer(405, 'Method Not Allowed', [['Allow', 'MESSAGE, INFO, OPTIONS']])
const OPTIONS = new PlainAnswer(200, 'OK', [['Allow', 'MESSAGE, INFO, OPTIONS'], ...ACCEPT])
/** RFC 6665 §4.2.1.1: of no event package a notifier is here. */
const NO_EVENT = new PlainAnswer(489, 'Bad Event')

/** All accounts of our domains behind one target: what it needs to know of one is found by the address of the signal. */
export class AccountTarget implements Target {
  readonly #presence: PresenceDelivery
  readonly #iq: IqDelivery

  constructor(readonly rooms: DeliveryRooms) {
    const { sessions, locations, log } = rooms
    const { subscribing } = rooms.presence
    this.#presence = new PresenceDelivery({ ...rooms.presence, sessions, log }, (signal) => this.#exists(signal))
    this.#iq = new IqDelivery({ ...rooms.iq, sessions, locations, subscribing, log }, (signal, then) => this.#ifExists(signal, then))
  }

  deliver(signal: Signal): Delivery {
    try {
      return this.#byMethod(signal)
    } catch (cause) {
      if (cause instanceof StanzaError) return answerFor(cause, signal)
      throw cause
    }
  }

  #byMethod(signal: Signal): Delivery {
    switch (signal.method) {
      case 'MESSAGE':
        return this.#message(signal)
      case 'INFO':
        return this.#iq.deliver(signal, toStanza(signal, this.rooms.making))
      case 'SUBSCRIBE':
      case 'NOTIFY':
        return this.#presenceOrWatch(signal)
      case 'PUBLISH':
        return this.rooms.watchers?.publish(signal) ?? METHODS
      case 'OPTIONS':
        return this.#ifExists(signal, () => OPTIONS)
      default:
        return METHODS
    }
  }

  /** With a stanza it is XMPP's presence; without one, somebody watches by SIP. */
  #presenceOrWatch(signal: Signal): Delivery {
    if (signal.origin || carriesStanza(signal)) return this.#presence.deliver(signal, toStanza(signal, this.rooms.making))
    if (signal.method === 'NOTIFY') return NO_SUBSCRIPTION
    return this.rooms.watchers?.subscribe(signal) ?? NO_EVENT
  }

  // --- messages, RFC 6121 §8.5 ---

  #message(signal: Signal): Delivery {
    const { to } = signal
    const isPlainSip = signal.received !== undefined && !carriesStanza(signal)
    if (isPlainSip) this.rooms.chatting?.heard(signal)
    const sessions = this.rooms.sessions.sessionsOf(to.aor)
    const phones = this.rooms.locations.bindingsOf(to.aor)
    if (to.gr !== undefined) {
      const session = sessions.find(({ jid }) => jid.resource === to.gr)
      if (session) return this.#write(signal, this.#stanzaOf(signal, isPlainSip), [session], [])
      const phone = this.rooms.locations.deviceOf(to.aor, to.gr)
      if (phone) return this.#toTelephone(signal, phone)
    }
    // A telephone's own words need no stanza where only telephones hear them.
    if (sessions.length === 0 && phones.length > 0 && isPlainSip) return this.#ring(signal, phones)
    const stanza = this.#stanzaOf(signal, isPlainSip)
    switch (stanza.type) {
      case 'error':
        return this.#late(signal, stanza, phones) // §8.5.2.1.1 and §8.5.3.2.1
      case 'groupchat':
        return this.#ifExists(signal, () => answerFor(NOT_FOR_ALL, signal))
      case 'headline':
        return this.#toAll(signal, stanza, sessions, phones) ?? this.#ifExists(signal, () => OK)
      default:
        return this.#toAll(signal, stanza, sessions, phones) ?? this.#ifExists(signal, () => answerFor(NO_DEVICE, signal))
    }
  }

  #stanzaOf(signal: Signal, isPlainSip: boolean): Stanza {
    const stanza = toStanza(signal, this.rooms.making)
    return isPlainSip ? (this.rooms.chatting?.told(signal, stanza) ?? stanza) : stanza
  }

  /** To every available session of non-negative priority and every telephone; undefined where there is none. */
  #toAll(signal: Signal, stanza: Stanza, sessions: readonly Session[], phones: readonly Binding[]): MaybePromise<Answer> | undefined {
    const only = sessions[0]
    if (sessions.length === 1 && only && phones.length === 0)
      return isOpen(only) ? this.#write(signal, stanza, sessions, phones) : undefined
    const open = sessions.filter(isOpen)
    if (open.length > 0) return this.#write(signal, stanza, open, phones)
    return phones.length > 0 ? this.#ring(this.#forTelephones(signal, stanza), phones) : undefined
  }

  /** What one of our nodes sent as a request with P-XMPP-Data is made anew as a telephone may see it: only the stanza says what there is to read. */
  #forTelephones(signal: Signal, stanza: Stanza): Signal {
    if (!carriesStanza(signal)) return signal
    const { arrival, from, to, maxForwards } = signal
    return toSignal(stanza, this.rooms.making, { arrival, from, to, maxForwards })
  }

  /** A written session answers at once; the telephones go on beside it. */
  #write(signal: Signal, stanza: Stanza, sessions: readonly Session[], phones: readonly Binding[]): MaybePromise<Answer> {
    for (const session of sessions) session.deliver(stanza.xml)
    if (phones.length > 0) this.#ringBeside(this.#forTelephones(signal, stanza), phones)
    // A telephone is told 200 only when the kernel has the bytes; inside the house nobody waits for that.
    return signal.arrival.kind === 'wire' ? this.#written(signal, sessions) : OK
  }

  async #written(signal: Signal, sessions: readonly Session[]): Promise<Answer> {
    try {
      const [only] = sessions
      await (sessions.length === 1 && only ? only.written() : Promise.any(sessions.map((session) => session.written())))
      return OK
    } catch {
      // Every stream ended before its bytes were taken: the message reached nobody.
      return answerFor(NO_DEVICE, signal)
    }
  }

  /** What becomes of it is for the log alone. */
  async #ringBeside(signal: Signal, phones: readonly Binding[]): Promise<void> {
    const { log } = this.rooms
    try {
      const { status } = await this.#ring(signal, phones)
      if (status >= 300) log.lowLevel({ what: 'beside_session_failed', to: signal.to.aor, status })
    } catch (cause) {
      if (cause instanceof RefusedError) log.lowLevel({ what: 'beside_session_failed', to: signal.to.aor, status: cause.status })
      else log.failure({ what: 'beside_session_failed', to: signal.to.aor, error: cause instanceof Error ? cause.stack : cause })
    }
  }

  #toTelephone(signal: Signal, phone: Binding): MaybePromise<Answer> {
    if (signal.received && !carriesStanza(signal)) return this.rooms.telephones.send(phone, signal)
    const stanza = toStanza(signal, this.rooms.making)
    // An error never becomes a request to a telephone, or two gateways would answer each other for ever.
    return stanza.type === 'error'
      ? this.#late(signal, stanza, [phone])
      : this.rooms.telephones.send(phone, this.#forTelephones(signal, stanza))
  }

  /** An error about what was answered with 2xx already: who asked to be told of it on his telephone is told (RFC 5438 §12.1.3.1). */
  #late(signal: Signal, stanza: Stanza, phones: readonly Binding[]): MaybePromise<Answer> {
    if (phones.length === 0 || this.rooms.chatting?.wantsToHear(stanza, signal) !== true) return this.#dropped(stanza)
    this.#ringBeside(this.#forTelephones(signal, stanza), phones)
    return OK
  }

  /** An error nobody is there for is not answered; the log knows of it. */
  #dropped({ from, to }: Stanza): Answer {
    this.rooms.log.lowLevel({ what: 'error_dropped', from: from.toString(), to: to.toString() })
    return OK
  }

  /** All telephones at once; the first 2xx is the answer, else the best of what they said (RFC 3261 §16.7). */
  #ring(signal: Signal, phones: readonly Binding[]): MaybePromise<Answer> {
    const { telephones } = this.rooms
    const [only] = phones
    if (phones.length === 1 && only) return telephones.send(only, signal)
    return bestOf(phones.map(async (phone) => telephones.send(phone, signal)))
  }

  // --- iq, RFC 6121 §8.5 and the answer in the final response ---

  // --- who is an account at all ---

  /** Only an account that exists is worth a word about its devices; a name nobody has is refused as such. */
  #ifExists(signal: Signal, then: () => MaybePromise<Answer>): Delivery {
    const exists = this.#exists(signal)
    if (!(exists instanceof Promise)) return exists ? then() : answerFor(NOBODY, signal, 404)
    return new NotYetTaken(exists.then((there) => ({ answer: there ? then() : answerFor(NOBODY, signal, 404) })))
  }

  #exists({ to }: Signal): MaybePromise<boolean> {
    return this.rooms.sessions.sessionsOf(to.aor).length > 0 || this.rooms.accounts.exists(jidOf(to, 404).bare)
  }
}

const isOpen = (session: Session): boolean => session.priority !== undefined && session.priority >= 0
