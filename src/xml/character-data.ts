/** Character data as it stands in markup, turned into what it means: XML 1.0 §2.11 (line ends), §3.3.3 (attributes), §4.1 (references). */
import { isXmlCharacter } from './characters.ts'
import { malformed, XmlError } from './xml-error.ts'

/** XML 1.0 §4.6. Every other entity would need a declaration, which XMPP forbids (RFC 6120 §11.1). */
const PREDEFINED: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['apos', "'"],
  ['quot', '"'],
])

const NUMBER = /^#(?:[0-9]+|x[0-9a-fA-F]+)$/
const ENTITY = /^[^\s&#<>'"]+$/

export function textOf(raw: string): string {
  return withoutReferences(lineEnds(raw))
}

export function attributeValueOf(raw: string): string {
  return withoutReferences(lineEnds(raw).replace(/[\t\n]/g, ' '))
}

export function lineEnds(raw: string): string {
  return raw.includes('\r') ? raw.replace(/\r\n?/g, '\n') : raw
}

function withoutReferences(raw: string): string {
  let ampersand = raw.indexOf('&')
  if (ampersand < 0) return raw
  let out = ''
  let from = 0
  while (ampersand >= 0) {
    const end = raw.indexOf(';', ampersand)
    if (end < 0) throw bare()
    out += raw.slice(from, ampersand) + referenced(raw.slice(ampersand + 1, end))
    from = end + 1
    ampersand = raw.indexOf('&', from)
  }
  return out + raw.slice(from)
}

function referenced(name: string): string {
  const text = PREDEFINED.get(name)
  if (text !== undefined) return text
  if (!NUMBER.test(name))
    throw ENTITY.test(name) ? new XmlError('restricted-xml', 'An entity reference other than lt, gt, amp, apos and quot') : bare()
  const code = name.startsWith('#x') ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10)
  if (!isXmlCharacter(code)) throw malformed('A character reference to a character that XML does not allow')
  return String.fromCodePoint(code)
}

function bare(): XmlError {
  return malformed('A bare & where only a reference may begin with one')
}
