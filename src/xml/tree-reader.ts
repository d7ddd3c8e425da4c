/**
 * Reads markup into trees: elements, attributes, character data and CDATA sections, and nothing else (RFC 6120 §11.1). It is handed strings that
 * may end anywhere, though not inside a surrogate pair, and stops before a token that is not whole; who hands them in carries its beginning over.
 */
import { cdataOf, textOf } from './character-data.ts'
import { BANG, forbidden, GT, HYPHEN, isSpace, LT, QUESTION, SLASH, SPACE } from './characters.ts'
import { Element, type Node } from './element.ts'
import type { XmlLimits } from './limits.ts'
import { Name } from './names.ts'
import { type Binding, boundTo } from './scope.ts'
import { NONE, startTag } from './start-tag.ts'
import { malformed, XmlError } from './xml-error.ts'

/** Why reading stopped. `starved`: no whole token is left. */
export type Reached = 'starved' | 'root-opened' | 'element' | 'root-closed'

/** What the token that is not whole yet will end with. `any`: too little of it is there to say. */
export type Awaiting = 'any' | 'tag' | 'text' | 'cdata'

/** RFC 6120 §4.8.5: as content namespaces these are never written with a prefix. */
const UNPREFIXED: ReadonlySet<string> = new Set(['jabber:client', 'jabber:server'])
const CDATA = '<![CDATA['

/** An element whose end has not come. */
class Open {
  readonly depth: number

  constructor(
    readonly outer: Open | undefined,
    readonly name: Name,
    readonly ns: string,
    readonly attrs: readonly string[],
    /** The default namespace inside. */
    readonly defaultNs: string,
    readonly bindings: Binding | undefined,
    /** Where its children begin in the reader's list of nodes. */
    readonly base: number,
  ) {
    this.depth = outer === undefined ? 0 : outer.depth + 1
  }
}

/** What surrounds an element that stands alone; no end tag has this name. */
const NOWHERE = new Name('', '', '', 'plain')

export class TreeReader {
  /** After `element`: the element. After `root-opened`: the root, without children. */
  element: Element | undefined = undefined
  /** Where reading goes on. */
  next = 0
  /** After `element`: where its first `<` stood; 0 where that was in an earlier string. */
  start = 0
  /** After `starved`. */
  awaiting: Awaiting = 'any'

  readonly #limits: XmlLimits
  /** The element whose content is being read; undefined before the root. */
  #open: Open | undefined = undefined
  /** The children of all open elements, innermost last: an element takes its own when it ends, as a list of exactly their number. */
  readonly #nodes: Node[] = []
  #count = 0
  /** The content namespace, where no prefix may stand for it; '' for none. */
  #unprefixed = ''
  #isRootEmpty = false

  constructor(limits: XmlLimits) {
    this.#limits = limits
  }

  /** A reader of one element without a root around it, only a default namespace. */
  static alone(limits: XmlLimits, defaultNs: string): TreeReader {
    const reader = new TreeReader(limits)
    reader.#open = new Open(undefined, NOWHERE, '', NONE, defaultNs, undefined, 0)
    return reader
  }

  /** Whether an element of the first level has begun and not ended. */
  get isInside(): boolean {
    return this.#open !== undefined && this.#open.depth > 0
  }

  /** What a prefix stands for inside the innermost open element, '' being the default namespace. */
  namespaceFor(prefix: string): string | undefined {
    return prefix === '' ? this.#open?.defaultNs : boundTo(prefix, this.#open?.bindings)
  }

  /** Reads from `text[at]`, where a token begins, to the next thing that concerns the owner. */
  read(text: string, at: number): Reached {
    const end = text.length
    let p = at
    this.start = at
    if (this.#isRootEmpty) {
      this.#isRootEmpty = false
      return 'root-closed'
    }
    for (;;) {
      const open = this.#open
      if (p < end && text.charCodeAt(p) !== LT) {
        const stop = open === undefined || open.depth === 0 ? this.#between(text, p) : this.#text(text, p, open.base)
        if (stop < 0) return this.#starve(p, 'text')
        p = stop
      }
      if (p + 1 >= end) return this.#starve(p, 'any')
      const code = text.charCodeAt(p + 1)
      if (code === SLASH) {
        const stop = this.#endTag(text, p)
        if (stop < 0) return this.#starve(p, 'tag')
        p = stop
        if (open !== undefined && open.depth <= 1) {
          this.next = p
          return open.depth === 1 ? 'element' : 'root-closed'
        }
      } else if (code === BANG || code === QUESTION) {
        const stop = this.#cdata(text, p)
        if (stop < 0) return this.#starve(p, end - p < CDATA.length ? 'any' : 'cdata')
        p = stop
      } else {
        if (open === undefined || open.depth === 0) this.start = p
        const stop = this.#startTag(text, p)
        if (stop < 0) return this.#starve(p, 'tag')
        p = stop
        if (open === undefined || (open.depth === 0 && startTag.isEmpty)) {
          this.next = p
          return open === undefined ? 'root-opened' : 'element'
        }
      }
    }
  }

