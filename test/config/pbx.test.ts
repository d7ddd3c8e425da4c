import { expect, test } from 'vitest'
import { settingsOf } from '../../src/config/load.ts'
import { mistakeLine } from '../../src/config/mistake.ts'

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
    at('{ uri: "sip:192.0.2.20", credentials: stored }'),
    'x.yaml:3: domains[0].pbx.credentials: stored is not in this version yet; there is login',
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

test('a PBX that trusts our address leaves passwords to us, and any mechanism', async () => {
  expect(
    await mistakes(at('{ uri: "sip:192.0.2.20", register: false }', '\n    mechanisms: [SCRAM-SHA-256]\n    requireTls: false')),
  ).toEqual([])
})
