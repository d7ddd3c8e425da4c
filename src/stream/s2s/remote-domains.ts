/** The way to everybody else: domains that are neither ours nor a component's are asked for in DNS, and spoken to as one of ours. */

import { isIP } from 'node:net'
import type { Asking } from '../../account/asking.ts'
import type { Awaiting } from '../../account/awaiting.ts'
import type { SipWatchers } from '../../account/watchers.ts'
import type { SipUri } from '../../address/sip-uri.ts'
import { ACCEPTED, NO_SUBSCRIPTION, PlainAnswer } from '../../core/answer.ts'
import { carriesStanza, type Delivery, type Signal, type Target, type Way } from '../../core/port.ts'
import { eventName } from '../../core/subscriptions/event.ts'
import type { Log } from '../../log/log.ts'
import { answerFor } from '../../mapping/answer.ts'
import type { Making } from '../../mapping/making.ts'
import { toStanza } from '../../mapping/stanza.ts'
import { StanzaError } from '../../stanza/error.ts'
import type { Stanza } from '../../stanza/stanza.ts'
import type { Relay } from './places.ts'
import type { Queue } from './queue.ts'
import type { Queues } from './queues.ts'

export interface RemoteRooms {
  readonly queues: Queues
  readonly asking: Asking
  readonly awaiting: Awaiting
  /** Whether we speak for this domain: it is hosted, or a component's. As XMPP writes it. */
  speaksFor(domain: string): boolean
  /** What the operator's routes say of an address. */
  relayFor(address: SipUri): Relay | undefined
  /** Who watches addresses beyond by SIP. */
  readonly watchers: Pick<SipWatchers, 'subscribe'>
  readonly making: Making
  readonly log: Log
}

const METHODS = new PlainAnswer(405, 'Method Not Allowed', [['Allow', 'MESSAGE, INFO, SUBSCRIBE']])
const NO_EVENT = new PlainAnswer(489, 'Bad Event', [['Allow-Events', 'presence']])
const NOT_OURS = new PlainAnswer(403, 'Only what our own domains say is passed on to other servers')

export class RemoteDomains implements Way, Target {
  readonly name = 'other servers'

  constructor(readonly rooms: RemoteRooms) {}

  targetFor({ to }: Signal): Target | undefined {
    // An address is no domain to be asked for, and nobody could prove to be it.
    return isIP(to.host.replace(/^\[(.*)\]$/, '$1')) === 0 || this.rooms.relayFor(to) ? this : undefined
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
        return this.#send(toStanza(signal, this.rooms.making), signal)
      case 'INFO':
        return this.#iq(toStanza(signal, this.rooms.making), signal)
      case 'SUBSCRIBE':
      case 'NOTIFY':
        return this.#presenceOrWatch(signal)
      default:
        return METHODS
    }
  }

  #send(stanza: Stanza, signal: Signal): Delivery {
    const queue = this.#queueFor(stanza, signal)
    return queue ? queue.send(stanza.xml, signal) : NOT_OURS
  }

  #iq(iq: Stanza, signal: Signal): Delivery {
    const queue = this.#queueFor(iq, signal)
    if (!queue) return NOT_OURS
    if (iq.type === 'get' || iq.type === 'set') return this.rooms.asking.ask(queue, iq, signal)
    // An answer that took its time.
    if (this.rooms.awaiting.end(queue, iq.from.toString(), iq.id, iq.to.toString())) queue.deliver(iq.xml)
    else this.rooms.log.lowLevel({ what: 'late_answer_dropped', from: iq.from.toString(), to: iq.to.toString() })
    return ACCEPTED
  }

  /** With a stanza it is XMPP's presence, and goes its way; without one, somebody watches by SIP. */
  #presenceOrWatch(signal: Signal): Delivery {
    if (signal.origin || carriesStanza(signal)) return this.#send(toStanza(signal, this.rooms.making), signal)
    if (signal.method === 'NOTIFY') return NO_SUBSCRIPTION
    if (!this.rooms.speaksFor(signal.from.host)) return NOT_OURS
    const event = eventName(signal.header('Event'))
    return event.toLowerCase() === 'presence' ? this.rooms.watchers.subscribe(signal) : NO_EVENT
  }

  /** Undefined where the sender is nobody we speak for: no server would believe us. Throws StanzaError. */
  #queueFor({ from, to }: Stanza, signal: Signal): Queue | undefined {
    const { queues, speaksFor, relayFor } = this.rooms
    if (!speaksFor(from.domain)) return undefined
    return queues.of({ from: from.domain, to: to.domain }, relayFor(signal.to))
  }
}
