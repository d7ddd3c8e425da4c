/** CPU time of a plain message between the worlds: `npx tsx bench/micro/message.ts`. What crosses the whole gateway: `npm run bench -- --only chat,phone`. */

import { Jid } from '../../src/address/jid.ts'
import { SipUri } from '../../src/address/sip-uri.ts'
import type { Binding } from '../../src/core/location.ts'
import type { HopPolicy } from '../../src/core/port.ts'
import { TELEPHONE_DEFAULTS, Telephones } from '../../src/core/telephones.ts'
import { WireSignal } from '../../src/core/wire-signal.ts'
import { silent } from '../../src/log/log.ts'
import { toSignal } from '../../src/mapping/signal.ts'
import { toStanza } from '../../src/mapping/stanza.ts'
import { Headers, response, SipRequest } from '../../src/sip/message.ts'
import type { SipStack } from '../../src/sip/port.ts'
import { NS_CLIENT, Stanza } from '../../src/stanza/stanza.ts'
import { parseElement } from '../../src/xml/parse-element.ts'

const ROUNDS = 15
const CALLS = 20_000

const making = { now: () => new Date(), tag: () => 'a-tag', callId: () => 'a-call', host: 'xmpp.example', pagerType: () => 'chat' as const }
const xml = parseElement(
  "<message from='juliet@xmpp.example/balcony' to='romeo@xmpp.example' type='chat' id='a1b2c3'><body>Art thou not Romeo, and a Montague?</body>" +
    "<active xmlns='http://jabber.org/protocol/chatstates'/><origin-id xmlns='urn:xmpp:sid:0' id='a1b2c3'/></message>",
  { ns: NS_CLIENT },
)
const stanza = new Stanza(xml, Jid.parse('juliet@xmpp.example/balcony'), Jid.parse('romeo@xmpp.example'))
const TRUSTED: HopPolicy = { xmppData: 'header', xmppDataHeaderBytes: 8_000, fullXmppData: false, fromGruu: true, maxMessageBytes: 65_536 }
const PHONE: HopPolicy = { ...TRUSTED, fromGruu: false, telephone: true }
const STRANGER: HopPolicy = { ...TRUSTED, xmppData: 'off', fromGruu: false }

const fields = [
  ['Via', 'SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK776asdhds'],
  ['From', '<sip:romeo@xmpp.example>;tag=49583'],
  ['To', '<sip:juliet@xmpp.example>'],
  ['Call-ID', '711609sa-32f0-4a3b-9c2d@192.0.2.10'],
  ['CSeq', '1 MESSAGE'],
  ['Content-Type', 'text/plain'],
] as const
const hop = { transport: 'udp', host: '192.0.2.10', port: 5_060 } as const
const request = new SipRequest(
  'MESSAGE',
  'sip:juliet@xmpp.example',
  new Headers(fields.flat()),
  Buffer.from('Neither, fair saint, if either thee dislike'),
)
const signal = WireSignal.of(request, { kind: 'wire', hop, trusted: false, account: undefined })

const OK = response(200)
const stack: SipStack = {
  can: { dialogs: 'ours', proxy: false, serves: new Set() },
  start: async () => [],
  send: async () => OK,
  localFor: (hop) => hop,
  stop: async () => {},
}
const telephones = new Telephones(stack, TELEPHONE_DEFAULTS, silent)
const binding: Binding = {
  ...{ aor: 'romeo@xmpp.example', contact: SipUri.parse('sip:romeo@192.0.2.10:5060'), hop, path: [], instance: undefined },
  ...{ q: 1, expiresAt: Number.MAX_SAFE_INTEGER, callId: '', cseq: 1 },
}

let sink = 0

/** Microseconds of CPU for one call: the least of some rounds, which nothing else disturbed. */
async function cost(call: () => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let round = -3; round < ROUNDS; round++) {
    const before = process.cpuUsage()
    for (let n = 0; n < CALLS; n++) {
      const made = call()
      sink += made instanceof Promise ? (await made).status : 1
    }
    const { user, system } = process.cpuUsage(before)
    if (round >= 0) least = Math.min(least, (user + system) / CALLS)
  }
  return least
}

for (const [what, call] of [
  ['stanza to a trusted hop', () => toSignal(stanza, making).requestFor(TRUSTED)],
  ['stanza to a telephone', () => toSignal(stanza, making).requestFor(PHONE)],
  ['stanza to a stranger', () => toSignal(stanza, making).requestFor(STRANGER)],
  ['stanza to a telephone, sent and answered', () => telephones.send(binding, toSignal(stanza, making))],
  ['MESSAGE to a stanza', () => toStanza(signal, making)],
] as const)
  console.log(`${what.padEnd(42)} ${(await cost(call)).toFixed(2)} µs`)
if (sink === 0) throw new Error('nothing was done')
