/** A MESSAGE of about 1,100 bytes, and many of them with a number under way. */
import { newCallId, newTag } from '../../src/sip/identifier.ts'
import { Headers, SipRequest } from '../../src/sip/message.ts'

const BODY = Buffer.from('Art thou not Romeo, and a Montague? '.repeat(14))
const DATA =
  "<message id='a1b2c3' type='chat'><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/>" +
  "<origin-id xmlns='urn:xmpp:sid:0' id='de305d54-75b4-431b-adb2-eb6b9e546013'/></message>"

export function oneMessage(): SipRequest {
  const headers = new Headers([
    'Max-Forwards',
    '70',
    'From',
    `"Juliet" <sip:juliet@example.com>;tag=${newTag()}`,
    'To',
    '<sip:romeo@example.net>',
  ])
  headers.list.push('Call-ID', newCallId(), 'CSeq', '1 MESSAGE', 'Content-Type', 'text/plain;charset=UTF-8', 'P-XMPP-Data', DATA)
  return new SipRequest('MESSAGE', 'sip:romeo@example.net', headers, BODY)
}

export async function inLanes(many: number, inFlight: number, send: () => Promise<unknown>): Promise<void> {
  let left = many
  const lane = async (): Promise<void> => {
    while (left-- > 0) await send()
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
}
