/** Other people's parsers, asked whether ours judged a stream rightly: libxml2 for all, saxes as a second opinion. */
import { XmlCData, XmlDocument, XmlElement, XmlText } from 'libxml2-wasm'
import { SaxesParser } from 'saxes'
import { Element, type Node, NS_XML } from '../../src/xml/element.ts'
import { XmlError } from '../../src/xml/xml-error.ts'
import { damaged, type Random, randomStream } from './random.ts'
import { pieces, Recording } from './recording.ts'

type Verdict = { tree: Element; remarks: ReadonlySet<string> } | { refused: string; message: string }

/** Our parser, with the stream's elements put back into its root. */
export function ours(parts: Iterable<Buffer>): Verdict {
  const stream = new Recording()
  try {
    for (const part of parts) stream.push(part)
  } catch (cause) {
    if (cause instanceof XmlError) return { refused: cause.condition, message: cause.message }
    throw cause
  }
  if (!stream.isClosed || stream.root === undefined) return { refused: 'unfinished', message: 'the stream has no end' }
  return { tree: stream.root.withChildren(stream.elements), remarks: new Set() }
}

export function libxml2(bytes: Buffer): Verdict {
  let document: XmlDocument
  try {
    document = XmlDocument.fromBuffer(bytes)
  } catch (cause) {
    return { refused: 'libxml2', message: String(cause) }
  }
  try {
    const remarks = new Set<string>()
    if (document.version !== '1.0') remarks.add('version')
    if (document.dtd !== null) remarks.add('restricted')
    if (document.root.prev !== null || document.root.next !== null) remarks.add('restricted')
    return { tree: elementOf(document.root, remarks, 0), remarks }
  } finally {
    document.dispose()
  }
}

function elementOf(xml: XmlElement, remarks: Set<string>, depth: number): Element {
  if (depth > 0 && xml.prefix !== '' && xml.namespaceUri === 'jabber:client') remarks.add('prefix')
  const attrs: string[] = []
  for (const attribute of xml.attrs) attrs.push(attributeName(attribute.namespaceUri, attribute.name), attribute.value)
  const children: Node[] = []
  for (let node = xml.firstChild; node !== null; node = node.next) {
    // The binding answers undefined for a processing instruction, whatever its types say.
    if (!node) {
      remarks.add('restricted')
      break
    }
    if (node instanceof XmlElement) children.push(elementOf(node, remarks, depth + 1))
    else if (!(node instanceof XmlText || node instanceof XmlCData)) remarks.add('restricted')
    else if (depth > 0) append(children, node.content)
    else if (node instanceof XmlCData || /[^ \t\r\n]/.test(node.content)) remarks.add('between')
  }
  return new Element(xml.name, xml.namespaceUri, attrs, children)
}

export function saxes(text: string): Verdict {
  const parser = new SaxesParser({ xmlns: true, position: false })
  const open: { name: string; ns: string; attrs: string[]; children: Node[] }[] = []
  const remarks = new Set<string>()
  let tree: Element | undefined
  parser.on('error', (cause) => {
    throw cause
  })
  parser.on('comment', () => remarks.add('restricted'))
  parser.on('processinginstruction', () => remarks.add('restricted'))
  parser.on('doctype', () => remarks.add('restricted'))
  parser.on('opentag', (tag) => {
    const attrs: string[] = []
    for (const attribute of Object.values(tag.attributes)) {
      if (attribute.prefix === 'xmlns' || attribute.name === 'xmlns') continue
      attrs.push(attributeName(attribute.uri, attribute.local), attribute.value)
    }
    if (open.length > 0 && tag.prefix !== '' && tag.uri === 'jabber:client') remarks.add('prefix')
    open.push({ name: tag.local, ns: tag.uri, attrs, children: [] })
  })
  const characters = (isCdata: boolean) => (found: string) => {
    const into = open.at(-1)
    if (into === undefined) return
    if (open.length > 1) append(into.children, found)
    else if (isCdata || /[^ \t\r\n]/.test(found)) remarks.add('between')
  }
  parser.on('text', characters(false))
  parser.on('cdata', characters(true))
  parser.on('closetag', () => {
    const ended = open.pop()
    if (ended === undefined) return
    const element = new Element(ended.name, ended.ns, ended.attrs, ended.children)
    const outer = open.at(-1)
    if (outer === undefined) tree = element
    else outer.children.push(element)
  })
  try {
    parser.write(text).close()
  } catch (cause) {
    return { refused: 'saxes', message: String(cause) }
  }
  if (parser.xmlDecl.version !== undefined && parser.xmlDecl.version !== '1.0') remarks.add('version')
  return tree === undefined ? { refused: 'saxes', message: 'no root' } : { tree, remarks }
}

function attributeName(ns: string, local: string): string {
  return ns === '' ? local : ns === NS_XML ? `xml:${local}` : `{${ns}}${local}`
}

function append(children: Node[], text: string): void {
  const last = children.at(-1)
  if (typeof last === 'string') children[children.length - 1] = last + text
  else if (text !== '') children.push(text)
}

