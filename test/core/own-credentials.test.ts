import { expect, test } from 'vitest'
import { SipUri } from '../../src/address/sip-uri.ts'
import { removeOwnCredentials } from '../../src/core/own-credentials.ts'
import type { HopPolicy } from '../../src/core/port.ts'
import { WireSignal } from '../../src/core/wire-signal.ts'
import { Headers, SipRequest } from '../../src/sip/message.ts'

const OURS = new Set(['xmpp.example'])
const of = (realm: string): string => `Digest username="romeo", realm="${realm}", nonce="n", uri="sip:x", response="0"`

function left(name: string, ...values: string[]): string[] {
  const headers = new Headers(values.flatMap((value) => [name, value]))
  removeOwnCredentials(headers, OURS)
  return headers.all(name)
}

for (const name of ['Authorization', 'Proxy-Authorization'])
  test(`${name} of our realm stays here, and of another goes on`, () => {
    expect(left(name, of('xmpp.example'), of('pbx.example'), of('XMPP.example'))).toEqual([of('pbx.example')])
  })

for (const unreadable of [
  `${of('pbx.example')}, realm="xmpp.example"`,
  `${of('pbx.example')}, ${of('xmpp.example')}`,
  'Digest',
  'Basic eDp5',
  '',
])
  test(`credentials that nobody can read go nowhere: ${unreadable.slice(-40)}`, () => {
    expect(left('Proxy-Authorization', unreadable)).toEqual([])
  })

test('a signal whose credentials nobody looked at shows none', () => {
  const policy: HopPolicy = { xmppData: 'off', xmppDataHeaderBytes: 1, fullXmppData: false, fromGruu: false, maxMessageBytes: 65_536 }
  const list = ['From', '<sip:romeo@xmpp.example>;tag=1', 'To', '<sip:a@b.example>', 'Proxy-Authorization', of('pbx.example')]
  const request = new SipRequest('MESSAGE', 'sip:a@b.example', new Headers(list), Buffer.alloc(0))
  const arrival = { kind: 'wire', hop: { transport: 'udp', host: '192.0.2.1', port: 5060 }, trusted: false, account: undefined } as const
  const sees = (signal: WireSignal) => signal.requestFor(policy).headers.has('Proxy-Authorization')
  expect(sees(WireSignal.of(request, arrival))).toBe(false)
  expect(sees(WireSignal.of(request, arrival, undefined, OURS))).toBe(true)
  expect(sees(WireSignal.of(request, arrival, undefined, OURS).readdressed(SipUri.parse('sip:c@d.example')))).toBe(true)
})
