/** XML documents in SIP bodies (PIDF RFC 3863, RPID RFC 4480, IMDN RFC 5438, isComposing RFC 3994), which may have comments and any prefixes. */
import { DOMParser, type Document, type Element as DomElement, type Node as DomNode, ParseError } from '@xmldom/xmldom'
import { lineEnds } from './character-data.ts'
import { FORBIDDEN } from './characters.ts'
import { Element, type Node, NS_XML } from './element.ts'
import { escapeText } from './escape.ts'
import { DOCUMENT_LIMITS, type DocumentLimits } from './limits.ts'
import { closeTag, type Declared, openTag, write } from './write.ts'
import { malformed, XmlError } from './xml-error.ts'

const NS_XMLNS = 'http://www.w3.org/2000/xmlns/'

/** The root of a document; comments and processing instructions are left out. Throws XmlError. */
export function parseDocument(text: string, limits: DocumentLimits = DOCUMENT_LIMITS): Element {
  const { documentMaxBytes, tagsMax, declarationsMax } = limits
  if (text.length > documentMaxBytes || Buffer.byteLength(text) > documentMaxBytes) throw tooMuch(`${documentMaxBytes} bytes`)
  if (occurs(text, '<') > tagsMax) throw tooMuch(`${tagsMax} tags`)
  if (occurs(text, 'xmlns') > declarationsMax) throw tooMuch(`${declarationsMax} namespace declarations`)
  // In a comment or a CDATA section it would be harmless, but no telephone writes that, and the library is not to see one at all.
  if (text.includes('<!DOCTYPE') || text.includes('<!ENTITY')) throw new XmlError('restricted-xml', 'A document type')
  if (FORBIDDEN.test(text)) throw malformed('A character that XML does not allow')
  const root = parsed(text).documentElement
  if (root === null) throw malformed('A document without an element')
  return elementOf(root, limits.depthMax)
}

function parsed(text: string): Document {
  let complaint: string | undefined
  // The library would mend what it only warns of; a mended presence document may say something else than its sender.
  // Only U+FFFD, of which it warns, may be just what was meant.
  const onError = (_level: string, message: string): void => {
    if (!message.startsWith('Unicode replacement character')) complaint ??= message
  }
  try {
    // Some telephones begin with a byte order mark or an empty line.
    const document = new DOMParser({ locator: false, normalizeLineEndings: lineEnds, onError }).parseFromString(
      text.replace(/^\ufeff?\s*/, ''),
      'text/xml',
    )
    if (complaint === undefined) return document
  } catch (cause) {
    if (!(cause instanceof ParseError)) throw cause
    complaint ??= cause.message
  }
  // The library quotes what it complains of, and bodies are nobody's business.
  throw malformed(`Not a well-formed document: ${complaint.split(/[:'"\r\n]/, 1)[0]?.trim()}`)
}

function elementOf(dom: DomElement, depth: number): Element {
  if (depth === 0) throw tooMuch('the allowed depth')
  const attrs: string[] = []
  for (let i = 0; i < dom.attributes.length; i++) {
    const attribute = dom.attributes.item(i)
    if (attribute === null || attribute.namespaceURI === NS_XMLNS) continue
    attrs.push(attributeName(attribute.namespaceURI, attribute.localName ?? attribute.name), checked(attribute.value))
  }
  const children: Node[] = []
  for (let node = dom.firstChild; node !== null; node = node.nextSibling) {
    if (isElement(node)) children.push(elementOf(node, depth - 1))
    else if (node.nodeType === node.TEXT_NODE || node.nodeType === node.CDATA_SECTION_NODE) append(children, checked(node.nodeValue ?? ''))
  }
  return new Element(dom.localName ?? dom.tagName, dom.namespaceURI ?? '', attrs, children)
}

function isElement(node: DomNode): node is DomElement {
  return node.nodeType === node.ELEMENT_NODE
}

/** What stood on both sides of a comment is one text. */
function append(children: Node[], text: string): void {
  const last = children.at(-1)
  if (typeof last === 'string') children[children.length - 1] = last + text
  else if (text !== '') children.push(text)
}

/** A character reference may stand for what may not stand there itself. */
function checked(text: string): string {
  if (FORBIDDEN.test(text)) throw malformed('A reference to a character that XML does not allow')
  return text
}

function attributeName(ns: string | null, local: string): string {
  if (ns === null || ns === '') return local
  return ns === NS_XML ? `xml:${local}` : `{${ns}}${local}`
}

function occurs(text: string, word: string): number {
  let count = 0
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) count++
  return count
}

function tooMuch(what: string): XmlError {
  return new XmlError('policy-violation', `A document of more than ${what}`)
}

/** Extensions that telephones look for by the prefix their RFC uses, right or wrong; each is declared in the root where it occurs. */
const CUSTOMARY: Declared = [
  ['dm', 'urn:ietf:params:xml:ns:pidf:data-model'], // RFC 4479
  ['rpid', 'urn:ietf:params:xml:ns:pidf:rpid'], // RFC 4480
  ['ts', 'urn:ietf:params:xml:ns:pidf:timed-status'], // RFC 4481
  ['c', 'urn:ietf:params:xml:ns:pidf:cipid'], // RFC 4482
  ['caps', 'urn:ietf:params:xml:ns:pidf:caps'], // RFC 5196
  ['gp', 'urn:ietf:params:xml:ns:pidf:geopriv10'], // RFC 4119
].flat()

/** A whole document with its XML declaration. */
export function writeDocument(root: Element): string {
  const found = new Set<string>()
  collectNamespaces(root, found)
  const declared: string[] = []
  for (let i = 0; i < CUSTOMARY.length; i += 2) {
    const ns = CUSTOMARY[i + 1] as string
    if (ns !== root.ns && found.has(ns)) declared.push(CUSTOMARY[i] as string, ns)
  }
  let content = ''
  for (const child of root.children) content += typeof child === 'string' ? escapeText(child) : write(child, root.ns, declared)
  return `<?xml version="1.0" encoding="UTF-8"?>\n${openTag(root, root.ns, declared)}${content}${closeTag(root, root.ns, declared)}`
}

function collectNamespaces(element: Element, found: Set<string>): void {
  found.add(element.ns)
  for (let i = 0; i < element.attrs.length; i += 2) {
    const name = element.attrs[i] as string
    if (name.startsWith('{')) found.add(name.slice(1, name.lastIndexOf('}')))
  }
  for (const child of element.children) if (typeof child !== 'string') collectNamespaces(child, found)
}
