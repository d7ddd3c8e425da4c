/** Character data as it stands in markup, turned into what it means: XML 1.0 §2.11 (line ends), §3.3.3 (attributes), §4.1 (references). */
import { checkCharacters, isXmlCharacter } from './characters.ts'
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

// These two are tested for every text and every value there is. They look for no lone surrogates: UTF-8 has none, and parseElement has looked.
/** What changes its meaning, what may be the `]]>` that text must not have, and what XML forbids everywhere. */
const IN_TEXT = /[&\r\]\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/
const IN_VALUE = /[&<\x00-\x1f\ufffe\uffff]/

export function textOf(raw: string): string {
  if (!IN_TEXT.test(raw)) return raw
  checkCharacters(raw)
  if (raw.includes(']]>')) throw malformed('A ]]> in text')
  return withoutReferences(lineEnds(raw))
}

/** What stands between `<![CDATA[` and `]]>`. */
export function cdataOf(raw: string): string {
  checkCharacters(raw)
  return lineEnds(raw)
}

/** What stands between quotes. */
export function attributeValueOf(raw: string): string {
  if (!IN_VALUE.test(raw)) return raw
  checkCharacters(raw)
  if (raw.includes('<')) throw malformed('A < in the value of an attribute')
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