  #starve(at: number, awaiting: Awaiting): 'starved' {
    this.next = at
    this.awaiting = awaiting
    return 'starved'
  }

  /** White space between the elements of the first level keeps a connection alive (RFC 6120 §4.6.1); nothing else may stand there. */
  #between(text: string, at: number): number {
    let p = at
    for (; p < text.length; p++) {
      const code = text.charCodeAt(p)
      if (code === LT) break
      if (isSpace(code)) continue
      if (code < SPACE) throw forbidden(code)
      throw this.#stray()
    }
    return p
  }

  #stray(): XmlError {
    if (this.#open === undefined || this.#open.name === NOWHERE) return malformed('An XML document begins with a tag')
    return new XmlError('bad-format', 'Characters between stanzas')
  }

  /** Character data up to the next `<`. */
  #text(text: string, at: number, base: number): number {
    const stop = text.indexOf('<', at)
    if (stop > at) this.#append(textOf(text.slice(at, stop)), base)
    return stop
  }

  #cdata(text: string, at: number): number {
    const after = text.charCodeAt(at + 1) === QUESTION ? QUESTION : text.charCodeAt(at + 2)
    if (after === QUESTION)
      throw new XmlError('restricted-xml', 'A processing instruction, or an XML declaration that is not at the beginning')
    if (after === HYPHEN) throw new XmlError('restricted-xml', 'A comment')
    if (!text.startsWith(CDATA, at)) {
      if (CDATA.startsWith(text.slice(at, at + CDATA.length))) return -1
      throw new XmlError('restricted-xml', 'A document type or another declaration')
    }
    const open = this.#open
    if (open === undefined || open.depth === 0) throw this.#stray()
    const from = at + CDATA.length
    const to = text.indexOf(']]>', from)
    if (to < 0) return -1
    if (to > from) this.#append(cdataOf(text.slice(from, to)), open.base)
    return to + 3
  }

  /** Text and CDATA sections that touch each other are one string. */
  #append(text: string, base: number): void {
    const nodes = this.#nodes
    const last = nodes.length - 1
    const before = last >= base ? nodes[last] : undefined
    if (typeof before === 'string') nodes[last] = before + text
    else nodes.push(text)
  }

  #startTag(text: string, at: number): number {
    const open = this.#open
    const limits = this.#limits
    const stop = startTag.read(text, at, open === undefined ? '' : open.defaultNs, open === undefined ? undefined : open.bindings, limits)
    if (stop < 0) return -1
    const name = startTag.name
    const { ns, attrs } = startTag
    if (open === undefined) {
      // Without its attributes: they would keep the chunk of the header for as long as the stream lives.
      this.#open = new Open(undefined, name, ns, NONE, startTag.defaultNs, startTag.bindings, 0)
      this.element = new Element(name.local, ns, attrs, NONE)
      this.#isRootEmpty = startTag.isEmpty
      this.#unprefixed = UNPREFIXED.has(startTag.defaultNs) ? startTag.defaultNs : ''
      return stop
    }
    // RFC 6120 §4.8.5. To rewrite it silently would hide from the sender why other servers refuse him.
    if (name.prefix !== '' && ns === this.#unprefixed)
      throw new XmlError('bad-namespace-prefix', `${ns} is the content namespace and takes no prefix`)
    if (open.depth === 0) this.#count = 0
    if (open.depth >= limits.depthMax) throw new XmlError('policy-violation', `Elements more than ${limits.depthMax} deep`)
    if (++this.#count > limits.elementsMax) throw new XmlError('policy-violation', `More than ${limits.elementsMax} elements in one stanza`)
    if (startTag.isEmpty) this.#close(new Element(name.local, ns, attrs, NONE), open)
    else this.#open = new Open(open, name, ns, attrs, startTag.defaultNs, startTag.bindings, this.#nodes.length)
    return stop
  }

  #endTag(text: string, at: number): number {
    const open = this.#open
    if (open === undefined || open.name === NOWHERE) throw malformed('An end tag without a start tag')
    const name = open.name.text
    const end = text.length
    let p = at + 2
    for (let i = 0; i < name.length; i++, p++) {
      if (p === end) return -1
      if (text.charCodeAt(p) !== name.charCodeAt(i)) throw malformed(`The element ${name} is not closed by its own end tag`)
    }
    while (p < end && isSpace(text.charCodeAt(p))) p++
    if (p === end) return -1
    if (text.charCodeAt(p) !== GT) throw malformed(`The element ${name} is not closed by its own end tag`)
    const outer = open.outer
    if (outer !== undefined) {
      this.#open = outer
      this.#close(new Element(open.name.local, open.ns, open.attrs, this.#taken(open.base)), outer)
    }
    return p + 1
  }

  #close(element: Element, outer: Open): void {
    if (outer.depth === 0) this.element = element
    else this.#nodes.push(element)
  }

  /** The children of the element that ends. */
  #taken(base: number): Node[] {
    const nodes = this.#nodes
    switch (nodes.length - base) {
      case 0:
        return NONE
      case 1:
        return [nodes.pop() as Node]
      case 2: {
        const second = nodes.pop() as Node
        return [nodes.pop() as Node, second]
      }
      default:
        return nodes.splice(base)
    }
  }
}
