/** SIP text as a drachtio server takes it from an application, with all that it changes, cuts and refuses on the way to the network. */
import { SipUri } from '../../src/address/sip-uri.ts'
import { print } from '../../src/sip/codec.ts'
import { newCallId, newTag } from '../../src/sip/identifier.ts'
import { Headers, SipRequest, SipResponse } from '../../src/sip/message.ts'
import { parseNameAddr, tagOf } from '../../src/sip/name-addr.ts'
import type { NextHop, Transport } from '../../src/sip/port.ts'

const START_MAX_BYTES = 512
const HEADERS_MAX_BYTES = 8_400
const LINE_MAX_BYTES = 8_192
/** What an application may not say. */
const DISCARDED = new Set(['via', 'route', 'record-route', 'rseq', 'content-length'])
/** Escapes that the server undoes in a Request-URI; others stay. */
const UNDONE = /%(?:2B|3F|3B|2F|2D|2E|5F|7E|3[0-9]|4[1-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A])/gi

/** The reason of a `NOK`. */
export class NotOk extends Error {}

export interface Spoken {
  readonly start: string
  readonly headers: Headers
  readonly body: Buffer
}

export function spoken(text: string): Spoken {
  const end = text.indexOf('\r\n\r\n')
  const head = end < 0 ? text : text.slice(0, end)
  const startEnd = head.indexOf('\r\n')
  const start = cut(startEnd < 0 ? head : head.slice(0, startEnd), START_MAX_BYTES)
  const fields = cut(startEnd < 0 ? '' : head.slice(startEnd + 2), HEADERS_MAX_BYTES)
  const list: string[] = []
  for (const line of fields.split('\r\n')) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).trim()
    if (name === '' || DISCARDED.has(name.toLowerCase())) continue
    list.push(name, beforeNul(line.slice(colon + 1)).trim())
  }
  return { start, headers: new Headers(list), body: Buffer.from(beforeNul(end < 0 ? '' : text.slice(end + 4))) }
}

/** A new request of the application, as it goes on the wire; throws NotOk. */
export function requestOf({ start, headers, body }: Spoken, sockets: readonly NextHop[]): SipRequest {
  const [method = '', written = '', version] = start.split(' ')
  if (version !== 'SIP/2.0' || !/^sips?:[^\s]+$/i.test(written) || /^sips?:[^@]*;[^@]*@/i.test(written)) {
    throw new NotOk(`invalid request-uri: ${start}`)
  }
  const uri = written.replace(/^[^@]*@/, (user) => user.replace(UNDONE, (one) => decodeURIComponent(one)))
  const { host, port } = SipUri.parse(uri)
  if (sockets.some((own) => own.host === host && own.port === port)) throw new NotOk('can not send request to myself')
  const own = sockets[0]
  const replaced = `${own?.host}:${own?.port}`
  for (const name of ['From', 'To', 'Contact']) {
    const value = headers.get(name)
    if (value?.includes('@localhost')) headers.set(name, value.replace('@localhost', `@${replaced}`))
  }
  if (!headers.has('From')) headers.append('From', `<sip:${replaced}>`)
  if (!headers.has('To')) headers.append('To', `<${uri}>`)
  requireLeg(headers)
  if (tagOf(headers.get('From') ?? '') === undefined) headers.set('From', `${headers.get('From')};tag=${newTag()}`)
  if (!headers.has('Call-ID')) headers.append('Call-ID', newCallId())
  if (!headers.has('CSeq')) headers.append('CSeq', `1 ${method}`)
  if (!headers.has('Max-Forwards')) headers.append('Max-Forwards', '70')
  requireType(headers, body)
  if (/^(?:INVITE|SUBSCRIBE)$/.test(method) && !headers.has('Contact')) headers.append('Contact', `<sip:${replaced}>`)
  return new SipRequest(method, uri, headers, body)
}

/** The application's answer to a request. */
export function responseOf({ start, headers, body }: Spoken, request: SipRequest, sockets: readonly NextHop[]): SipResponse {
  const [, status = '500', reason = ''] = /^SIP\/2\.0 (\d{3}) (.*)$/.exec(start) ?? []
  const tag = /tag=(.*)/.exec(headers.get('To') ?? '')?.[1]
  const to = request.headers.get('To') ?? ''
  headers.set('To', tagOf(to) !== undefined ? to : `${to};tag=${tag ?? newTag()}`)
  const own = sockets[0]
  if (/^(?:INVITE|SUBSCRIBE)$/.test(request.method) && !headers.has('Contact')) headers.append('Contact', `<sip:${own?.host}:${own?.port}>`)
  return new SipResponse(Number(status), reason, headers, body)
}

export function requireType(headers: Headers, body: Buffer): void {
  if (body.length === 0 || headers.has('Content-Type')) return
  if (!body.toString().startsWith('v=0')) throw new NotOk('missing content-type')
  headers.append('Content-Type', 'application/sdp')
}

/** A message as the application gets it, repeated fields joined. */
export function textOf(message: SipRequest | SipResponse): string {
  const { list } = message.headers
  const joined: string[] = []
  const seen = new Map<string, number>()
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at] ?? ''
    const before = seen.get(name.toLowerCase())
    if (before !== undefined) joined[before] += `,${list[at + 1]}`
    else if (name.toLowerCase() === 'via') joined.push(name, list[at + 1] ?? '')
    else {
      joined.push(name, list[at + 1] ?? '')
      seen.set(name.toLowerCase(), joined.length - 1)
    }
  }
  const headers = new Headers(joined)
  return print(
    message instanceof SipRequest
      ? new SipRequest(message.method, message.uri, headers, message.body)
      : new SipResponse(message.status, message.reason, headers, message.body),
  ).toString()
}

/** Whether the server reads it at all: no line of more than 8 KiB, in the header or in the body. */
export function hasLongLine({ headers, body }: SipRequest | SipResponse): boolean {
  const { list } = headers
  for (let at = 0; at < list.length; at += 2) {
    if (Buffer.byteLength(list[at] ?? '') + Buffer.byteLength(list[at + 1] ?? '') + 2 > LINE_MAX_BYTES) return true
  }
  return body
    .toString('latin1')
    .split('\r\n')
    .some((line) => line.length > LINE_MAX_BYTES)
}

/** `sip:192.0.2.1:5060;transport=tcp` as a next hop. */
export function hopOf(uri: string): NextHop {
  const { host, port, transport } = SipUri.parse(uri)
  return { transport: transportOf(transport), host: host.replace(/^\[|\]$/g, ''), port: port ?? 5060 }
}

function transportOf(text: string | undefined): Transport {
  return text === 'tcp' || text === 'tls' || text === 'ws' || text === 'wss' ? text : 'udp'
}

function requireLeg(headers: Headers): void {
  try {
    parseNameAddr(headers.get('From') ?? '')
    parseNameAddr(headers.get('To') ?? '')
  } catch {
    throw new NotOk('Error creating leg')
  }
}

const cut = (text: string, bytes: number): string => Buffer.from(text).subarray(0, bytes).toString()

function beforeNul(text: string): string {
  const at = text.indexOf('\0')
  return at < 0 ? text : text.slice(0, at)
}
