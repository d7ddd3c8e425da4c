/** Messages as bytes and back (RFC 3261 §7, §18.3, §25.1). Lazy: the header is split into fields, and what is in a field is read by who asks. */
import { isNamed, soughtName } from './header-names.ts'
import { HeaderError, Headers, SipRequest, SipResponse } from './message.ts'

/** Not a SIP message, or one whose frame is broken; says how to answer it. */
export class SipParseError extends Error {
  override name = 'SipParseError'

  constructor(
    readonly status: number,
    readonly reason: string,
    /** What could still be read: enough to answer, and fit to be printed. Undefined where no answer is due: a response, or no SIP at all. */
    readonly request: SipRequest | undefined,
    /** Bytes of body behind it, where the frame is sound and only its content is not: over a stream the next message can still be read. */
    readonly contentLength: number | undefined = undefined,
  ) {
    super(`${status} ${reason}`)
  }
}

/** A header that was read, before its body is there. */
export interface Head {
  /** The message with this body, which must be the right one. */
  readonly kind: 'request' | 'response'
  readonly method: string
  readonly uri: string
  readonly status: number
  readonly reason: string
  readonly headers: Headers
  /** Bytes of body the header promises; undefined where it has no Content-Length. */
  readonly contentLength: number | undefined
}

export const END_OF_HEAD = Buffer.from('\r\n\r\n')
const NO_BODY = Buffer.alloc(0)
const CR = 0x0d
const LF = 0x0a
const SPACE = 0x20
const TAB = 0x09
const COLON = 0x3a
const BACKSLASH = 0x5c
const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/
// Spaces, brackets and quotes end a URI wherever one stands; which scheme it has is asked later.
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"\x00-\x1f\x7f]+$/
const VERSION = 'SIP/2.0'
const SOME_VERSION = /^SIP\/\d+\.\d+$/i
const STATUS_LINE = /^SIP\/(\d+\.\d+) (\d+)(?: (.*))?$/i
const CONTENT_LENGTH = soughtName('content-length')
/** More fields than any honest message has; each costs an array slot and a comparison per look-up. */
const FIELDS_MAX = 512

/** One whole message, as a datagram holds it: what stands behind Content-Length is ignored, and without one the body ends with the datagram. */
export function parseMessage(bytes: Buffer): SipRequest | SipResponse {
  let start = 0
  // §7.5 asks it of streams only; over datagrams it costs nothing.
  while (bytes[start] === CR && bytes[start + 1] === LF) start += 2
  const end = bytes.indexOf(END_OF_HEAD, start)
  if (end < 0) throw broken(textOf(bytes, start, bytes.length), 400, 'No empty line after the header')
  const head = parseHead(bytes, start, end)
  const bodyStart = end + 4
  const there = bytes.length - bodyStart
  const length = head.contentLength ?? there
  if (length > there) throw refused(head, 400, 'Content-Length is larger than the datagram')
  return withBody(head, length === 0 ? NO_BODY : bytes.subarray(bodyStart, bodyStart + length))
}

export function withBody(head: Head, body: Buffer): SipRequest | SipResponse {
  if (head.kind === 'request') return new SipRequest(head.method, head.uri, head.headers, body)
  return new SipResponse(head.status, head.reason, head.headers, body)
}

/** The header between these indices, its last empty line left out. */
export function parseHead(bytes: Buffer, start: number, end: number): Head {
  const text = textOf(bytes, start, end)
  if (hasBareNul(text)) throw broken(text, 400, 'NUL in the header')
  const firstEnd = endOfLine(text, 0)
  const headers = new Headers(fieldsOf(text, firstEnd + 2))
  const line = text.slice(0, firstEnd)
  return line.startsWith('SIP/') ? responseHead(line, headers, text) : requestHead(line, headers, text)
}

