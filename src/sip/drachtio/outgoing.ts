/** Requests and answers of ours as drachtio-srf takes them, checked against what the server takes: what is too large is refused here, since there it is cut, or stops everything. */
import { isUtf8 } from 'node:buffer'
import { isIPv6 } from 'node:net'
import { RefusedError } from '../../core/port.ts'
import { HeaderError, type Headers, type SipRequest, type SipResponse } from '../message.ts'
import { tagOf } from '../name-addr.ts'
import type { NextHop, Transport } from '../port.ts'
import { bytesOf, fieldsOf, OF_THE_DIALOG, OF_THE_HOP } from './fields.ts'
import { FRAME_MAX_BYTES, HEADERS_MAX_BYTES, START_LINE_MAX_BYTES } from './limits.ts'
import type { Fields, RequestOptions } from './srf.ts'

const UNPRINTABLE = /[\r\n\0]/
/** `12345#`, a UUID, `|sip|` and the other separators. */
const FRAME_HEAD_BYTES = 6 + 36 + 5 + 3 + 2
/** `Content-Length: 12345`, which drachtio-srf adds, and the empty line. */
const LENGTH_BYTES = 25
const UUID_BYTES = 36
/** A body must say what it is, or the server does not send it (RFC 3261 §20.15 says the same). */
const UNNAMED_TYPE = 'application/octet-stream'
/** The server finds the way of a request in a dialog by itself. */
const IN_DIALOG_URI = 'sip:placeholder'

export interface OutgoingRequest {
  readonly uri: string
  readonly options: RequestOptions
  /** Of its frame. */
  readonly bytes: number
}

/** Throws HeaderError or RefusedError. */
export function outgoingRequest(request: SipRequest, hop: NextHop, transport: Transport): OutgoingRequest {
  const { method, headers } = request
  if (UNPRINTABLE.test(method) || UNPRINTABLE.test(request.uri)) throw new HeaderError('CR, LF or NUL in the method or the Request-URI')
  const dialog = dialogOf(request)
  const uri = dialog === undefined ? request.uri : IN_DIALOG_URI
  const startLine = method.length + Buffer.byteLength(uri) + 10
  if (startLine > START_LINE_MAX_BYTES)
    throw new RefusedError(
      414,
      `Request-URI Too Long: not more than ${START_LINE_MAX_BYTES - method.length - 10} bytes go through drachtio`,
    )
  const fields = fieldsOf(headers, dialog === undefined ? OF_THE_HOP : OF_THE_DIALOG)
  const body = textOf(request.body)
  if (body !== '' && !headers.has('content-type')) fields['Content-Type'] = UNNAMED_TYPE
  const proxy = dialog === undefined ? uriOf(hop, transport) : ''
  const bytes = FRAME_HEAD_BYTES + (dialog?.length ?? 0) + proxy.length + startLine + 2 + headersIn(fields, 0) + request.body.length
  requireRoom(bytes)
  const options = dialog === undefined ? { method, headers: fields, body, proxy } : { method, headers: fields, body, stackDialogId: dialog }
  return { uri, options, bytes }
}

export interface OutgoingAnswer {
  readonly status: number
  readonly reason: string
  readonly fields: Fields
  /** The To of the response, where it has a tag of its own. */
  readonly to: string | undefined
  readonly body: string
  readonly bytes: number
}

/** Throws HeaderError or RefusedError. */
export function outgoingAnswer(request: SipRequest, response: SipResponse): OutgoingAnswer {
  const { status, headers } = response
  const reason = response.reason.replace(/[\r\n\0]/g, ' ').slice(0, 128)
  const fields = fieldsOf(headers, OF_THE_DIALOG)
  const body = textOf(response.body)
  if (body !== '' && !headers.has('content-type')) fields['Content-Type'] = UNNAMED_TYPE
  const ownTo = headers.get('to')
  const tag = ownTo === undefined ? undefined : tagOf(ownTo)
  const to =
    tag === undefined || tagOf(request.headers.get('to') ?? '') !== undefined ? undefined : `${request.headers.get('to')};tag=${tag}`
  if (to !== undefined && UNPRINTABLE.test(to)) throw new HeaderError('CR, LF or NUL in the value of "To"')
  const startLine = Buffer.byteLength(reason) + 14
  const bytes =
    FRAME_HEAD_BYTES + UUID_BYTES + startLine + headersIn(fields, echoed(request.headers) + (to?.length ?? 0)) + response.body.length
  requireRoom(bytes)
  return { status, reason, fields, to, body, bytes }
}

/** Where a request goes next, as a URI. */
function uriOf({ host, port }: NextHop, transport: Transport): string {
  const uri = `sip:${isIPv6(host) ? `[${host}]` : host}:${port}${transport === 'udp' ? '' : `;transport=${transport}`}`
  if (!/^[^\s|]+$/.test(uri) || uri.length > START_LINE_MAX_BYTES) throw new HeaderError(`Not a next hop: ${JSON.stringify(uri)}`)
  return uri
}

/**
 * The server's name for the dialog: `Call-ID;from-tag=TAG`, where the tag is that of who subscribed. A NOTIFY comes from the other side, so that it
 * is in its To. Nothing need be remembered for it, and a dialog that nobody knows any more is answered as such.
 */
function dialogOf({ method, headers }: SipRequest): string | undefined {
  if (method !== 'NOTIFY' && method !== 'SUBSCRIBE') return undefined
  const toTag = tagOf(headers.get('to') ?? '')
  if (toTag === undefined) return undefined
  const dialog = `${headers.get('call-id')};from-tag=${method === 'NOTIFY' ? toTag : tagOf(headers.get('from') ?? '')}`
  if (/[|\s\0]/.test(dialog)) throw new RefusedError(400, 'Malformed Call-ID or tag')
  return dialog
}

/** Both halves work in text, and a NUL ends it. */
function textOf(body: Buffer): string {
  if (body.length === 0) return ''
  if (!isUtf8(body) || body.includes(0)) throw new RefusedError(415, 'Only text in UTF-8 goes through drachtio')
  return body.toString()
}

function headersIn(fields: Fields, more: number): number {
  const bytes = bytesOf(fields) + more + LENGTH_BYTES
  if (bytes > HEADERS_MAX_BYTES)
    throw new RefusedError(
      513,
      `Message Too Large: ${bytes} bytes of header fields, and not more than ${HEADERS_MAX_BYTES} go through drachtio`,
    )
  return bytes
}

function echoed(headers: Headers): number {
  let bytes = 0
  for (const name of ['from', 'to', 'call-id', 'cseq']) bytes += name.length + Buffer.byteLength(headers.get(name) ?? '') + 4
  return bytes
}

function requireRoom(bytes: number): void {
  if (bytes > FRAME_MAX_BYTES)
    throw new RefusedError(513, `Message Too Large: ${bytes} bytes, and not more than ${FRAME_MAX_BYTES} go through drachtio`)
}
