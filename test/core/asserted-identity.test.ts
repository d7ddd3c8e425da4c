/** Who the sender is by P-Asserted-Identity (RFC 3325). */
import { describe, expect, test } from 'vitest'
import { assertedSender, isPrivate } from '../../src/core/asserted-identity.ts'
import type { HopPolicy } from '../../src/core/port.ts'
import { TrustedPeers } from '../../src/core/trusted-peers.ts'
import { WireSignal } from '../../src/core/wire-signal.ts'
import { Headers, SipRequest } from '../../src/sip/message.ts'
import { Networks } from '../../src/stream/networks.ts'

const fields = (...list: string[]) => new Headers(list)
const sender = (...list: string[]) => assertedSender(fields(...list))?.toString()

describe('the asserted sender', () => {
  for (const [what, list, expected] of [
    // RFC 3325 §9.1
    ['is the identity', ['P-Asserted-Identity', '"Cullen Jennings" <sip:fluffy@cisco.com>'], 'sip:fluffy@cisco.com'],
    ['is not a tel: URI', ['P-Asserted-Identity', 'tel:+14085264000'], undefined],
    [
      'is the sip: one beside a tel:',
      ['P-Asserted-Identity', 'tel:+14085264000', 'P-Asserted-Identity', '<sip:a@b.example>'],
      'sip:a@b.example',
    ],
    ['is the sip: one in the same line', ['P-Asserted-Identity', '<tel:+14085264000>, <sip:a@b.example>'], 'sip:a@b.example'],
    ['is not what cannot be read', ['P-Asserted-Identity', '<sip:a@b.example'], undefined],
    ['is not told where its owner minds', ['P-Asserted-Identity', '<sip:a@b.example>', 'Privacy', 'id'], undefined],
    ['is not told among other wishes', ['P-Asserted-Identity', '<sip:a@b.example>', 'Privacy', 'critical; id'], undefined],
    ['is told where there are no wishes', ['P-Asserted-Identity', '<sip:a@b.example>', 'Privacy', 'none'], 'sip:a@b.example'],
    ['is nobody without the field', ['From', '<sip:a@b.example>'], undefined],
  ] as const) {
    test(what, () => expect(sender(...list)).toBe(expected))
  }

  test('a wish for header privacy hides it too, one for the session does not', () => {
    expect(isPrivate(fields('Privacy', 'header'))).toBe(true)
    expect(isPrivate(fields('Privacy', 'session'))).toBe(false)
    expect(isPrivate(fields())).toBe(false)
  })
})

describe('whom an operator trusts', () => {
  const trusted = new TrustedPeers(new Networks(['192.0.2.0/24']), ['pbx.example'])
  test('is there by network', () => {
    expect(trusted.has('192.0.2.9')).toBe(true)
    expect(trusted.has('198.51.100.1')).toBe(false)
  })
  test('or by a name that a certificate proves', () => {
    expect(trusted.has('198.51.100.1', ['other.example', 'pbx.example'])).toBe(true)
    expect(trusted.has('198.51.100.1', ['evil.example'])).toBe(false)
    expect(trusted.has('198.51.100.1', [])).toBe(false)
  })
})

describe('an asserted identity goes on', () => {
  const telephone: HopPolicy = {
    xmppData: 'header',
    xmppDataHeaderBytes: 8_000,
    fullXmppData: false,
    fromGruu: false,
    maxMessageBytes: 65_536,
    telephone: true,
  }
  const sent = (trusted: boolean, ...more: string[]) => {
    const list = ['From', '<sip:a@b.example>;tag=1', 'To', '<sip:c@d.example>', 'P-Asserted-Identity', '<sip:a@b.example>', ...more]
    const request = new SipRequest('MESSAGE', 'sip:c@d.example', new Headers(list), Buffer.alloc(0))
    const hop = { transport: 'udp', host: '192.0.2.1', port: 5060 } as const
    return WireSignal.of(request, { kind: 'wire', hop, trusted, account: undefined })
      .requestFor(telephone)
      .headers.has('P-Asserted-Identity')
  }
  test('to a telephone of ours, from who is trusted', () => expect(sent(true)).toBe(true))
  test('not where the sender minds', () => expect(sent(true, 'Privacy', 'id')).toBe(false))
  test('not from somebody who is not trusted', () => expect(sent(false)).toBe(false))
})
