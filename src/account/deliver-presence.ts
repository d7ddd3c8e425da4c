/** Presence that reaches an account (RFC 6121 §8.5): to its sessions, into its roster, or answered for it. */
import { OK } from '../core/answer.ts'
import type { Answer, Delivery, MaybePromise, Signal } from '../core/port.ts'
import { NotYetTaken } from '../core/port.ts'
import type { Log } from '../log/log.ts'
import { answerFor } from '../mapping/answer.ts'
import { StanzaError } from '../stanza/error.ts'
import type { Stanza } from '../stanza/stanza.ts'
import type { Directed } from './directed.ts'
import { bare } from './presence-stanza.ts'
import type { Presences } from './presences.ts'
import type { Sending } from './sending.ts'
import type { Sessions } from './sessions.ts'
import type { Subscribing } from './subscribing.ts'
import type { SubscriptionType } from './subscription-state.ts'
import type { SipWatchers } from './watchers.ts'

export interface PresenceDeliveryRooms {
  readonly sessions: Sessions
  readonly directed: Directed
  readonly presences: Presences
  readonly subscribing: Subscribing
  readonly sending: Sending
  readonly watchers: Pick<SipWatchers, 'arrived'>
  readonly log: Log
}

/** Whether there is such an account. */
type Exists = (signal: Signal) => MaybePromise<boolean>

const NO_SUCH_TYPE = new StanzaError('modify', 'bad-request', 'There is no presence of this type')
const NOBODY = new StanzaError('cancel', 'service-unavailable', 'There is no such address here')

export class PresenceDelivery {
  constructor(
    readonly rooms: PresenceDeliveryRooms,
    readonly exists: Exists,
  ) {}

  deliver(signal: Signal, stanza: Stanza): Delivery {
    const { type } = stanza
    switch (type) {
      case 'available':
      case 'unavailable':
        return this.#shown(signal, stanza, type === 'unavailable')
      case 'subscribe':
        return this.#ifExists(signal, () => this.#subscription(signal, stanza, type), answerFor(NOBODY, signal, 404))
      case 'subscribed':
      case 'unsubscribe':
      case 'unsubscribed':
        return this.#isForNobody(signal) ? OK : this.#ifExists(signal, () => this.#subscription(signal, stanza, type), OK)
      case 'probe':
        return this.#probe(signal, stanza)
      case 'error':
        return this.#failed(signal, stanza)
      default:
        return answerFor(NO_SUCH_TYPE, signal)
    }
  }

  /** Whoever has nobody there misses it (§8.5.2.2.2); he asks again when he comes. */
  #shown({ to }: Signal, stanza: Stanza, isGone: boolean): Answer {
    const { sessions, directed, watchers } = this.rooms
    for (const session of sessions.sessionsOf(to.aor)) {
      if (to.gr === undefined ? session.presence === undefined : session.jid.resource !== to.gr) continue
      session.deliver(stanza.xml)
      // §4.6.1: whoever has gone needs no goodbye.
      if (isGone) directed.remove(session, stanza.from)
    }
    watchers.arrived(stanza)
    return OK
  }

  /** §8.5.3.2.2: a device that is not there is told nothing. */
  #isForNobody({ to }: Signal): boolean {
    return to.gr !== undefined && !this.rooms.sessions.sessionsOf(to.aor).some(({ jid }) => jid.resource === to.gr)
  }

  #subscription(signal: Signal, stanza: Stanza, type: SubscriptionType): MaybePromise<Answer> {
    try {
      const done = this.rooms.subscribing.inbound(stanza, type)
      if (!(done instanceof Promise)) return OK
      return done.then(
        () => OK,
        (cause: unknown) => refused(cause, signal),
      )
    } catch (cause) {
      return refused(cause, signal)
    }
  }

  #probe(signal: Signal, stanza: Stanza): Delivery {
    return this.#ifExists(
      signal,
      () => {
        const done = this.rooms.presences.probed(stanza)
        return done instanceof Promise ? done.then(() => OK) : OK
      },
      () => {
        // §8.5.1: as from somebody who has never heard of whoever asks.
        const gone = { jid: stanza.to.bare, uri: signal.to.bare }
        this.rooms.sending.send(bare('unsubscribed', stanza.id), gone, stanza.from, undefined)
        return OK
      },
    )
  }

  /** Only what names a device is news for it. */
  #failed({ to }: Signal, stanza: Stanza): Answer {
    const session = this.rooms.sessions.sessionsOf(to.aor).find(({ jid }) => jid.resource === to.gr)
    if (session) session.deliver(stanza.xml)
    else this.rooms.log.lowLevel({ what: 'error_dropped', from: stanza.from.toString(), to: stanza.to.toString() })
    return OK
  }

  /** The lane waits until the store has it: what the same sender says next counts on it. */
  #ifExists(signal: Signal, then: () => MaybePromise<Answer>, otherwise: Answer | (() => Answer)): Delivery {
    const orElse = (): Answer => (typeof otherwise === 'function' ? otherwise() : otherwise)
    const exists = this.exists(signal)
    if (exists instanceof Promise) return new NotYetTaken(exists.then(async (there) => ({ answer: there ? await then() : orElse() })))
    const answer = exists ? then() : orElse()
    return answer instanceof Promise ? new NotYetTaken(answer.then((done) => ({ answer: done }))) : answer
  }
}

function refused(cause: unknown, signal: Signal): Answer {
  if (cause instanceof StanzaError) return answerFor(cause, signal)
  throw cause
}
