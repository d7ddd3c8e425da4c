/**
 * `P-XMPP-Data`: what of a stanza SIP has no field for, in one header field. The first character says how it is written: `<` the XML itself,
 * `b64:` its base64, `z64:` the base64 of its zlib stream (RFC 1950), `cid:` a part `application/xmpp+xml` of the body. All four are read;
 * the hop decides which is sent.
 */
import { createHash } from 'node:crypto'
import { deflateSync, inflateSync } from 'node:zlib'
import { type HopPolicy, RefusedError } from '../core/port.ts'
import type { Headers } from '../sip/message.ts'
import { NS_CLIENT } from '../stanza/stanza.ts'
import type { Element } from '../xml/element.ts'
import { XML_LIMITS } from '../xml/limits.ts'
import { parseElement } from '../xml/parse-element.ts'
import { write, writeAscii } from '../xml/write.ts'
import { XmlError } from '../xml/xml-error.ts'
import { parseContentType } from './content-type.ts'
import { LIMITS } from './limits.ts'
import { joinParts, splitParts, type WrittenPart } from './multipart.ts'
import { type Part, parsePart } from './part.ts'

export const XMPP_DATA = 'P-XMPP-Data'
const XMPP_XML = 'application/xmpp+xml'
const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/

// --- reading ---

/** The element of a trusted sender; undefined where there is none. Throws RefusedError where it is there and cannot be read: half a stanza is none. */
export function readXmppData(headers: Headers, body: Buffer): Element | undefined {
  const value = headers.get(XMPP_DATA)?.trim()
  if (value === undefined || value === '') return undefined
  const xml = xmlIn(value, headers, body)
  if (Buffer.byteLength(xml) > LIMITS.xmppDataBytes) throw unreadable(`is longer than ${LIMITS.xmppDataBytes} bytes`)
  try {
    return parseElement(xml, { ns: NS_CLIENT, limits: { ...XML_LIMITS, stanzaMaxBytes: LIMITS.xmppDataBytes } })
  } catch (cause) {
    if (cause instanceof XmlError) throw unreadable(`is not the XML of a stanza: ${cause.message}`)
    throw cause
  }
}

function xmlIn(value: string, headers: Headers, body: Buffer): string {
  if (value.startsWith('<')) return value
  if (value.startsWith('b64:')) return utf8(base64(value.slice(4)))
  if (value.startsWith('z64:')) return utf8(inflated(base64(value.slice(4))))
  if (value.startsWith('cid:')) return utf8(partNamed(value.slice(4), headers, body))
  throw unreadable('begins with neither < nor b64:, z64: or cid:')
}

function base64(text: string): Buffer {
  if (!BASE64.test(text)) throw unreadable('is not base64')
  return Buffer.from(text, 'base64')
}

function inflated(bytes: Buffer): Buffer {
  try {
    // The limit holds while inflating: a few bytes can stand for gigabytes.
    return inflateSync(bytes, { maxOutputLength: LIMITS.xmppDataBytes })
  } catch {
    throw unreadable(`does not inflate to ${LIMITS.xmppDataBytes} bytes or less`)
  }
}

function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw unreadable('is not UTF-8')
  }
}

/** RFC 2392: the URL is the Content-ID, percent-encoded, without its brackets. */
function partNamed(url: string, headers: Headers, body: Buffer): Buffer {
  const id = `<${percentDecoded(url)}>`
  const type = parseContentType(headers.get('Content-Type') ?? '')
  if (type?.type === XMPP_XML && headers.get('Content-ID')?.trim() === id)
    return parsePart(Buffer.concat([headersOf(headers), body])).content()
  const found = type?.type.startsWith('multipart/') ? find(body, type.params.get('boundary') ?? '', id, 0) : undefined
  if (!found) throw unreadable('names a part that is not in the body')
  return found.content()
}

/** A body that is one part has its transfer encoding among the fields of the message. */
function headersOf(headers: Headers): Buffer {
  return Buffer.from(`Content-Transfer-Encoding: ${headers.get('Content-Transfer-Encoding') ?? 'binary'}\r\n\r\n`)
}

