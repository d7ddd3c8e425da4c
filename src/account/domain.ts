/** The domains we host: their accounts are one target, the bare domain address another. */
import { OK, PlainAnswer } from '../core/answer.ts'
import { carriesStanza, type Delivery, type Signal, type Target, type Way } from '../core/port.ts'
import { answerFor } from '../mapping/answer.ts'
import type { Making } from '../mapping/making.ts'
import { toStanza } from '../mapping/stanza.ts'
import { StanzaError } from '../stanza/error.ts'
import { answerIq } from './answer-iq.ts'
import type { Features } from './feature.ts'

/** What a bare domain address answers for itself. */
export class DomainTarget implements Target {
  constructor(
    readonly features: Features,
    readonly making: Making,
  ) {}

  deliver(signal: Signal): Delivery {
    if (signal.method === 'OPTIONS') return REACHABLE
    if (signal.method === 'SUBSCRIBE' || signal.method === 'NOTIFY') return this.#presence(signal)
    if (signal.method !== 'MESSAGE' && signal.method !== 'INFO') return METHODS
    const stanza = toStanza(signal, this.making)
    if (stanza.type === 'error' || stanza.type === 'result') return OK
    if (stanza.kind !== 'iq' || signal.to.gr !== undefined) return answerFor(NO_SUCH_SERVICE, signal)
    return answerIq(this.features, stanza, signal)
  }

  /** The domain itself sees nobody and is seen by nobody; only who wants to see it is told so. */
  #presence(signal: Signal): Delivery {
    if (!signal.origin && !carriesStanza(signal)) return METHODS
    return toStanza(signal, this.making).type === 'subscribe' ? answerFor(NO_SUCH_SERVICE, signal) : OK
  }
}

const REACHABLE = new PlainAnswer(200, 'OK', [['Allow', 'MESSAGE, INFO, OPTIONS, REGISTER']])
const METHODS = new PlainAnswer(405, 'Method Not Allowed', [['Allow', 'MESSAGE, INFO, OPTIONS, REGISTER']])
const NO_SUCH_SERVICE = new StanzaError('cancel', 'service-unavailable', 'The domain itself takes no such stanza')

/** The way to everything below the domains we host. */
export class HostedDomains implements Way {
  readonly name = 'hosted domains'

  constructor(
    /** Their names as SIP hosts: lower-case A-labels. */
    readonly hosts: ReadonlySet<string>,
    readonly accounts: Target,
    readonly domain: Target,
  ) {}

  targetFor(signal: Signal): Target | undefined {
    if (!this.hosts.has(signal.to.host)) return undefined
    return signal.to.user === undefined ? this.domain : this.accounts
  }
}
