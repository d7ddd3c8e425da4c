/** Reads one start tag or empty-element tag: XML 1.0 §3.1, §3.3.3, Namespaces in XML 1.0 §6.3. */
import { attributeValueOf } from './character-data.ts'
import { asciiTable, DOUBLE_QUOTE, EQUALS, GT, isSpace, SINGLE_QUOTE, SLASH, SPACE } from './characters.ts'
import type { XmlLimits } from './limits.ts'
import { Name, nameAt, shared } from './names.ts'
import { type Binding, bind, checkDefault, namespaceFor } from './scope.ts'
import { malformed, XmlError } from './xml-error.ts'

/** Shared by all lists that stay empty. It has held a string, so that V8 takes it for the same kind of array as the others. */
export const NONE: string[] = ['']
NONE.pop()

/** What ends a name; all of it lies below 0x3f. The rest is checked when a name is seen for the first time. */
const ENDS_NAME = asciiTable((code) => (code <= SPACE || '"&\'/<=>'.includes(String.fromCharCode(code)) ? 1 : 0))
const NO_NAME = new Name('', '', '', 'plain')

class StartTag {
  name = NO_NAME
  ns = ''
  attrs: readonly string[] = NONE
  /** Inside the element: its default namespace. */
  defaultNs = ''
  /** Inside the element: its prefixes. */
  bindings: Binding | undefined = undefined
  isEmpty = false

  /** The attributes so far: name, value, name, value … Growing a list for each tag would cost more than the tag. */
  readonly #list: string[] = new Array(32).fill('')
  #length = 0
  #declarations = 0
  #hasDefault = false
  /** The attributes whose prefix is not resolved yet: a declaration may follow its use. */
  readonly #prefixed: Name[] = []
  readonly #prefixedAt: number[] = []
  /** Of the name scanned last. */
  #hash = 0

  /** Reads the tag whose `<` is at `at`, in a place with that default namespace and those prefixes; answers where it ends, or -1 where it is not whole. */
  read(text: string, at: number, defaultNs: string, around: Binding | undefined, limits: XmlLimits): number {
    const end = text.length
    let p = this.#nameEnd(text, at + 1)
    if (p === end) return -1
    const name = nameAt(text, at + 1, p, this.#hash, limits.nameMaxLength)
    this.name = name
    this.defaultNs = defaultNs
    this.bindings = around
    this.#length = 0
    this.#declarations = 0
    this.#hasDefault = false
    if (this.#prefixed.length > 0) this.#prefixed.length = this.#prefixedAt.length = 0

    for (;;) {
      const before = p
      p = afterSpace(text, p)
      if (p === end) return -1
      const code = text.charCodeAt(p)
      if (code === GT) {
        this.isEmpty = false
        p += 1
        break
      }
      if (code === SLASH) {
        if (p + 1 === end) return -1
        if (text.charCodeAt(p + 1) !== GT) throw malformed('A / inside a tag')
        this.isEmpty = true
        p += 2
        break
      }
      if (p === before) throw malformed('No space before an attribute')
      p = this.#attribute(text, p, around, limits)
      if (p < 0) return -1
    }

    if (name.use === 'plain' || name.use === 'default-declaration') this.ns = this.defaultNs
    else if (name.use === 'prefix-declaration') throw malformed('An element cannot have the prefix xmlns')
    else this.ns = namespaceFor(name.prefix, this.bindings)
    if (this.#prefixed.length > 0) this.#resolve()
    this.attrs = this.#taken()
    return p
  }

  /** Reads one attribute and answers what follows its closing quote, or -1. */
  #attribute(text: string, at: number, around: Binding | undefined, limits: XmlLimits): number {
    const end = text.length
    let p = this.#nameEnd(text, at)
    if (p === end) return -1
    const name = nameAt(text, at, p, this.#hash, limits.nameMaxLength)
    p = afterSpace(text, p)
    if (p === end) return -1
    if (text.charCodeAt(p) !== EQUALS) throw malformed(`The attribute ${name.text} has no value`)
    p = afterSpace(text, p + 1)
    if (p === end) return -1
    const quote = text.charCodeAt(p)
    if (quote !== DOUBLE_QUOTE && quote !== SINGLE_QUOTE) throw malformed(`The value of the attribute ${name.text} is not quoted`)
    const close = text.indexOf(quote === SINGLE_QUOTE ? "'" : '"', p + 1)
    if (close < 0) return -1
    const value = attributeValueOf(text.slice(p + 1, close))
    if (name.use === 'default-declaration' || name.use === 'prefix-declaration') this.#declare(name, shared(value), around, limits)
    else this.#add(name, value)
    if (this.#declarations + (this.#length >> 1) > limits.attributesMax) {
      throw new XmlError('policy-violation', `More than ${limits.attributesMax} attributes`)
    }
    return close + 1
  }

  #nameEnd(text: string, from: number): number {
    let hash = 0
    let p = from
    for (; p < text.length; p++) {
      const code = text.charCodeAt(p)
      if (code < 0x3f && ENDS_NAME[code] === 1) break
      hash = (Math.imul(hash, 31) + code) | 0
    }
    this.#hash = hash
    return p
  }

  #add(name: Name, value: string): void {
    const list = this.#list
    const length = this.#length
    for (let i = 0; i < length; i += 2) if (list[i] === name.text) throw malformed(`The attribute ${name.text} stands twice`)
    if (name.use === 'prefixed') {
      this.#prefixed.push(name)
      this.#prefixedAt.push(length)
    }
    list[length] = name.text
    list[length + 1] = value
    this.#length = length + 2
  }

  #declare(name: Name, ns: string, around: Binding | undefined, limits: XmlLimits): void {
    if (ns.length > limits.namespaceMaxLength) {
      throw new XmlError('policy-violation', `A namespace of more than ${limits.namespaceMaxLength} characters`)
    }
    this.#declarations += 1
    if (name.use === 'prefix-declaration') {
      this.bindings = bind(name.local, ns, this.bindings, around, limits.prefixesMax)
      return
    }
    if (this.#hasDefault) throw malformed('xmlns stands twice in one tag')
    this.#hasDefault = true
    checkDefault(ns)
    this.defaultNs = ns
  }

  /** Gives the attributes with a prefix the names they have in an Element; two prefixes of one namespace may make them the same. */
  #resolve(): void {
    const list = this.#list
    const count = this.#length
    for (let k = 0; k < this.#prefixed.length; k++) {
      const name = this.#prefixed[k] as Name
      const at = this.#prefixedAt[k] as number
      const whole = `{${namespaceFor(name.prefix, this.bindings)}}${name.local}`
      for (let i = 0; i < count; i += 2) if (list[i] === whole) throw malformed(`The attribute ${name.local} of one namespace stands twice`)
      list[at] = whole
    }
  }

  /** A list of exactly that length: push would reserve 17 places. */
  #taken(): readonly string[] {
    const list = this.#list
    switch (this.#length) {
      case 0:
        return NONE
      case 2:
        return [list[0] as string, list[1] as string]
      case 4:
        return [list[0] as string, list[1] as string, list[2] as string, list[3] as string]
      default:
        return list.slice(0, this.#length)
    }
  }
}

function afterSpace(text: string, from: number): number {
  let p = from
  while (p < text.length && isSpace(text.charCodeAt(p))) p++
  return p
}

/** One for the process, and its lists with it: a tag is read in one go, and what it held is taken before the next. */
export const startTag = new StartTag()
