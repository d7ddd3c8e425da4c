/** Reads one start tag or empty-element tag: XML 1.0 §3.1, §3.3.3, Namespaces in XML 1.0 §6.3. */
import { attributeValueOf } from './character-data.ts'
import {
  AMPERSAND,
  asciiTable,
  CR,
  DOUBLE_QUOTE,
  EQUALS,
  forbidden,
  GT,
  isSpace,
  LF,
  LT,
  SINGLE_QUOTE,
  SLASH,
  SPACE,
  TAB,
  wideCharacterEnd,
} from './characters.ts'
import type { XmlLimits } from './limits.ts'
import { Name, nameAt, sharedText } from './names.ts'
import { type Binding, bind, checkDefault, namespaceFor } from './scope.ts'
import { malformed, XmlError } from './xml-error.ts'

/** Shared by all lists that stay empty. It has held a string, so that V8 takes it for the same kind of array as the others. */
export const NONE: string[] = ['']
NONE.pop()

/** What ends a name; all of it lies below 0x3f. The rest is checked when a name is seen for the first time. */
const ENDS_NAME = asciiTable((code) => (code <= SPACE || '"&\'/<=>'.includes(String.fromCharCode(code)) ? 1 : 0))
const CHANGES = 1
const STOPS = 2
/** In an attribute value; all of it lies below 0x3d. CHANGES: needs attributeValueOf. STOPS: a quote, or forbidden. */
const IN_VALUE = asciiTable((code) => {
  if (code === TAB || code === LF || code === CR || code === AMPERSAND) return CHANGES
  return code < SPACE || code === LT || code === SINGLE_QUOTE || code === DOUBLE_QUOTE ? STOPS : 0
})

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
  /** The attributes among them whose prefix is not resolved yet: a declaration may follow its use. */
  readonly #prefixed: Name[] = []
  readonly #prefixedAt: number[] = []

  /** Reads the tag whose `<` is at `at`, in a place with that default namespace and those prefixes; answers where it ends, or -1 where it is not whole. */
  read(text: string, at: number, defaultNs: string, around: Binding | undefined, limits: XmlLimits): number {
    const end = text.length
    const list = this.#list
    let bindings = around
    let ownDefault: string | undefined
    let count = 0
    let declarations = 0
    let code = 0
    let hash = 0
    let p = at + 1
    for (; p < end; p++) {
      code = text.charCodeAt(p)
      if (code < 0x3f && ENDS_NAME[code] === 1) break
      hash = (Math.imul(hash, 31) + code) | 0
    }
    if (p === end) return -1
    const name = nameAt(text, at + 1, p, hash, limits.nameMaxLength)
    if (this.#prefixed.length > 0) this.#prefixed.length = this.#prefixedAt.length = 0

    for (;;) {
      const before = p
      while (isSpace(code)) {
        if (++p === end) return -1
        code = text.charCodeAt(p)
      }
      if (code === GT) {
        p += 1
        this.isEmpty = false
        break
      }
      if (code === SLASH) {
        if (p + 1 === end) return -1
        if (text.charCodeAt(p + 1) !== GT) throw malformed('A / inside a tag')
        p += 2
        this.isEmpty = true
        break
      }
      if (p === before) throw malformed('No space before an attribute')

      const nameStart = p
      hash = 0
      for (; p < end; p++) {
        code = text.charCodeAt(p)
        if (code < 0x3f && ENDS_NAME[code] === 1) break
        hash = (Math.imul(hash, 31) + code) | 0
      }
      if (p === end) return -1
      const attribute = nameAt(text, nameStart, p, hash, limits.nameMaxLength)
      while (isSpace(code)) {
        if (++p === end) return -1
        code = text.charCodeAt(p)
      }
      if (code !== EQUALS) throw malformed(`The attribute ${attribute.text} has no value`)
      do {
        if (++p === end) return -1
        code = text.charCodeAt(p)
      } while (isSpace(code))
      if (code !== DOUBLE_QUOTE && code !== SINGLE_QUOTE) throw malformed(`The value of the attribute ${attribute.text} is not quoted`)

      const quote = code
      const valueStart = ++p
      let asItStands = true
      for (; ; p++) {
        if (p >= end) return -1
        code = text.charCodeAt(p)
        if (code < 0x3d) {
          const kind = IN_VALUE[code]
          if (kind === 0) continue
          if (kind === CHANGES) asItStands = false
          else if (code === quote) break
          else if (code === LT) throw malformed('A < in the value of an attribute')
          else if (code < SPACE) throw forbidden(code)
        } else if (code >= 0xd800) p = wideCharacterEnd(text, p)
      }

      if (attribute.use === 'plain' || attribute.use === 'xml' || attribute.use === 'prefixed') {
        for (let i = 0; i < count; i += 2) if (list[i] === attribute.text) throw malformed(`The attribute ${attribute.text} stands twice`)
        if (attribute.use === 'prefixed') {
          this.#prefixed.push(attribute)
          this.#prefixedAt.push(count)
        }
        const value = text.slice(valueStart, p)
        list[count] = attribute.text
        list[count + 1] = asItStands ? value : attributeValueOf(value)
        count += 2
      } else {
        const ns = asItStands ? sharedText(text, valueStart, p) : attributeValueOf(text.slice(valueStart, p))
        if (ns.length > limits.namespaceMaxLength)
          throw new XmlError('policy-violation', `A namespace of more than ${limits.namespaceMaxLength} characters`)
        if (attribute.use === 'prefix-declaration') bindings = bind(attribute.local, ns, bindings, around, limits.prefixesMax)
        else if (ownDefault !== undefined) throw malformed('xmlns stands twice in one tag')
        else {
          checkDefault(ns)
          ownDefault = ns
        }
        declarations += 1
      }
      if (declarations + (count >> 1) > limits.attributesMax)
        throw new XmlError('policy-violation', `More than ${limits.attributesMax} attributes`)
      if (++p === end) return -1
      code = text.charCodeAt(p)
    }

    this.defaultNs = ownDefault ?? defaultNs
    this.bindings = bindings
    this.name = name
    if (name.use === 'plain' || name.use === 'default-declaration') this.ns = this.defaultNs
    else if (name.prefix === 'xmlns') throw malformed('An element cannot have the prefix xmlns')
    else this.ns = namespaceFor(name.prefix, bindings)
    if (this.#prefixed.length > 0) this.#resolve(count)
    this.attrs = this.#taken(count)
    return p
  }

  /** Gives the attributes with a prefix the names they have in an Element; two prefixes of one namespace may make them the same. */
  #resolve(count: number): void {
    const list = this.#list
    for (let k = 0; k < this.#prefixed.length; k++) {
      const name = this.#prefixed[k] as Name
      const at = this.#prefixedAt[k] as number
      const whole = `{${namespaceFor(name.prefix, this.bindings)}}${name.local}`
      for (let i = 0; i < count; i += 2) if (list[i] === whole) throw malformed(`The attribute ${name.local} of one namespace stands twice`)
      list[at] = whole
    }
  }

  /** A list of exactly that length: push would reserve 17 places. */
  #taken(count: number): readonly string[] {
    const list = this.#list
    switch (count) {
      case 0:
        return NONE
      case 2:
        return [list[0] as string, list[1] as string]
      case 4:
        return [list[0] as string, list[1] as string, list[2] as string, list[3] as string]
      default:
        return list.slice(0, count)
    }
  }
}

/** One for the process, and its lists with it: a tag is read in one go, and what it held is taken before the next. */
export const startTag = new StartTag()
