/** What reaches an address of a component's domain: its stanza is written to the component, whoever sent it; who watches by SIP begins a dialog with us. */

import type { SipWatchers } from '../../account/watchers.ts'
import { ACCEPTED, NO_SUBSCRIPTION, PlainAnswer } from '../../core/answer.ts'
import { carriesStanza, type Delivery, type Signal, type Target } from '../../core/port.ts'
import { eventName } from '../../core/subscriptions/event.ts'
import type { Log } from '../../log/log.ts'
import { ACCEPT } from '../../mapping/accept.ts'
import { answerFor } from '../../mapping/answer.ts'
import type { Making } from '../../mapping/making.ts'
import { toStanza } from '../../mapping/stanza.ts'
import { StanzaError } from '../../stanza/error.ts'
import type { Stanza } from '../../stanza/stanza.ts'
import type { Component } from './component.ts'

export interface ComponentTargetRooms {
  /** Who watches addresses beyond by SIP. */
  readonly watchers: Pick<SipWatchers, 'subscribe'>
  readonly making: Making
  readonly log: Log
}

const METHODS = new PlainAnswer(405, 'Method Not Allowed', [['Allow', 'MESSAGE, INFO, SUBSCRIBE, OPTIONS']])
const OPTIONS = new PlainAnswer(200, 'OK', [['Allow', 'MESSAGE, INFO, SUBSCRIBE, OPTIONS'], ...ACCEPT])
/** RFC 6665 §4.2.1.1. */
const NO_EVENT = new PlainAnswer(489, 'Bad Event', [['Allow-Events', 'presence']])

export class ComponentTarget implements Target {
  constructor(
    readonly component: Component,
    readonly rooms: ComponentTargetRooms,
  ) {}

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
        return this.component.take(toStanza(signal, this.rooms.making), signal)
      case 'INFO':
        return this.#iq(toStanza(signal, this.rooms.making), signal)
      case 'SUBSCRIBE':
      case 'NOTIFY':
        return this.#presenceOrWatch(signal)
      case 'OPTIONS':
        return OPTIONS
      default:
        return METHODS
    }
  }

  #iq(iq: Stanza, signal: Signal): Delivery {
    if (iq.type === 'get' || iq.type === 'set') return this.component.take(iq, signal)
    // An answer that took its time goes to the connection that asked.
    const { awaiting } = this.component.rooms
    const asker = this.component.links.find((link) => awaiting.end(link, iq.from.toString(), iq.id, iq.to.toString()))
    if (asker) asker.deliver(iq.xml)
    else this.rooms.log.lowLevel({ what: 'late_answer_dropped', from: iq.from.toString(), to: iq.to.toString() })
    return ACCEPTED
  }

  /** With a stanza it is XMPP's presence, and the component's affair; without one, somebody watches by SIP. */
  #presenceOrWatch(signal: Signal): Delivery {
    if (signal.origin || carriesStanza(signal)) return this.component.take(toStanza(signal, this.rooms.making), signal)
    if (signal.method === 'NOTIFY') return NO_SUBSCRIPTION
    const event = eventName(signal.header('Event'))
    return event.toLowerCase() === 'presence' ? this.rooms.watchers.subscribe(signal) : NO_EVENT
  }
}
