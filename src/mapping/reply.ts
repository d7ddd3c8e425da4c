/** What a final response means to the XMPP sender (RFC 7247 §7.2): the result of an iq, an error, or nothing at all. */
import type { Answer } from '../core/port.ts'
import { RefusedError } from '../core/port.ts'
import { errorElement, mayBeAnswered, replyWith, StanzaError } from '../stanza/error.ts'
import { NS_CLIENT, Stanza } from '../stanza/stanza.ts'
import type { Element } from '../xml/element.ts'
import { conditionFor } from './error.ts'
import { oneLine } from './header-text.ts'
import { addressOfContact } from './uri-of-address.ts'
import { xmlText } from './xml-text.ts'
import { readXmppData } from './xmpp-data.ts'

/** Undefined where the sender is told nothing: all is well, or the stanza is one that is never answered, or (iq, 202) the answer is still to come. */
export function toReply(stanza: Stanza, answer: Answer): Element | undefined {
  if (!mayBeAnswered(stanza)) return undefined
  if (answer.status < 300) return stanza.kind === 'iq' ? resultIn(stanza, answer) : undefined
  if (isNoLoss(stanza, answer)) return undefined
  return replyWith(stanza, literalError(answer) ?? errorElement(errorOf(answer)))
}

/** 2xx without an iq is no answer: the result follows in an INFO of its own. */
function resultIn(iq: Stanza, answer: Answer): Element | undefined {
  let result: Element | undefined
  try {
    result = stanzaIn(answer)
  } catch (cause) {
    if (!(cause instanceof RefusedError)) throw cause
    return replyWith(iq, errorElement(new StanzaError('cancel', 'internal-server-error', `The answer cannot be read: ${cause.reason}`)))
  }
  if (!result?.is('iq', NS_CLIENT)) return undefined
  // RFC 6120 §8.1.2: it answers this request, whatever it says of itself.
  return result.withAttr('from', iq.to.toString()).withAttr('to', iq.from.toString()).withAttr('id', iq.id)
}

function stanzaIn({ origin, trusted, received }: Answer): Element | undefined {
  if (origin instanceof Stanza) return origin.xml
  return trusted && received ? readXmppData(received.headers, received.body) : undefined
}

/** The error as it was made, with its sender and the conditions only one application knows; undefined where SIP alone speaks. */
function literalError(answer: Answer): Element | undefined {
  if (answer.origin instanceof StanzaError) return errorElement(answer.origin)
  try {
    const found = stanzaIn(answer)
    const error = found?.is('error', NS_CLIENT) ? found : found?.child('error', NS_CLIENT)
    return error && error.elements().length > 0 ? error : undefined
  } catch (cause) {
    // The status says it too, if less precisely: a broken header field is not worth losing that.
    if (cause instanceof RefusedError) return undefined
    throw cause
  }
}

function errorOf(answer: Answer): StanzaError {
  const { type, condition } = conditionFor(answer.status, answer.failure, answer.header('Retry-After') !== undefined)
  const text = xmlText(oneLine(answer.reason))
  const isElsewhere = condition === 'redirect' || answer.status === 301
  const address = isElsewhere ? addressOfContact(answer.header('Contact')) : undefined
  return new StanzaError(type, condition, text || undefined, address)
}

/** A chat state or a receipt that a telephone cannot show: a client that does not know them would be as silent. */
function isNoLoss({ kind, xml }: Stanza, { status, origin }: Answer): boolean {
  return kind === 'message' && status === 415 && origin === undefined && !xml.child('body')?.text()
}
