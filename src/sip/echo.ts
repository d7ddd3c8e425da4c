/** What a response repeats of its request (RFC 3261 §8.2.6.2). */
import { isNamed, soughtName } from './header-names.ts'
import { newTag } from './identifier.ts'
import { Headers, response, type SipRequest, SipResponse } from './message.ts'
import { tagOf } from './name-addr.ts'

const VIA = soughtName('via')
const FROM = soughtName('from')
const TO = soughtName('to')
const CALL_ID = soughtName('call-id')
const CSEQ = soughtName('cseq')
const CONTENT_LENGTH = soughtName('content-length')

/**
 * The response with the fields that tie it to its request, above its own. The rule:
 * - Via (each of them, in order), From, Call-ID and CSeq are always the request's; what the response says of these is dropped. So the response of
 *   another leg can be handed on as it came.
 * - To is the response's own if that carries a tag, or else the request's; a To without a tag gets `tag`, except in a 100, which makes no dialog.
 * - Content-Length of the response is dropped: the codec writes the true one.
 * - Everything else is the response's own, in its order.
 */
export function withEcho(request: SipRequest, own: SipResponse, tag: string): SipResponse {
  const list: string[] = []
  const from = request.headers.list
  let to = ''
  for (let at = 0; at < from.length; at += 2) {
    const name = from[at] ?? ''
    if (isNamed(name, VIA)) list.push('Via', from[at + 1] ?? '')
    else if (isNamed(name, FROM)) list.push('From', from[at + 1] ?? '')
    else if (isNamed(name, CALL_ID)) list.push('Call-ID', from[at + 1] ?? '')
    else if (isNamed(name, CSEQ)) list.push('CSeq', from[at + 1] ?? '')
    else if (isNamed(name, TO)) to = from[at + 1] ?? ''
  }
  const ownTo = own.headers.get('to')
  if (ownTo !== undefined && tagOf(ownTo) !== undefined) to = ownTo
  if (to !== '') list.push('To', own.status === 100 || tagOf(to) !== undefined ? to : `${to};tag=${tag}`)

  const rest = own.headers.list
  for (let at = 0; at < rest.length; at += 2) {
    const name = rest[at] ?? ''
    if (isNamed(name, VIA) || isNamed(name, FROM) || isNamed(name, TO) || isNamed(name, CALL_ID)) continue
    if (isNamed(name, CSEQ) || isNamed(name, CONTENT_LENGTH)) continue
    list.push(name, rest[at + 1] ?? '')
  }
  return new SipResponse(own.status, own.reason, new Headers(list), own.body)
}

/** A whole response to this request, for who has no stack behind it that would add the echo. */
export function responseTo(
  request: SipRequest,
  status: number,
  reason?: string,
  headers?: readonly (readonly [string, string])[],
  body?: Buffer,
): SipResponse {
  return withEcho(request, response(status, reason, headers, body), newTag())
}
