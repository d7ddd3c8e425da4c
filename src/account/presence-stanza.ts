/** Presence as it is kept between two addresses: without sender and addressee, ready for any of them. */
import type { Jid } from '../address/jid.ts'
import { NS_CLIENT, Stanza } from '../stanza/stanza.ts'
import { detached } from '../xml/detached.ts'
import { Element, el } from '../xml/element.ts'

/** What is said of a device that went away without a word (RFC 6121 §4.5.2). */
export const UNAVAILABLE = el('presence', NS_CLIENT, { type: 'unavailable' })
/** RFC 6121 §4.6.6: that a device is there, and nothing more. */
export const MERELY_AVAILABLE = el('presence', NS_CLIENT)

/** The whole stanza without its addresses, holding on to nothing of the stream it came from. */
export function kept(xml: Element, lang?: string): Element {
  const attrs: string[] = []
  for (let i = 0; i < xml.attrs.length; i += 2) {
    const name = xml.attrs[i] as string
    if (name !== 'from' && name !== 'to') attrs.push(name, xml.attrs[i + 1] as string)
  }
  if (lang !== undefined && xml.attr('xml:lang') === undefined) attrs.push('xml:lang', lang)
  return detached(new Element(xml.name, xml.ns, attrs, xml.children))
}

/** What is kept, on its way. The children are shared, so that many of it are written as one. */
export function addressed(presence: Element, from: Jid, to: Jid): Stanza {
  const attrs = ['from', from.toString(), 'to', to.toString(), ...presence.attrs]
  return new Stanza(new Element('presence', NS_CLIENT, attrs, presence.children), from, to)
}

/** A presence of one type that says nothing more. */
export const bare = (type: string, id?: string): Element => el('presence', NS_CLIENT, { type, id })