function requestHead(line: string, headers: Headers, text: string): Head {
  const afterMethod = line.indexOf(' ')
  const afterUri = line.indexOf(' ', afterMethod + 1)
  const contentLength = contentLengthOf(headers)
  if (contentLength === 'wrong') throw broken(text, 400, 'Malformed Content-Length')
  if (afterMethod < 0 || afterUri < 0) throw broken(text, 400, 'No request line', contentLength)
  const method = line.slice(0, afterMethod)
  const uri = line.slice(afterMethod + 1, afterUri)
  const version = line.slice(afterUri + 1)
  if (!TOKEN.test(method)) throw broken(text, 400, 'The method is no token', contentLength)
  if (version !== VERSION && version.toUpperCase() !== VERSION) {
    if (SOME_VERSION.test(version)) throw broken(text, 505, 'Version Not Supported', contentLength)
    throw broken(text, 400, 'Malformed request line', contentLength)
  }
  if (!URI.test(uri)) throw broken(text, 400, 'Malformed Request-URI', contentLength)
  return { kind: 'request', method, uri, status: 0, reason: '', headers, contentLength }
}

function responseHead(line: string, headers: Headers, text: string): Head {
  const contentLength = contentLengthOf(headers)
  if (contentLength === 'wrong') throw broken(text, 400, 'Malformed Content-Length')
  const parts = STATUS_LINE.exec(line)
  if (!parts) throw broken(text, 400, 'Malformed status line', contentLength)
  if (parts[1] !== '2.0') throw broken(text, 505, 'Version Not Supported', contentLength)
  // By its digits, not by its value: 4294967301 must not be read as 5 (RFC 4475 §3.1.2.19).
  const status = parts[2]?.length === 3 ? Number(parts[2]) : 0
  if (status < 100 || status > 699) throw broken(text, 400, 'No status of SIP', contentLength)
  return { kind: 'response', method: '', uri: '', status, reason: parts[3] ?? '', headers, contentLength }
}

/** UTF-8 (§25.1); telephones that still write Latin-1 names are read as they meant it, not cut off. */
function textOf(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end)
  return text.includes('\ufffd') ? bytes.toString('latin1', start, end) : text
}

/** The index of the CR that ends this line; a CR or LF alone is refused: others might see a field there, where we see none. */
function endOfLine(text: string, from: number): number {
  const lf = text.indexOf('\n', from)
  const cr = text.indexOf('\r', from)
  if (lf < 0) {
    if (cr >= 0) throw broken(text, 400, 'CR without LF in the header')
    return text.length
  }
  if (cr !== lf - 1) throw broken(text, 400, cr >= 0 && cr < lf ? 'CR without LF in the header' : 'LF without CR in the header')
  return cr
}

function fieldsOf(text: string, from: number): string[] {
  const list: string[] = []
  let at = from
  while (at < text.length) {
    const end = endOfLine(text, at)
    const nameEnd = endOfToken(text, at)
    if (nameEnd === at) {
      if (list.length === 0 || !isBlank(text.charCodeAt(at))) throw broken(text, 400, 'A header line without a name')
      // §7.3.1: a line that begins with white space continues the one before, and all of it counts as one space.
      const more = text.slice(at, end).trim()
      const before = list[list.length - 1] ?? ''
      list[list.length - 1] = before === '' || more === '' ? before + more : `${before} ${more}`
    } else {
      let colon = nameEnd
      while (isBlank(text.charCodeAt(colon))) colon++
      if (text.charCodeAt(colon) !== COLON) throw broken(text, 400, 'A header line without a name and a colon')
      if (list.length >= FIELDS_MAX * 2) throw broken(text, 400, `More than ${FIELDS_MAX} header fields`)
      let start = colon + 1
      while (start < end && isBlank(text.charCodeAt(start))) start++
      let last = end
      while (last > start && isBlank(text.charCodeAt(last - 1))) last--
      list.push(text.slice(at, nameEnd), text.slice(start, last))
    }
    at = end + 2
  }
  return list
}

