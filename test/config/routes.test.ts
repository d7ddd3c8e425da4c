import { expect, test } from 'vitest'
import { settingsOf } from '../../src/config/load.ts'
import { mistakeLine } from '../../src/config/mistake.ts'

async function mistakes(...lines: string[]): Promise<string[]> {
  return ((await settingsOf('x.yaml', lines.join('\n'))).mistakes ?? []).map(mistakeLine)
}

test('both forms of a route may stand side by side', async () => {
  const { settings } = await settingsOf(
    'x.yaml',
    'routes:\n  - "old.example = xmpp.example"\n  - { match: "*", to: "sip:core.example", trusted: true, maxMessageBytes: 64KiB }',
  )
  expect(settings?.routes.map(({ text, to }) => [text, to.kind])).toEqual([
    ['old.example = xmpp.example', 'alias'],
    ['* = sip:core.example', 'hop'],
  ])
  const { to } = settings?.routes[1] ?? {}
  expect(to?.kind === 'hop' && [to.trusted, to.xmppData, to.maxMessageBytes]).toEqual([true, 'header', 65_536])
})

test('every mistake of the table is told with its own line', async () => {
  expect(
    await mistakes(
      'routes:',
      '  - "pbx.example sip:192.0.2.20"',
      '  - match: "pbx.example"',
      '    to: "sip:192.0.2.20;transport=pigeon"',
      '  - match: "a.example"',
      '    to: "b.example"',
      '    trusted: true',
      '  - match: "c.example"',
      '    to: "sip:192.0.2.1"',
      '    trused: true',
      '  - { match: "d.example" }',
      '  - 5',
    ),
  ).toEqual([
    'x.yaml:2: routes[0].match: is no route: write "pbx.example = sip:192.0.2.20;transport=tcp"',
    'x.yaml:4: routes[1].to: sip:192.0.2.20;transport=pigeon: pigeon is no transport; there is udp, tcp, tls, ws, wss',
    'x.yaml:7: routes[2].trusted: means something only where "to" is a sip: address; remove it',
    'x.yaml:10: routes[3].trused: is no key here; did you mean trusted?',
    'x.yaml:11: routes[4].to: is missing; it must be where they go: a sip: address, a domain, user@domain or name@host._via',
    'x.yaml:12: routes[5]: must be a group of keys, not 5',
  ])
})

test('a rule that nothing reaches, and a circle, are mistakes too', async () => {
  expect(await mistakes('routes:', '  - "a.example = b.example"', '  - "a.example = sip:192.0.2.1"')).toEqual([
    'x.yaml:3: routes[1].match: a.example is taken by routes[0] already; remove one of them',
  ])
  expect(await mistakes('routes:', '  - "a.example = b.example"', '  - "b.example = a.example"')).toEqual([
    'x.yaml:2: routes[0].to: leads round in a circle: an alias behind it comes back here',
  ])
})

for (const [server, isOne] of [
  ['192.0.2.53', true],
  ['192.0.2.53:5353', true],
  ['2001:db8::53', true],
  ['[2001:db8::53]:5353', true],
  ['dns.example', false],
  ['192.0.2.500', false],
] as const)
  test(`${server} is ${isOne ? 'a' : 'no'} DNS server`, async () => {
    const told = await mistakes('dns:', `  servers: ["${server}"]`)
    if (isOne) expect(told).toEqual([])
    else expect(told[0]).toMatch(/^x\.yaml:2: dns\.servers\[0\]: must be the IP address of a DNS server/)
  })
