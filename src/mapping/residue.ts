/** What of a stanza is left for P-XMPP-Data once SIP's own fields have taken theirs. */
import type { Stanza } from '../stanza/stanza.ts'
import { Element, type Node } from '../xml/element.ts'

/** What native fields carry of one stanza without loss. */
export interface Native {
  readonly body: Element | undefined
  readonly subject: Element | undefined
  /** In Content-Language. */
  readonly lang: string | undefined
}

/** For stanzas of which SIP carries nothing but the addresses. */
export const NOTHING_NATIVE: Native = { body: undefined, subject: undefined, lang: undefined }

/**
 * A child that SIP carries and that has attributes of its own leaves an empty element in its place, so that they come back to it. The thread
 * stays: a Call-ID does not survive a back-to-back user agent.
 */
export function residueOf({ xml, from, to }: Stanza, native: Native): Element {
  const attrs: string[] = []
  for (let i = 0; i < xml.attrs.length; i += 2) {
    const name = xml.attrs[i] ?? ''
    const value = xml.attrs[i + 1] ?? ''
    // A full address is repeated as it is written: URIs compare `gr` without case, resources with it (RFC 3261 §19.1.4).
    if (name === 'from' ? from.isFull : name === 'to' ? to.isFull : name !== 'xml:lang' || value !== native.lang) attrs.push(name, value)
  }
  const children: Node[] = []
  for (const child of xml.children) {
    // Characters between the children of a stanza mean nothing (RFC 6120 §11.7).
    if (typeof child === 'string') continue
    if (child !== native.body && child !== native.subject) children.push(child)
    else if (child.attrs.length > 0) children.push(child.withChildren([]))
  }
  return new Element(xml.name, xml.ns, attrs, children)
}
