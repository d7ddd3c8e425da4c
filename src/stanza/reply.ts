/** The result that answers an iq (RFC 6120 §8.2.3); errors are in error.ts. */
import { type Element, el } from '../xml/element.ts'
import { NS_CLIENT, Stanza } from './stanza.ts'

/** From the one who was asked to the one who asked, under the same id. */
export function resultOf(iq: Stanza, payload?: Element): Stanza {
  const attrs = { from: iq.to.toString(), to: iq.from.toString(), id: iq.id, type: 'result' }
  return new Stanza(payload ? el('iq', NS_CLIENT, attrs, payload) : el('iq', NS_CLIENT, attrs), iq.to, iq.from)
}
