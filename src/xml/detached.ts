/** A tree that holds on to nothing but itself. */
import { Element } from './element.ts'

/**
 * The strings of a tree from a stream are slices of the 8 KiB they were decoded with. That costs nothing while a stanza is on its way, and many
 * times its size where it stays: whoever keeps one for long (last presence, a queue) keeps this copy. Names and namespaces are shared anyway.
 */
export function detached(element: Element): Element {
  const attrs = element.attrs.map((text, i) => (i % 2 === 0 ? text : flat(text)))
  const children = element.children.map((child) => (typeof child === 'string' ? flat(child) : detached(child)))
  return new Element(element.name, element.ns, attrs, children)
}

/** V8 copies what is shorter than 13 characters and makes a slice of the rest. */
function flat(text: string): string {
  return text.length < 13 ? text : Buffer.from(text).toString()
}
