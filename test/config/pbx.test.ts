import { describe, expect, test } from 'vitest'
import { settingsOf } from '../../src/config/load.ts'
import { mistakeLine } from '../../src/config/mistake.ts'
import { lacksOf } from '../../src/sip-stack.ts'

const at = (pbx: string, more = ''): string => `domains:\n  - name: xmpp.example\n    pbx: ${pbx}${more}`
const mistakes = async (text: string): Promise<string[]> => ((await settingsOf('x.yaml', text)).mistakes ?? []).map(mistakeLine)

test('a domain lives on a PBX as soon as it is said where that is', async () => {
  const { settings } = await settingsOf('x.yaml', at('{ uri: "sip:192.0.2.20;transport=tcp" }'))
  const { pbx } = settings?.domains[0] ?? {}
  expect(pbx && { ...pbx, uri: pbx.uri.toString() }).toEqual({
    uri: 'sip:192.0.2.20;transport=tcp',
    register: true,
    credentials: 'login',
  })
})

for (const [text, expected] of [
  [at('{}'), 'x.yaml:3: domains[0].pbx.uri: is missing; it must be the sip: address of a PBX'],
  [
    at('{ uri: "sip:101@192.0.2.20" }'),
    'x.yaml:3: domains[0].pbx.uri: sip:101@192.0.2.20 names a user; a next hop is a host: the user of the address stays',
  ],
  [at('{ uri: pbx.example }'), 'x.yaml:3: domains[0].pbx.uri: must be the sip: address of a PBX, not pbx.example'],
  [
    at('{ uri: "sip:192.0.2.20", register: false, credentials: stored }'),
    'x.yaml:3: domains[0].pbx.credentials: stored says what an account registers with, but register is false: remove one of them',
  ],
  [
    at('{ uri: "sip:192.0.2.20" }', '\n    mechanisms: [SCRAM-SHA-256]'),
    'x.yaml:4: domains[0].mechanisms: must have PLAIN, the only mechanism that shows the PBX a password to check',
  ],
  [
    at('{ uri: "sip:192.0.2.20" }', '\n    requireTls: false'),
    'x.yaml:4: domains[0].requireTls: must be true where a PBX checks passwords: PLAIN shows them to everybody on the way',
  ],
] as const)
  test(`a PBX that cannot be used so: ${expected.slice(expected.indexOf(':', 7) + 2)}`, async () => {
    expect(await mistakes(text)).toEqual([expected])
  })

test('stored passwords leave a domain any mechanism', async () => {
  const stored = '{ uri: "sip:192.0.2.20", credentials: stored }'
  expect(await mistakes(at(stored, '\n    mechanisms: [SCRAM-SHA-256]\n    requireTls: false'))).toEqual([])
})

test('the key of stored passwords stands beside the database, unless it is said where', async () => {
  const fileOf = async (text: string) => (await settingsOf('x.yaml', text)).settings?.secretsKeyFile
  expect(await fileOf('store: { sqlite: /var/lib/stoxgate/stoxgate.db }')).toBe('/var/lib/stoxgate/secrets.key')
  expect(await fileOf('secretsKeyFile: /etc/stoxgate/secrets.key')).toBe('/etc/stoxgate/secrets.key')
})

test('a PBX that trusts our address leaves passwords to us, and any mechanism', async () => {
  expect(
    await mistakes(at('{ uri: "sip:192.0.2.20", register: false }', '\n    mechanisms: [SCRAM-SHA-256]\n    requireTls: false')),
  ).toEqual([])
})

const behindWebSocket = (pbx: string, more = ''): string =>
  `${at(pbx)}\nsip:\n  stack: websocket\n  websocket: { url: "wss://pbx.example/ws" }${more}`

describe('sip.stack: websocket', () => {
  test('reaches the PBX of its address', async () => {
    const { settings, mistakes: found } = await settingsOf('x.yaml', behindWebSocket('{ uri: "sip:pbx.example;transport=ws" }'))
    expect(found).toBeUndefined()
    expect(settings?.sip.websocket).toEqual({ url: 'wss://pbx.example/ws', maxAccounts: 200 })
  })

  for (const [text, expected] of [
    [
      'sip:\n  stack: websocket\n  websocket: { url: "ws://pbx.example/" }',
      'x.yaml:2: sip.stack: websocket needs a domain whose accounts live on the PBX: give one of domains a pbx',
    ],
    [
      behindWebSocket('{ uri: "sip:pbx.example;transport=tcp" }'),
      'x.yaml:3: domains[0].pbx.uri: must be sip:pbx.example;transport=ws: by sip.stack: websocket nobody is reached but wss://pbx.example/ws',
    ],
    [
      behindWebSocket('{ uri: "sip:pbx.example:5066;transport=ws" }'),
      'x.yaml:3: domains[0].pbx.uri: must be sip:pbx.example;transport=ws: by sip.stack: websocket nobody is reached but wss://pbx.example/ws',
    ],
    [
      behindWebSocket('{ uri: "sip:pbx.example;transport=ws", register: false }'),
      'x.yaml:3: domains[0].pbx.register: must be true: over WebSocket a PBX reaches nobody but who has registered there',
    ],
    [
      behindWebSocket('{ uri: "sip:pbx.example;transport=wss" }', '\nroutes: [ "elsewhere.example = sip:192.0.2.9" ]'),
      'x.yaml:7: routes[0].to: must be sip:pbx.example;transport=ws: by sip.stack: websocket nobody is reached but wss://pbx.example/ws',
    ],
  ] as const)
    test(`cannot be used so: ${expected.slice(expected.indexOf(':', 7) + 2)}`, async () => {
      expect(await mistakes(text)).toEqual([expected])
    })

  test('says what it lacks', async () => {
    const { settings } = await settingsOf('x.yaml', behindWebSocket('{ uri: "sip:pbx.example;transport=ws" }'))
    if (!settings) throw new Error('there is a mistake in it')
    expect(await lacksOf(settings)).toEqual([
      'calls between telephones are not forwarded',
      'no listener: telephones and other SIP servers do not reach the gateway, and it reaches nobody but wss://pbx.example/ws',
      'no more than 200 accounts at the same time (sip.websocket.maxAccounts)',
    ])
  })
})