/** What XMPP refuses and XML allows: our condition, and what the referee must have remarked to make it right. */
const STRICTER: Record<string, readonly string[]> = {
  'restricted-xml': ['restricted'], // RFC 6120 §11.1
  'unsupported-encoding': ['encoding'], // §11.6
  'bad-format': ['between'], // characters that are no stanza
  'bad-namespace-prefix': ['prefix'], // §4.8.5
  'not-well-formed': ['version', 'byte order mark'], // §11.8, §11.6
}

/** Where a referee is wrong or judges something else. */
const EXCUSED: readonly { what: string; refused: RegExp }[] = [
  // Namespaces in XML §2.2 compares names as strings and asks nobody to check their syntax.
  { what: 'libxml2 parses namespace names as URIs', refused: /is not a valid URI/ },
]

/** What is wrong with our verdict about this stream; undefined where it is right. */
export function complaint(bytes: Buffer, parts: Iterable<Buffer>, referee: (bytes: Buffer) => Verdict): string | undefined {
  const our = ours(parts)
  const their = referee(bytes)
  if ('tree' in our) {
    if ('tree' in their)
      return same(our.tree, their.tree) ? undefined : `another tree: ${JSON.stringify(our.tree)}\n${JSON.stringify(their.tree)}`
    if (EXCUSED.some(({ refused }) => refused.test(their.message))) return undefined
    // What follows the end of a stream is dropped, not judged.
    const ended = untilEnd(bytes)
    return ended.length < bytes.length ? complaint(ended, [ended], referee) : `accepted, but the referee says: ${their.message}`
  }
  if (!('tree' in their)) return undefined
  const remarks = new Set(their.remarks)
  if (bytes.subarray(0, 3).equals(Buffer.from('\ufeff'))) remarks.add('byte order mark')
  // libxml2 knows more names for UTF-8 than XMPP does, and says utf-8 for all of them.
  if (/^<\?xml[^>]*encoding\s*=\s*['"](?!utf-8['"])/i.test(bytes.toString('latin1'))) remarks.add('encoding')
  if (STRICTER[our.refused]?.some((remark) => remarks.has(remark))) return undefined
  return `refused with ${our.refused} (${our.message}), but the referee finds nothing`
}

function untilEnd(bytes: Buffer): Buffer {
  const stream = new Recording()
  for (let at = 0; at < bytes.length; at++) {
    stream.push(bytes.subarray(at, at + 1))
    if (stream.isClosed) return bytes.subarray(0, at + 1)
  }
  return bytes
}

function same(a: Node, b: Node): boolean {
  if (typeof a === 'string' || typeof b === 'string') return typeof a === typeof b && sameText(String(a), String(b))
  return (
    a.name === b.name &&
    sameName(a.ns, b.ns) &&
    a.attrs.length === b.attrs.length &&
    a.attrs.every((text, i) => (i % 2 === 0 ? sameName : sameText)(text, b.attrs[i] ?? '')) &&
    a.children.length === b.children.length &&
    a.children.every((child, i) => same(child, b.children[i] as Node))
  )
}

/** The binding of libxml2 decodes each text by itself and takes a U+FEFF at its beginning for a byte order mark. */
function sameText(a: string, b: string): boolean {
  return a === b || a.replaceAll('\ufeff', '') === b.replaceAll('\ufeff', '')
}

/** saxes trims the names of namespaces, which Namespaces in XML §2.2 does not. */
function sameName(a: string, b: string): boolean {
  return (
    a === b ||
    a
      .trim()
      .replace(/^\{\s+/, '{')
      .replace(/\s+\}/, '}') === b
  )
}

export interface Judged {
  complaints: string[]
  accepted: number
  refused: number
}

/**
 * Makes that many streams, damages every other, cuts them at random, and has libxml2 judge them all; of every five, saxes judges two if we
 * accept them. What libxml2 and we refuse it may accept: it lets pass xmlns:9 and XML 1.10.
 */
export function judge(random: Random, streams: number): Judged {
  const judged: Judged = { complaints: [], accepted: 0, refused: 0 }
  for (let i = 0; i < streams && judged.complaints.length < 5; i++) {
    const whole = Buffer.from(randomStream(random))
    const bytes = i % 2 === 0 ? whole : damaged(random, whole)
    const parts = [...pieces(bytes, 1 + random.int(random.chance(50) ? 8 : 400))]
    const isAccepted = 'tree' in ours(parts)
    judged[isAccepted ? 'accepted' : 'refused']++
    const asksSaxes = isAccepted && i % 5 < 2
    const wrong = complaint(bytes, parts, libxml2) ?? (asksSaxes ? complaint(bytes, parts, (text) => saxes(text.toString())) : undefined)
    if (wrong !== undefined) judged.complaints.push(`stream ${i}: ${wrong}\n${JSON.stringify(bytes.toString('latin1'))}`)
  }
  return judged
}
