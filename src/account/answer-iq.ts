/** One iq get or set, answered by the feature that claims it (RFC 6120 §8.2.3). */
import type { Answer, MaybePromise, Signal } from '../core/port.ts'
import { answerFor, toAnswer } from '../mapping/answer.ts'
import { StanzaError } from '../stanza/error.ts'
import { resultOf } from '../stanza/reply.ts'
import type { Stanza } from '../stanza/stanza.ts'
import type { Features } from './feature.ts'

const NOT_OFFERED = new StanzaError('cancel', 'service-unavailable', 'This is not offered here')
const ONE_PAYLOAD = new StanzaError('modify', 'bad-request', 'A request holds exactly one element')

export function answerIq(features: Features, iq: Stanza, signal: Signal): MaybePromise<Answer> {
  const [payload, ...more] = iq.xml.elements()
  if (!payload || more.length > 0) return answerFor(ONE_PAYLOAD, signal)
  const answerer = features.answererOf(iq, payload)
  if (!answerer) return answerFor(NOT_OFFERED, signal)
  try {
    const answered = answerer(iq, payload)
    if (answered instanceof Promise) {
      return answered.then(
        (result) => toAnswer(resultOf(iq, result), signal),
        (cause: unknown) => refused(cause, signal),
      )
    }
    return toAnswer(resultOf(iq, answered), signal)
  } catch (cause) {
    return refused(cause, signal)
  }
}

/** Only a refusal is an answer; anything else is our own fault and goes on to the core's door. */
function refused(cause: unknown, signal: Signal): Answer {
  if (cause instanceof StanzaError) return answerFor(cause, signal)
  throw cause
}
