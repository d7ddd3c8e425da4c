/** Presence stanzas made here (RFC 6121 §4.7). */
import type { Jid } from '../address/jid.ts'
import { el, type Node } from '../xml/element.ts'
import { NS_CLIENT, Stanza } from './stanza.ts'

/** Without a type it says that somebody is there. */
export function presence(from: Jid, to: Jid, type?: string, ...children: readonly Node[]): Stanza {
  return new Stanza(el('presence', NS_CLIENT, { from: from.toString(), to: to.toString(), type }, ...children), from, to)
}
