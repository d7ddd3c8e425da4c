/** From any stream into the core and back: a stanza becomes a signal, its answer what the sender is told. */
import type { Core, MaybePromise } from '../core/port.ts'
import type { Log } from '../log/log.ts'
import type { Making } from '../mapping/making.ts'
import { toReply } from '../mapping/reply.ts'
import { type SignalOptions, toSignal } from '../mapping/signal.ts'
import { errorReply, StanzaError } from '../stanza/error.ts'

import { Stanza } from '../stanza/stanza.ts'
import { Element } from '../xml/element.ts'

export class Submission {
  constructor(
    readonly core: Core,
    readonly making: Making,
    readonly log: Log,
  ) {}

  /**
   * What the sender is to be told: undefined where that is nothing, or, for an iq, nothing yet (202: its answer follows as an INFO of its own).
   * Throws nothing, rejects never.
   */
  submit(stanza: Stanza, addresses: SignalOptions): MaybePromise<Element | undefined> {
    try {
      const answer = this.core.submit(toSignal(stanza, this.making, addresses))
      if (!(answer instanceof Promise)) return toReply(stanza, answer)
      const asked = envelope(stanza)
      return answer.then((late) => toReply(asked, late)).catch((cause: unknown) => this.#refusal(asked, cause))
    } catch (cause) {
      return this.#refusal(stanza, cause)
    }
  }

  #refusal(stanza: Stanza, cause: unknown): Element | undefined {
    if (cause instanceof StanzaError) return errorReply(stanza, cause)
    this.log.failure({ what: 'submission_failed', error: cause instanceof Error ? cause.stack : cause })
    return errorReply(stanza, new StanzaError('cancel', 'internal-server-error'))
  }
}

const NOTHING: Element['children'] = []

/** What an answer is made from. A question that is not answered soon is not kept whole: it may be as large as a stanza can be, and a thousand may wait. */
function envelope(stanza: Stanza): Stanza {
  const { xml, from, to, kind } = stanza
  return kind === 'iq' ? new Stanza(new Element(xml.name, xml.ns, xml.attrs, NOTHING), from, to) : stanza
}
