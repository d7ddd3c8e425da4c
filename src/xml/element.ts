/** A namespaced XML element as plain, immutable data: what the stream parser builds and every room passes on. */

export type Node = Element | string

export const NS_XML = 'http://www.w3.org/XML/1998/namespace'

export class Element {
  constructor(
    /** Local name, without a prefix. */
    readonly name: string,
    readonly ns: string,
    /**
     * name, value, name, value …: a flat list is the cheapest to build and to write. A name without a namespace stands as it is, xml:lang and
     * its siblings as `xml:lang`, any other namespaced name as `{namespace}local`. A name stands once.
     */
    readonly attrs: readonly string[],
    readonly children: readonly Node[],
  ) {}

  is(name: string, ns: string): boolean {
    return this.name === name && this.ns === ns
  }

  attr(name: string): string | undefined {
    const attrs = this.attrs
    for (let i = 0; i < attrs.length; i += 2) if (attrs[i] === name) return attrs[i + 1]
    return undefined
  }

  /** The first child element of that name; in this element's own namespace unless another is given. */
  child(name: string, ns: string = this.ns): Element | undefined {
    for (const node of this.children) if (typeof node !== 'string' && node.name === name && node.ns === ns) return node
    return undefined
  }

  /** The first child element, whatever its name. */
  firstElement(): Element | undefined {
    for (const node of this.children) if (typeof node !== 'string') return node
    return undefined
  }

  elements(): Element[] {
    return this.children.filter((node) => typeof node !== 'string')
  }

  /** The character data directly inside this element. */
  text(): string {
    const only = this.children[0]
    if (this.children.length === 1 && typeof only === 'string') return only
    let text = ''
    for (const node of this.children) if (typeof node === 'string') text += node
    return text
  }

  /** A copy with one attribute set, or removed where the value is undefined. The children are shared. */
  withAttr(name: string, value: string | undefined): Element {
    const attrs: string[] = []
    let isNew = value !== undefined
    for (let i = 0; i < this.attrs.length; i += 2) {
      const key = this.attrs[i] as string
      if (key !== name) attrs.push(key, this.attrs[i + 1] as string)
      else if (value !== undefined) {
        attrs.push(key, value)
        isNew = false
      }
    }
    if (isNew && value !== undefined) attrs.push(name, value)
    return new Element(this.name, this.ns, attrs, this.children)
  }

  withChildren(children: readonly Node[]): Element {
    return new Element(this.name, this.ns, this.attrs, children)
  }
}

/** Builds an element; attributes whose value is undefined are left out. */
export function el(name: string, ns: string, attrs: Readonly<Record<string, string | undefined>> = {}, ...children: Node[]): Element {
  const list: string[] = []
  for (const key of Object.keys(attrs)) {
    const value = attrs[key]
    if (value !== undefined) list.push(key, value)
  }
  return new Element(name, ns, list, children)
}
