/** Stanzas of servers and components are those of clients in another namespace (RFC 6120 §4.8.3): inside the house there is one. */
import { Element, type Node } from '../xml/element.ts'

/** The tree with its own elements renamed; what stands inside other namespaces is somebody else's, and stays. Itself where nothing is to be renamed. */
export function inNamespace(element: Element, from: string, to: string): Element {
  if (element.ns !== from) return element
  const children: Node[] = element.children.map((child) => (typeof child === 'string' ? child : inNamespace(child, from, to)))
  return new Element(element.name, to, element.attrs, children)
}
