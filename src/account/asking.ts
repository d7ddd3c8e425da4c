/** Outstanding iqs towards our sessions and components: what was asked of them, and the answer that is still to come (iq is INFO, its answer the final response). */
import type { Answer, Signal } from '../core/port.ts'
import { answerFor, toAnswer } from '../mapping/answer.ts'
import { StanzaError } from '../stanza/error.ts'
import type { Stanza } from '../stanza/stanza.ts'
import { Deadlines } from './deadlines.ts'
import { iqKey, Outstanding, type Party } from './outstanding.ts'

/** A non-INVITE transaction may not be held open longer; after that the answer is 202 and the result follows on its own. */
export const ANSWER_WITHIN_MS = 20_000
/** After this the asker has given up, and what comes later is dropped. */
export const FORGOTTEN_AFTER_MS = 120_000
/** Questions one client may leave unanswered before more are refused: as many as ten clients may have under way. */
export const UNANSWERED_MAX = 10_000

interface Asked {
  readonly session: Party
  readonly key: string
  /** What the status of an answer depends on, and no more: what was asked need not be kept. */
  readonly request: Pick<Signal, 'to' | 'method'>
  readonly answer: (answer: Answer) => void
}

export interface AskingSettings {
  readonly answerWithinMs: number
  readonly forgottenAfterMs: number
}

/** Sends a late answer on as an INFO of its own. */
type SendLate = (reply: Stanza) => void

export class Asking {
  readonly #outstanding = new Outstanding<Asked>(UNANSWERED_MAX, 'Too many requests wait for this client')
  readonly #soon: Deadlines<Asked>
  readonly #late: Deadlines<Asked>

  constructor(
    readonly accepted: Answer,
    readonly sendLate: SendLate,
    settings: AskingSettings = { answerWithinMs: ANSWER_WITHIN_MS, forgottenAfterMs: FORGOTTEN_AFTER_MS },
  ) {
    this.#soon = new Deadlines(settings.answerWithinMs, (asked) => {
      this.#late.begin(asked)
      asked.answer(this.accepted)
    })
    this.#late = new Deadlines(settings.forgottenAfterMs - settings.answerWithinMs, (asked) => this.#outstanding.remove(asked))
  }

  /** Puts an iq get or set before a client; the answer is what it says, 202 where it takes its time. Throws StanzaError. */
  ask(session: Party, iq: Stanza, signal: Signal): Promise<Answer> {
    let tell: Asked['answer'] = () => {}
    const answer = new Promise<Answer>((resolve) => {
      tell = resolve
    })
    const request = { to: signal.to, method: signal.method }
    const asked: Asked = { session, key: iqKey(session, iq.from.toString(), iq.to.toString(), iq.id), request, answer: tell }
    this.#outstanding.add(asked)
    this.#soon.begin(asked)
    session.deliver(iq.xml)
    return answer
  }

  /** A client's result or error. False where nobody asked, or nobody waits any more: it is dropped (RFC 6120 §8.2.3). */
  answered(session: Party, reply: Stanza): boolean {
    const asked = this.#outstanding.find(session, iqKey(session, reply.to.toString(), reply.from.toString(), reply.id))
    if (!asked) return false
    this.#outstanding.remove(asked)
    if (this.#soon.end(asked)) asked.answer(toAnswer(reply, asked.request))
    else if (this.#late.end(asked)) this.sendLate(reply)
    return true
  }

  /** The client is gone: whoever waits hears so at once. */
  ended(session: Party): void {
    for (const asked of this.#outstanding.takeAll(session)) {
      this.#late.end(asked)
      if (this.#soon.end(asked)) asked.answer(answerFor(GONE, asked.request))
    }
  }

  stop(): void {
    this.#soon.stop()
    this.#late.stop()
  }
}

const GONE = new StanzaError('wait', 'recipient-unavailable', 'The client went away before it answered')
