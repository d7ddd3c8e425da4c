/** A small fixed world for the tests of this room: one clock, predictable identifiers, stanzas from their text. */
import { Jid } from '../../src/address/jid.ts'
import { SipUri } from '../../src/address/sip-uri.ts'
import type { Arrival, HopPolicy, Signal } from '../../src/core/port.ts'
import { WireSignal } from '../../src/core/wire-signal.ts'
import type { Making } from '../../src/mapping/making.ts'
import { Headers, SipRequest } from '../../src/sip/message.ts'
import { NS_CLIENT, Stanza } from '../../src/stanza/stanza.ts'
import type { Element } from '../../src/xml/element.ts'
import { parseElement } from '../../src/xml/parse-element.ts'

export const NOW = new Date('2026-07-01T12:00:00Z')

export const making: Making = {
  now: () => NOW,
  tag: () => 'tag-1',
  callId: () => 'call-1',
  host: 'gateway.example',
  pagerType: () => 'chat',
}

/** A node of our own, or the configured core. */
export const CORE: HopPolicy = {
  xmppData: 'header',
  xmppDataHeaderBytes: 8_000,
  fullXmppData: false,
  fromGruu: true,
  maxMessageBytes: 65_536,
}
export const STRANGER: HopPolicy = { ...CORE, xmppData: 'off' }
export const TELEPHONE: HopPolicy = { ...CORE, fromGruu: false, telephone: true }

const hop = { transport: 'tcp', host: '192.0.2.1', port: 5060 } as const
export const TRUSTED: Arrival = { kind: 'wire', hop, trusted: true, account: undefined }
export const UNTRUSTED: Arrival = { kind: 'wire', hop, trusted: false, account: undefined }

export const xml = (text: string): Element => parseElement(text, { ns: NS_CLIENT })

/** A stanza from its text; from and to must stand in it. */
export function stanza(text: string): Stanza {
  const element = xml(text)
  return new Stanza(element, Jid.parse(element.attr('from') ?? ''), Jid.parse(element.attr('to') ?? ''))
}

/** A MESSAGE from Romeo's telephone to Juliet, with other fields where they are given. */
export function fromRomeo(
  fields: Record<string, string>,
  body: string | Buffer = '',
  arrival: Arrival = UNTRUSTED,
  method = 'MESSAGE',
): Signal {
  const headers = new Headers()
  const all: Record<string, string> = {
    Via: 'SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKeskdgs677',
    From: '<sip:romeo@example.net>;tag=vwxyz',
    To: '<sip:juliet@example.com>',
    'Call-ID': 'call-2',
    CSeq: `1 ${method}`,
    ...fields,
  }
  for (const [name, value] of Object.entries(all)) headers.append(name, value)
  const request = new SipRequest(method, SipUri.parse('sip:juliet@example.com').toString(), headers, Buffer.from(body))
  return WireSignal.of(request, arrival)
}

/** Text that no compressor makes shorter. */
export const noise = (bytes: number): string => {
  let state = 1
  const random = Buffer.alloc(bytes)
  for (let i = 0; i < bytes; i++) {
    state = (state * 48_271) % 2_147_483_647
    random[i] = state
  }
  return random.toString('base64')
}
