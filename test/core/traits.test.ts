import { expect, test } from 'vitest'
import { SipUri } from '../../src/address/sip-uri.ts'
import { Inquiries } from '../../src/core/inquiries.ts'
import { KnownTraits, keyOfContact } from '../../src/core/known-traits.ts'
import { onlyContactOf, traitsIn } from '../../src/core/traits.ts'
import { Headers, SipRequest } from '../../src/sip/message.ts'

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0)

/** Fields as they stand on the wire, and what they say. */
const ROWS: readonly (readonly [string, readonly string[], object])[] = [
  ['nothing', [], {}],
  ['an empty field', ['User-Agent', ' ', 'Allow', ''], { methods: [] }],
  ['User-Agent', ['User-Agent', 'baresip v1.0.0 (x86_64/linux)'], { software: 'baresip v1.0.0 (x86_64/linux)' }],
  ['Server, of an answer', ['Server', 'Asterisk PBX 20'], { software: 'Asterisk PBX 20' }],
  ['Allow, twice', ['Allow', 'INVITE, MESSAGE', 'Allow', 'MESSAGE,OPTIONS'], { methods: ['INVITE', 'MESSAGE', 'OPTIONS'] }],
  [
    'Accept, without parameters',
    ['Accept', 'Text/Plain;charset=UTF-8;q=0.5, application/SDP'],
    { types: ['text/plain', 'application/sdp'] },
  ],
  ['Date', ['Date', 'Sun, 22 Nov 2026 12:00:05 GMT'], { clockAheadMs: 5_000 }],
  ['a Date of another zone', ['Date', 'Sun, 22 Nov 2026 12:00:05 CET'], {}],
  ['a Date that is none', ['Date', 'yesterday'], {}],
  // RFC 3840 §5: the base set stands without a plus, strings in angle brackets, FALSE is no ability.
  [
    'feature tags',
    [
      'Contact',
      '<sip:a@192.0.2.1>;audio;video="FALSE";automata="TRUE";description="<PC>";+sip.pnsreg="121";methods="INVITE,MESSAGE";q=0.5',
    ],
    {
      tags: new Map([
        ['audio', 'TRUE'],
        ['automata', 'TRUE'],
        ['description', 'PC'],
        ['methods', 'INVITE,MESSAGE'],
      ]),
      methods: ['INVITE', 'MESSAGE'],
    },
  ],
  [
    'Allow before the tag',
    ['Allow', 'BYE', 'Contact', '<sip:a@192.0.2.1>;methods="INVITE"'],
    { methods: ['BYE'], tags: new Map([['methods', 'INVITE']]) },
  ],
  ['a display name', ['Contact', '"Tybalt" <sip:a@192.0.2.1>'], { displayName: 'Tybalt' }],
  ['two contacts, which speak of nobody', ['Contact', '<sip:a@192.0.2.1>;audio, <sip:b@192.0.2.1>;video'], {}],
  ['a contact that cannot be read', ['Contact', '<<', 'Allow', 'BYE'], { methods: ['BYE'] }],
]

test.each(ROWS)('%s', (_what, fields, expected) => {
  const headers = new Headers([...fields])
  expect(traitsIn(headers, onlyContactOf(headers), NOW)).toEqual(expected)
})

test('a telephone cannot fill the memory with words', () => {
  const headers = new Headers(['User-Agent', 'x'.repeat(60_000), 'Allow', Array.from({ length: 5_000 }, (_, n) => `M${n}`).join(', ')])
  const { software = '', methods = [] } = traitsIn(headers, undefined, NOW)
  expect([software.length, methods.length]).toEqual([200, 60])
})

const ACCOUNT = SipUri.parse('sip:romeo@xmpp.example')
function register(contact: string, ...fields: readonly string[]) {
  const headers = new Headers(['To', '"Romeo M." <sip:romeo@xmpp.example>', 'Contact', `<${contact}>`, ...fields])
  const hop = { transport: 'udp', host: '192.0.2.1', port: 5_060 } as const
  return { request: new SipRequest('REGISTER', 'sip:xmpp.example', headers, Buffer.alloc(0)), from: hop, local: hop }
}

test('what is known is forgotten after an hour, and the telephone heard of longest ago makes room', () => {
  let now = NOW
  const known = new KnownTraits(() => now, { max: 2, forMs: 3_600_000 })
  const keys = ['sip:a@192.0.2.1', 'sip:b@192.0.2.1', 'sip:c@192.0.2.1'].map((contact) => {
    known.registered(register(contact, 'User-Agent', 'Desk/1'), ACCOUNT)
    return keyOfContact(ACCOUNT.aor, SipUri.parse(contact))
  })
  expect(known.size).toBe(2)
  expect(keys.map((key) => known.of(key).traits.software)).toEqual([undefined, 'Desk/1', 'Desk/1'])
  expect(known.of(keys[2] ?? '').traits.displayName).toBe('Romeo M.')
  now += 3_600_000
  expect(keys.map((key) => known.of(key).traits)).toEqual([{}, {}, {}])
})

test('a telephone that registers again is still known by its answer, and with other software it is another one', () => {
  const known = new KnownTraits(() => NOW)
  const key = keyOfContact(ACCOUNT.aor, SipUri.parse('sip:a@192.0.2.1'))
  known.registered(register('sip:a@192.0.2.1', 'User-Agent', 'Desk/1'), ACCOUNT)
  known.answered(key, { methods: ['MESSAGE'] })
  known.registered(register('sip:a@192.0.2.1', 'User-Agent', 'Desk/1'), ACCOUNT)
  expect(known.of(key)).toMatchObject({ isAsked: true, traits: { methods: ['MESSAGE'] } })
  known.registered(register('sip:a@192.0.2.1', 'User-Agent', 'Desk/2'), ACCOUNT)
  expect(known.of(key)).toMatchObject({ isAsked: false, traits: { software: 'Desk/2' } })
  expect(known.of(key).traits.methods).toBeUndefined()
})

test('an inquiry that is not answered ends in time; more of them than may be are refused', async () => {
  const inquiries = new Inquiries({ max: 1, withinMs: 5 })
  const inquiry = (key: string) => ({ key, from: ACCOUNT, to: ACCOUNT, target: ACCOUNT, send: () => new Promise<never>(() => {}) })
  const silent = inquiries.ask(inquiry('a'))
  expect(inquiries.ask(inquiry('a'))).toBe(silent)
  expect(await inquiries.ask(inquiry('b'))).toMatchObject({ status: 500 })
  expect(await silent).toMatchObject({ status: 408, failure: 'timeout' })
  expect(inquiries.size).toBe(0)
})
