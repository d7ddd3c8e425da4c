/** What the server passed on, as plain data. Its text is read by our own codec: drachtio-srf joins repeated fields and changes names. */
import { schemesIn } from '../auth-params.ts'
import { END_OF_HEAD, parseHead, refused, SipParseError, withBody } from '../codec.ts'
import { endOfValue } from '../list.ts'
import { type Headers, SipRequest, SipResponse } from '../message.ts'
import type { Received, Transport } from '../port.ts'
import type { Sockets } from './sockets.ts'
import type { SrfRequest, SrfResponse } from './srf.ts'

/** drachtio-srf reads all as UTF-8: what stands there instead of a byte that is none. */
const DAMAGED = '\ufffd'

/** Throws SipParseError. */
export function receivedFrom(passed: SrfRequest, sockets: Sockets): Received {
  const request = readMessage(passed.raw)
  if (!(request instanceof SipRequest)) throw new SipParseError(400, 'a response where a request was announced', undefined)
  const { source_address: host, source_port: port } = passed
  completeVia(request, host, port)
  const transport = transportOf(passed.protocol)
  return { request, from: { transport, host, port }, local: sockets.at(passed.receivedOn, transport) }
}

/** Throws SipParseError. */
export function responseFrom(passed: SrfResponse): SipResponse {
  const response = readMessage(passed.raw)
  if (!(response instanceof SipResponse)) throw new SipParseError(400, 'a request where a response was announced', undefined)
  return response
}

function readMessage(raw: string): SipRequest | SipResponse {
  const end = raw.indexOf('\r\n\r\n')
  if (end < 0) throw new SipParseError(400, 'No empty line after the header', undefined)
  const isDamaged = raw.includes(DAMAGED)
  const bytes = Buffer.from(isDamaged ? raw.slice(0, end).replaceAll(DAMAGED, '?') + raw.slice(end) : raw)
  const bodyStart = bytes.indexOf(END_OF_HEAD) + END_OF_HEAD.length
  const head = parseHead(bytes, 0, bodyStart - END_OF_HEAD.length)
  const body = bytes.subarray(bodyStart)
  // A body of Latin-1 is lost here. Better nobody reads it than that somebody reads something else.
  if (isDamaged && head.contentLength !== undefined && head.contentLength !== body.length)
    throw refused(head, 415, 'Only text in UTF-8 goes through drachtio')
  separateSchemes(head.headers)
  return withBody(head, body)
}

/** The server makes one field of several: who passed two proxies has credentials for both. */
function separateSchemes(headers: Headers): void {
  for (const name of WITH_SCHEMES) {
    const fields = headers.all(name)
    const apart = fields.flatMap(schemesIn)
    if (apart.length === fields.length) continue
    headers.remove(name)
    for (const field of apart) headers.append(name, field)
  }
}

const WITH_SCHEMES = ['Authorization', 'Proxy-Authorization', 'WWW-Authenticate', 'Proxy-Authenticate']

/** The protocols of the server, in its own words. */
export function transportOf(protocol: string): Transport {
  return protocol === 'tcp' || protocol === 'tls' || protocol === 'ws' || protocol === 'wss' ? protocol : 'udp'
}

/** RFC 3581 §4. The server fills in what the sender asked for; the port promises both. */
function completeVia({ headers }: SipRequest, host: string, port: number): void {
  const field = headers.get('via')
  if (field === undefined) return
  const end = endOfValue(field, 0)
  let via = field.slice(0, end).trimEnd()
  const isComplete = /;\s*received\s*=/i.test(via) && /;\s*rport\s*=/i.test(via)
  if (isComplete) return
  via = via.replace(/;\s*rport\s*(?=;|$)/i, '')
  if (!/;\s*received\s*=/i.test(via)) via += `;received=${host}`
  if (!/;\s*rport\s*=/i.test(via)) via += `;rport=${port}`
  const at = headers.list.findIndex((name, n) => n % 2 === 0 && /^v(?:ia)?$/i.test(name))
  headers.list[at + 1] = via + field.slice(end)
}