/** One entry for each character a token may hold: names are read more often than anything else. */
const IN_TOKEN = new Uint8Array(128)
for (const c of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~") IN_TOKEN[c.charCodeAt(0)] = 1

function endOfToken(text: string, from: number): number {
  let at = from
  while (IN_TOKEN[text.charCodeAt(at)] === 1) at++
  return at
}

function isBlank(c: number): boolean {
  return c === SPACE || c === TAB
}

/** RFC 4475 §3.1.2.3, §3.3.9: negative, not a number, or more than one is no frame at all. */
function contentLengthOf(headers: Headers): number | undefined | 'wrong' {
  const { list } = headers
  let found: string | undefined
  for (let at = 0; at < list.length; at += 2) {
    if (!isNamed(list[at] ?? '', CONTENT_LENGTH)) continue
    if (found !== undefined) return 'wrong'
    found = list[at + 1] ?? ''
  }
  if (found === undefined) return undefined
  return /^\d{1,9}$/.test(found) ? Number(found) : 'wrong'
}

/** A refusal of a message whose header was read. */
export function refused(head: Head, status: number, reason: string): SipParseError {
  const request = head.kind === 'request' ? new SipRequest(head.method, head.uri, head.headers, NO_BODY) : undefined
  return new SipParseError(status, reason, request)
}

/** A refusal with what can be found in the ruins: lines that look like fields, the start line where it names a method. Not on the hot path. */
function broken(text: string, status: number, reason: string, contentLength?: number): SipParseError {
  const lines = text.replace(/\r\n[ \t]+/g, ' ').split(/\r\n|\r|\n/)
  const first = lines[0] ?? ''
  const method = /^\s*([^\s]+)/.exec(first)?.[1] ?? ''
  if (/^SIP\//i.test(first) || !/\bSIP\/\d/i.test(first) || !TOKEN.test(method))
    return new SipParseError(status, reason, undefined, contentLength)
  const list: string[] = []
  for (const line of lines.slice(1, FIELDS_MAX)) {
    const field = /^([A-Za-z0-9\-.!%*_+`'~]+)[ \t]*:([^\0]*)$/.exec(line)
    if (field) list.push(field[1] ?? '', (field[2] ?? '').trim())
  }
  return new SipParseError(status, reason, new SipRequest(method, '', new Headers(list), NO_BODY), contentLength)
}

/**
 * As bytes, with the true Content-Length; `via` goes above all other fields. Throws HeaderError where CR, LF or NUL would reach the wire: the last
 * door, for headers that were not built through `Headers`.
 */
export function print(message: SipRequest | SipResponse, via = ''): Buffer {
  let head =
    message instanceof SipRequest ? `${message.method} ${message.uri} ${VERSION}\r\n` : `${VERSION} ${message.status} ${message.reason}\r\n`
  let lines = 3
  if (via !== '') {
    head += `Via: ${via}\r\n`
    lines++
  }
  const { list } = message.headers
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at] ?? ''
    if (isNamed(name, CONTENT_LENGTH)) continue
    head += `${name}: ${list[at + 1]}\r\n`
    lines++
  }
  const { body } = message
  head += `Content-Length: ${body.length}\r\n\r\n`
  if (!isFramed(head, lines)) throw new HeaderError('CR, LF or NUL in a header field, the method, the Request-URI or the reason')
  const headBytes = Buffer.byteLength(head)
  const bytes = Buffer.allocUnsafe(headBytes + body.length)
  bytes.write(head, 0, 'utf8')
  if (body.length > 0) body.copy(bytes, headBytes)
  return bytes
}

function isFramed(head: string, lines: number): boolean {
  let at = 0
  for (let line = 0; line < lines; line++) {
    const lf = head.indexOf('\n', at)
    if (head.indexOf('\r', at) !== lf - 1) return false
    at = lf + 1
  }
  return at === head.length && !hasBareNul(head)
}

/** Only a quoted string may hold a NUL, behind a backslash (§25.1 quoted-pair, RFC 4475 §3.1.1.2). */
function hasBareNul(text: string): boolean {
  for (let at = text.indexOf('\0'); at >= 0; at = text.indexOf('\0', at + 1)) if (text.charCodeAt(at - 1) !== BACKSLASH) return true
  return false
}
