/** An INFO of a trusted peer becomes the iq its P-XMPP-Data holds: a request, or an answer that took its time. */
import type { Signal } from '../core/port.ts'
import { RefusedError, trusts } from '../core/port.ts'
import type { SipRequest } from '../sip/message.ts'
import { NS_CLIENT, Stanza } from '../stanza/stanza.ts'
import { honoured, jidOf } from './honoured.ts'
import { readXmppData } from './xmpp-data.ts'

/** RFC 6086 has no INFO outside a dialog: from a stranger it means nothing here. */
const NOT_FROM_STRANGERS = new RefusedError(405, 'Method Not Allowed', [['Allow', 'MESSAGE, OPTIONS']])

const TYPES: ReadonlySet<string> = new Set(['get', 'set', 'result', 'error'])

/** Throws RefusedError. */
export function iqOf(signal: Signal, request: SipRequest): Stanza {
  if (!trusts(signal.arrival)) throw NOT_FROM_STRANGERS
  const data = readXmppData(request.headers, request.body)
  if (!data?.is('iq', NS_CLIENT)) throw new RefusedError(400, 'An INFO needs an iq in P-XMPP-Data')
  const type = data.attr('type') ?? ''
  if (!data.attr('id')) throw new RefusedError(400, 'The iq in P-XMPP-Data has no id')
  if (!TYPES.has(type)) throw new RefusedError(400, 'The iq in P-XMPP-Data is no get, set, result or error')
  if ((type === 'get' || type === 'set') && data.elements().length !== 1) {
    throw new RefusedError(400, 'A request in P-XMPP-Data holds exactly one element')
  }
  const from = honoured(data.attr('from'), signal.from, jidOf(signal.from, 400), true)
  const to = honoured(data.attr('to'), signal.to, jidOf(signal.to, 404), false)
  return new Stanza(data.withAttr('from', from.toString()).withAttr('to', to.toString()), from, to)
}
