/** The body element around everything that BOSH carries (XEP-0124 §4, XEP-0206 §2), as it is read and written. */
import { type Element, el } from '../../xml/element.ts'
import { XML_LIMITS, type XmlLimits } from '../../xml/limits.ts'
import { parseElement } from '../../xml/parse-element.ts'
import { closeTag, openTag } from '../../xml/write.ts'
import { XmlError } from '../../xml/xml-error.ts'
import { NS_STREAM } from '../namespaces.ts'

export const NS_BOSH = 'http://jabber.org/protocol/httpbind'
const NS_XBOSH = 'urn:xmpp:xbosh'
/** Declared in every body of ours: what stands in one may need it (XEP-0206 §2). */
const DECLARED = ['stream', NS_STREAM, 'xmpp', NS_XBOSH]

/** XEP-0124 §17.3; what ends a session. */
export type Condition = 'bad-request' | 'item-not-found' | 'policy-violation' | 'remote-stream-error' | 'undefined-condition'

/** Throws XmlError for what is none. */
export function readBody(text: string, maxBytes: number): Element {
  const limits: XmlLimits = { ...XML_LIMITS, stanzaMaxBytes: maxBytes, depthMax: XML_LIMITS.depthMax + 1 }
  const body = parseElement(text, { limits })
  if (!body.is('body', NS_BOSH)) throw new XmlError('bad-format', `A request is a body in the namespace ${NS_BOSH}`)
  return body
}

export const xbosh = (body: Element, name: string): string | undefined => body.attr(`{${NS_XBOSH}}${name}`)

/** `content`: elements as they are written inside a body. */
export function writeBody(attrs: Readonly<Record<string, string | undefined>>, content: string): string {
  const body = el('body', NS_BOSH, attrs)
  return `${openTag(body, NS_BOSH, DECLARED)}${content}${closeTag(body, NS_BOSH, DECLARED)}`
}

export const terminating = (condition: Condition | undefined, content = ''): string => writeBody({ type: 'terminate', condition }, content)

/** What a session has to say of itself once (XEP-0124 §7.2, XEP-0206 §4). */
export const created = (attrs: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string | undefined>> => ({
  ...attrs,
  [`{${NS_XBOSH}}version`]: '1.0',
  [`{${NS_XBOSH}}restartlogic`]: 'true',
})

/** A whole number as attributes have it; undefined for anything else. */
export function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined
}

/** The header of the stream that a body begins (XEP-0206 §3, §5). */
export function headerIn(body: Element): Element {
  const [to, from, lang] = ['to', 'from', 'xml:lang'].map((name) => body.attr(name))
  return el('stream', NS_STREAM, { to, from, 'xml:lang': lang, version: xbosh(body, 'version') ?? '1.0' })
}
