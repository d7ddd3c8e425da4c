/** An iq that reaches an account (RFC 6121 §8.5): to the session it names, or answered for the account, for its telephones, or for SIP users beside it. */
import { ACCEPTED, OK } from '../core/answer.ts'
import type { Locations } from '../core/location.ts'
import type { Answer, Delivery, MaybePromise, Signal } from '../core/port.ts'
import type { Log } from '../log/log.ts'
import { answerFor } from '../mapping/answer.ts'
import { StanzaError } from '../stanza/error.ts'
import type { Stanza } from '../stanza/stanza.ts'
import { answerIq } from './answer-iq.ts'
import type { Asking } from './asking.ts'
import type { Awaiting } from './awaiting.ts'
import type { Features } from './feature.ts'
import { type ForTelephones, NOT_THERE } from './for-telephones.ts'
import { NS_ROSTER } from './roster-item.ts'
import type { Sessions } from './sessions.ts'
import type { Subscribing } from './subscribing.ts'
import { andThen } from './turns.ts'

export interface IqDeliveryRooms {
  readonly sessions: Sessions
  readonly locations: Locations
  readonly asking: Asking
  readonly awaiting: Awaiting
  /** What an account answers its owner. */
  readonly features: Features
  /** What it answers those who may see its presence. */
  readonly contactFeatures: Features
  readonly subscribing: Pick<Subscribing, 'mayView'>
  readonly forTelephones: Pick<ForTelephones, 'ask' | 'askElsewhere' | 'isElsewhere'>
  readonly log: Log
}

/** Nothing but what an account that exists would do; for everybody else it is refused as a name that nobody has. */
type IfExists = (signal: Signal, then: () => MaybePromise<Answer>) => Delivery

export const NOBODY = new StanzaError('cancel', 'service-unavailable', 'There is no such address here')
const NOT_YOURS = new StanzaError('auth', 'forbidden', 'Only its owner changes a list of contacts')

export class IqDelivery {
  constructor(
    readonly rooms: IqDeliveryRooms,
    readonly ifExists: IfExists,
  ) {}

  deliver(signal: Signal, iq: Stanza): Delivery {
    const { to } = signal
    const isAnswer = iq.type === 'result' || iq.type === 'error'
    if (to.gr === undefined) {
      if (this.#isElsewhere(signal)) return this.rooms.forTelephones.askElsewhere(signal, iq)
      return this.ifExists(signal, () => (isAnswer ? OK : this.#forAccount(signal, iq)))
    }
    const session = this.rooms.sessions.sessionsOf(to.aor).find(({ jid }) => jid.resource === to.gr)
    if (isAnswer) {
      if (session && this.rooms.awaiting.end(session, iq.from.toString(), iq.id)) session.deliver(iq.xml)
      else this.rooms.log.lowLevel({ what: 'late_answer_dropped', from: iq.from.toString(), to: iq.to.toString() })
      return ACCEPTED
    }
    if (session) return this.rooms.asking.ask(session, iq, signal)
    const telephone = this.rooms.locations.deviceOf(to.aor, to.gr)
    if (telephone) return this.rooms.forTelephones.ask(signal, iq, telephone)
    return this.#isElsewhere(signal) ? this.rooms.forTelephones.askElsewhere(signal, iq) : answerFor(NOT_THERE, signal)
  }

  /** An extension of a PBX that nobody here has logged in to, a number behind a route: below a domain of ours, and no account. */
  #isElsewhere({ to }: Signal): boolean {
    return this.rooms.sessions.sessionsOf(to.aor).length === 0 && this.rooms.forTelephones.isElsewhere(to)
  }

  /** The account answers for its owner (RFC 6121 §8.5.2.1.3); whoever may not see its presence is told what he would be told if there were none. */
  #forAccount(signal: Signal, iq: Stanza): MaybePromise<Answer> {
    const { features, contactFeatures, subscribing } = this.rooms
    if (iq.from.bare.equals(iq.to.bare)) return answerIq(features, iq, signal)
    // RFC 6121 §2.3.3 names this refusal.
    if (iq.type === 'set' && iq.xml.child('query', NS_ROSTER)) return answerFor(NOT_YOURS, signal)
    return andThen(subscribing.mayView(iq.to.bare, iq.from.bare), (may) =>
      may ? answerIq(contactFeatures, iq, signal) : answerFor(NOBODY, signal),
    )
  }
}
