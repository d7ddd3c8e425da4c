/** One element that is a document of its own: a WebSocket frame (RFC 7395 §3.3.3), a P-XMPP-Data header. The same strict subset as on a stream. */
import { checkCharacters, isSpace } from './characters.ts'
import type { Element } from './element.ts'
import { XML_LIMITS, type XmlLimits } from './limits.ts'
import { TreeReader } from './tree-reader.ts'
import { malformed, XmlError } from './xml-error.ts'

export interface ParseOptions {
  /** The default namespace around the element; none unless given. */
  ns?: string
  limits?: XmlLimits
}

const SURROGATE = /[\ud800-\udfff]/

/** Exactly one element with nothing but white space around it; throws XmlError. */
export function parseElement(text: string, options: ParseOptions = {}): Element {
  const { ns = '', limits = XML_LIMITS } = options
  const max = limits.stanzaMaxBytes
  const bytes = Buffer.byteLength(text)
  if (bytes > max) throw new XmlError('policy-violation', `More than ${max} bytes`)
  // The reader trusts decoded UTF-8 to have no half surrogate pairs; a string from elsewhere may have them.
  if (bytes > text.length && SURROGATE.test(text)) checkCharacters(text)
  const reader = TreeReader.alone(limits, ns)
  if (reader.read(text, 0) !== 'element' || reader.element === undefined) throw malformed('The XML ends before its element does')
  for (let p = reader.next; p < text.length; p++)
    if (!isSpace(text.charCodeAt(p))) throw malformed('Something stands after the end of the element')
  return reader.element
}