function find(body: Buffer, boundary: string, id: string, depth: number): Part | undefined {
  if (boundary === '' || depth > LIMITS.bodyDepth) return undefined
  for (const part of splitParts(body, boundary).map(parsePart)) {
    const type = part.contentType
    if (type?.type === XMPP_XML && part.headers.get('Content-ID')?.trim() === id) return part
    const within = type?.type.startsWith('multipart/') ? find(part.encoded, type.params.get('boundary') ?? '', id, depth + 1) : undefined
    if (within) return within
  }
  return undefined
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw unreadable('names a part by a broken escape')
  }
}

const unreadable = (why: string): RefusedError => new RefusedError(400, `${XMPP_DATA} ${why}`)

// --- writing ---

/**
 * Adds P-XMPP-Data and Content-Type to these fields (name, value …) and gives the body that goes with them. Above the hop's threshold, which
 * counts all fields together, the XML is deflated; where that is not enough it moves into the body.
 */
export function attach(fields: string[], text: string | undefined, data: Element, hop: HopPolicy, type = PLAIN): Buffer {
  const ascii = asciiOf(data)
  const xml = ascii ?? write(data, NS_CLIENT)
  const besides = text === undefined ? [XMPP_DATA, ''] : [XMPP_DATA, '', 'Content-Type', type]
  const room = hop.xmppDataHeaderBytes - bytesOf(fields) - bytesOf(besides)
  const plain = ascii === undefined || hop.xmppData === 'base64' ? `b64:${Buffer.from(xml).toString('base64')}` : ascii
  const value = plain.length <= room || xml.length > room * DEFLATE_WORTH ? plain : `z64:${deflateSync(xml).toString('base64')}`
  if (value.length <= room) {
    const body = textBody(fields, text, type)
    fields.push(XMPP_DATA, value)
    return body
  }
  // A telephone shows a body of several parts as a file, if at all: it has the text, and the rest is of no use to it.
  return hop.telephone ? textBody(fields, text, type) : inBody(fields, text, xml, type)
}

/** Undefined where a name is not ASCII, for which XML has no reference: base64 carries it. */
function asciiOf(data: Element): string | undefined {
  try {
    return writeAscii(data, NS_CLIENT)
  } catch (cause) {
    if (cause instanceof XmlError) return undefined
    throw cause
  }
}

/** The text alone, for hops that carry nothing else. */
export function textBody(fields: string[], text: string | undefined, type = PLAIN): Buffer {
  if (text === undefined) return NO_BODY
  fields.push('Content-Type', type)
  return Buffer.from(text)
}

function inBody(fields: string[], text: string | undefined, xml: string, type: string): Buffer {
  const digest = createHash('sha256')
    .update(xml)
    .update('\0')
    .update(text ?? '')
    .digest('base64url')
  const id = `${digest.slice(0, 24)}@stoxgate.invalid`
  const boundary = `stoxgate-${digest}`
  const parts: WrittenPart[] = text === undefined ? [] : [{ fields: ['Content-Type', type], content: Buffer.from(text) }]
  // RFC 5621 §8.3 and §9.1: reached only through the field that names it, and to be left alone by who does not know it.
  const about = ['Content-Type', XMPP_XML, 'Content-ID', `<${id}>`, 'Content-Disposition', 'by-reference;handling=optional']
  parts.push({
    fields: [...about, 'Content-Transfer-Encoding', 'base64'],
    content: Buffer.from(inLines(Buffer.from(xml).toString('base64'))),
  })
  fields.push('Content-Type', `multipart/mixed;boundary="${boundary}"`, XMPP_DATA, `cid:${id}`)
  return joinParts(parts, boundary)
}

/** RFC 2045 §6.8: 76 characters. */
function inLines(base64: string): string {
  return base64.replace(/.{76}(?=.)/g, '$&\r\n')
}

/** As they are on the wire: name, colon, space, value, CRLF. */
export function bytesOf(fields: readonly string[]): number {
  let bytes = 0
  for (let i = 0; i < fields.length; i += 2) bytes += (fields[i]?.length ?? 0) + Buffer.byteLength(fields[i + 1] ?? '') + 4
  return bytes
}

/** XML that is so many times longer than the room for it is not deflated: zlib makes a fifth of repetitive XML, and base64 a third more of that. */
const DEFLATE_WORTH = 6

const PLAIN = 'text/plain;charset=UTF-8'
export const NO_BODY = Buffer.alloc(0)
