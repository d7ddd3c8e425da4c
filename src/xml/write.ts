/** Trees as XML, without prefixes except where a peer insists on one (RFC 6120 §4.8.5, §8.4). */
import { type Element, type Node, NS_XML } from './element.ts'
import { escapeText, escapeValue } from './escape.ts'
import { XmlError } from './xml-error.ts'

/** Prefixes that are declared where something is written: prefix, namespace, prefix, namespace … */
export type Declared = readonly string[]

export const XML_DECLARATION = "<?xml version='1.0'?>"
/** What every stream header of ours declares: old clients know <stream:features/> by its prefix. */
export const STREAM_PREFIX: Declared = ['stream', 'http://etherx.jabber.org/streams']
const NOTHING: Declared = []

/**
 * The element as it stands where `parentNs` is the default namespace: `xmlns` is written only where it differs from what holds there. An element
 * or attribute in a namespace of `declared` gets its prefix. Names are trusted: they come from our parser or our code.
 */
export function write(element: Element, parentNs: string, declared: Declared = NOTHING): string {
  return written(element, parentNs, declared, true)
}

/** The element as a document of its own, in a WebSocket's message (RFC 7395 §3.3.3) or in a body of BOSH (XEP-0206): what TCP declares in its header stands here. */
export function writeAlone(element: Element): string {
  const { ns, children } = element
  if (ns !== STREAM_PREFIX[1]) return written(element, '', NOTHING, true)
  let content = ''
  for (const child of children) content += typeof child === 'string' ? escapeText(child) : written(child, '', STREAM_PREFIX, false)
  return `${openTag(element, '')}${content}${closeTag(element, '')}`
}

/** The content of the last whole element: what goes to many is the same tree behind another start tag, and trees never change. */
let lastChildren: readonly Node[] | undefined
let lastInside = ''
let lastDeclared = NOTHING
let lastContent = ''

function written(element: Element, parentNs: string, declared: Declared, isWhole: boolean): string {
  const { ns, children } = element
  let name = element.name
  let inside = parentNs
  let declaration = ''
  if (ns !== parentNs) {
    const prefix = prefixOf(ns, declared)
    if (prefix === undefined) {
      inside = ns
      declaration = ` xmlns='${escapeValue(ns)}'`
    } else name = `${prefix}:${name}`
  }
  const start = `<${name}${declaration}${attributes(element.attrs, declared)}`
  if (children.length === 0) return `${start}/>`
  if (isWhole && children === lastChildren && inside === lastInside && declared === lastDeclared) return `${start}>${lastContent}</${name}>`
  let content = ''
  for (const child of children) content += typeof child === 'string' ? escapeText(child) : written(child, inside, declared, false)
  if (isWhole) {
    lastChildren = children
    lastInside = inside
    lastDeclared = declared
    lastContent = content
  }
  return `${start}>${content}</${name}>`
}

/** The start tag of a stream header, whose children are written later and one by one: it declares the content namespace and all of `declared`. */
export function openTag(element: Element, contentNs: string, declared: Declared = STREAM_PREFIX): string {
  let declarations = contentNs === '' ? '' : ` xmlns='${escapeValue(contentNs)}'`
  for (let i = 0; i < declared.length; i += 2) declarations += ` xmlns:${declared[i]}='${escapeValue(declared[i + 1] as string)}'`
  return `<${tagName(element, contentNs, declared)}${declarations}${attributes(element.attrs, declared)}>`
}

export function closeTag(element: Element, contentNs: string, declared: Declared = STREAM_PREFIX): string {
  return `</${tagName(element, contentNs, declared)}>`
}

/**
 * One line of printable ASCII for a SIP header: a line break, tab, comma, a second space in a row and everything outside printable ASCII become
 * character references, so that no folding, list splitting or charset can touch it. Throws XmlError where a name is not ASCII: XML has no
 * reference for that.
 */
export function writeAscii(element: Element, parentNs: string): string {
  const text = write(element, parentNs)
  if (!NEEDS_REFERENCE.test(text) && !text.includes('  ')) return text
  if (NOT_ASCII.test(text) && !hasAsciiNames(element))
    throw new XmlError('not-well-formed', 'A name that is not ASCII cannot be written in ASCII')
  return text.replace(ALL_NEED_REFERENCE, references)
}

/** Our own markup has neither commas nor two spaces in a row: what matches stands in text or in a value. */
const NEEDS_REFERENCE = /[^ -+\x2d-~]/
const ALL_NEED_REFERENCE = /[^ -+\x2d-~]| {2,}/gu
const NOT_ASCII = /[^\x00-\x7f]/

function references(found: string): string {
  return found.charCodeAt(0) === 0x20 ? ` ${'&#32;'.repeat(found.length - 1)}` : `&#${found.codePointAt(0)};`
}

function hasAsciiNames(element: Element): boolean {
  if (!isAscii(element.name)) return false
  for (let i = 0; i < element.attrs.length; i += 2) if (!isAscii((element.attrs[i] as string).replace(/^\{.*\}/s, ''))) return false
  return element.children.every((child) => typeof child === 'string' || hasAsciiNames(child))
}

function isAscii(text: string): boolean {
  return !NOT_ASCII.test(text)
}

function tagName(element: Element, contentNs: string, declared: Declared): string {
  const prefix = element.ns === contentNs ? undefined : prefixOf(element.ns, declared)
  if (prefix === undefined && element.ns !== contentNs)
    throw new TypeError(`${element.name} opens a stream that does not declare its namespace`)
  return prefix === undefined ? element.name : `${prefix}:${element.name}`
}

function prefixOf(ns: string, declared: Declared): string | undefined {
  for (let i = 1; i < declared.length; i += 2) if (declared[i] === ns) return declared[i - 1]
  return ns === NS_XML ? 'xml' : undefined
}

const BRACE = 0x7b

function attributes(attrs: readonly string[], declared: Declared): string {
  let out = ''
  let own: string[] | undefined
  for (let i = 0; i < attrs.length; i += 2) {
    const name = attrs[i] as string
    const value = escapeValue(attrs[i + 1] as string)
    if (name.charCodeAt(0) !== BRACE) {
      out += ` ${name}='${value}'`
      continue
    }
    const end = name.lastIndexOf('}')
    const ns = name.slice(1, end)
    let prefix = prefixOf(ns, declared) ?? prefixOf(ns, own ?? NOTHING)
    if (prefix === undefined) {
      own ??= []
      prefix = `ns${own.length / 2 + 1}`
      own.push(prefix, ns)
      out += ` xmlns:${prefix}='${escapeValue(ns)}'`
    }
    out += ` ${prefix}:${name.slice(end + 1)}='${value}'`
  }
  return out
}
