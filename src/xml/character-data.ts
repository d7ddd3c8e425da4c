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

const REFERENCE = /&(?:#([0-9]+);|#x([0-9a-fA-F]+);|([^\s&;#<>'"]+);)?/g

export function textOf(raw: string): string {
  const lines = lineEnds(raw)
  return lines.includes('&') ? lines.replace(REFERENCE, referenced) : lines
}

export function attributeValueOf(raw: string): string {
  const flat = lineEnds(raw).replace(/[\t\n]/g, ' ')
  return flat.includes('&') ? flat.replace(REFERENCE, referenced) : flat
}

export function lineEnds(raw: string): string {
  return raw.includes('\r') ? raw.replace(/\r\n?/g, '\n') : raw
}

function referenced(_whole: string, decimal: string | undefined, hex: string | undefined, entity: string | undefined): string {
  if (entity !== undefined) {
    const text = PREDEFINED.get(entity)
    if (text === undefined) throw new XmlError('restricted-xml', 'An entity reference other than lt, gt, amp, apos and quot')
    return text
  }
  const code = decimal !== undefined ? Number.parseInt(decimal, 10) : hex !== undefined ? Number.parseInt(hex, 16) : undefined
  if (code === undefined) throw malformed('A bare & where only a reference may begin with one')
  if (!isXmlCharacter(code)) throw malformed('A character reference to a character that XML does not allow')
  return String.fromCodePoint(code)
}
