/** The way out to registered telephones: a signal becomes a request to one contact, its response an answer. */
import type { Log } from '../log/log.ts'
import { SipRequest } from '../sip/message.ts'
import { NoResponseError, type SipStack } from '../sip/port.ts'
import { PlainAnswer, WireAnswer } from './answer.ts'
import { ContactLanes } from './contact-lane.ts'
import type { Courtesy } from './courtesy.ts'
import { type Binding, deviceKey } from './location.ts'
import type { Answer, HopPolicy, MaybePromise, Signal } from './port.ts'

export interface TelephoneSettings {
  /** Whether telephones of our own domains get P-XMPP-Data. */
  readonly xmppDataToPhones: boolean
  /** Bytes of all P-XMPP-Data fields together before they move into the body. */
  readonly xmppDataHeaderBytes: number
  /** Bytes of a request towards a telephone that can be reached by TCP. */
  readonly maxMessageBytes: number
}

export const TELEPHONE_DEFAULTS: TelephoneSettings = {
  xmppDataToPhones: true,
  xmppDataHeaderBytes: 8_000, // most stacks read lines of 8 KiB
  maxMessageBytes: 65_536, // a UDP datagram, where TCP cannot be had
}

/** RFC 3428 §8: a MESSAGE outside a session stays below this where nothing but UDP may carry it. */
const UDP_ONLY_MAX_BYTES = 1_300

export class Telephones {
  readonly #lanes = new ContactLanes()
  readonly #byAnyTransport: HopPolicy
  readonly #byUdpOnly: HopPolicy

  constructor(
    readonly stack: SipStack,
    settings: TelephoneSettings,
    readonly log: Log,
    /** Absent: every telephone gets plain text. */
    readonly courtesy?: Courtesy,
  ) {
    this.#byAnyTransport = {
      xmppData: settings.xmppDataToPhones ? 'header' : 'off',
      xmppDataHeaderBytes: settings.xmppDataHeaderBytes,
      fullXmppData: false,
      // A deviation from RFC 7572 §4: telephones would open a conversation for each resource.
      fromGruu: false,
      maxMessageBytes: settings.maxMessageBytes,
      telephone: true,
    }
    this.#byUdpOnly = { ...this.#byAnyTransport, maxMessageBytes: UDP_ONLY_MAX_BYTES }
  }

  /** How responses to a telephone are written. */
  get policy(): HopPolicy {
    return this.#byAnyTransport
  }

  /** Sends one signal to one telephone. Throws RefusedError where it does not fit. */
  send(binding: Binding, signal: Signal): MaybePromise<Answer> {
    const policy = binding.contact.transport === 'udp' ? this.#byUdpOnly : this.#byAnyTransport
    const { courtesy } = this
    const reads = signal.method === 'MESSAGE' ? courtesy?.readsOf(deviceKey(binding)) : undefined
    if (!courtesy || !reads) {
      const made = signal.requestFor(policy)
      return this.#inTurn(signal, binding, () => this.#deliver(made, binding))
    }
    const make = (known: HopPolicy): SipRequest => signal.requestFor(known)
    return courtesy.deliver(deviceKey(binding), reads, signal, policy, make, (_, polite) =>
      this.#inTurn(signal, binding, () => polite((made) => this.#deliver(made, binding))),
    )
  }

  #inTurn({ arrival }: Signal, { contact }: Binding, send: () => Promise<Answer>): MaybePromise<Answer> {
    // What others sent is relayed as it comes: their own lanes rule it.
    return arrival.kind === 'wire' ? send() : this.#lanes.run(contact.toString(), send)
  }

  /** A request of our own that waits behind no message: whether it is there is to be known now. */
  ask(binding: Binding, made: SipRequest): Promise<Answer> {
    return this.#deliver(made, binding)
  }

  /** Over the next flow of the same device where one is dead (RFC 5626 §7); what it has answered, it has answered for all. */
  async #deliver(made: SipRequest, binding: Binding): Promise<Answer> {
    const { others } = binding
    const answer = await this.#send(requestTo(binding, made), binding)
    if (answer.status === 415) this.courtesy?.refused(deviceKey(binding), made)
    const [next, ...rest] = others ?? []
    if (!next || !(answer.status === 430 || answer.failure !== undefined)) return answer
    return this.#deliver(made, { ...next, others: rest })
  }

  async #send(request: SipRequest, binding: Binding): Promise<Answer> {
    try {
      return new WireAnswer(await this.stack.send(request, binding.hop), false)
    } catch (cause) {
      if (!(cause instanceof NoResponseError)) throw cause
      this.log.problem({ what: 'telephone_failed', to: binding.aor, why: cause.why, error: cause.message })
      return cause.why === 'timeout'
        ? new PlainAnswer(408, 'The telephone does not answer', [], 'timeout')
        : new PlainAnswer(503, 'The telephone cannot be reached', [], 'transport')
    }
  }
}

function requestTo(binding: Binding, made: SipRequest): SipRequest {
  const headers = binding.path.length > 0 ? made.headers.copy() : made.headers
  for (const route of binding.path.toReversed()) headers.prepend('Route', route)
  return new SipRequest(made.method, binding.contact.toString(), headers, made.body)
}
