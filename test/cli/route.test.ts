import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { explain } from '../../src/cli/route.ts'
import { settingsOf } from '../../src/config/load.ts'
import type { Dns } from '../../src/sip/locate/dns.ts'
import { TestWorld } from './world.ts'

let directory: string
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'stoxgate-route-'))
})
afterEach(() => fs.rmSync(directory, { recursive: true }))

async function routed(address: string, routes: string): Promise<{ code: number; text: string; error: string }> {
  const file = path.join(directory, 'x.yaml')
  fs.writeFileSync(file, `store: { sqlite: ${directory}/x.db }\n${routes}`)
  const world = new TestWorld()
  const code = await world.run('route', address, '-c', file)
  return { code, text: world.stdout.text.replaceAll(directory, ''), error: world.stderr.text }
}

test('every rule that was looked at is named with its line, up to the next hop', async () => {
  const routes = [
    'routes:',
    '  - "old.example = pbx.example"',
    '  - match: "*@pbx.example"',
    '    to: "sip:192.0.2.20;transport=tcp"',
  ].join('\n')
  const { code, text } = await routed('tybalt@old.example', routes)
  expect(code).toBe(0)
  expect(text.split('\n')).toEqual([
    'address  sip:tybalt@old.example, in XMPP tybalt@old.example',
    'rule     /x.yaml:3  old.example = pbx.example                     makes it sip:tybalt@pbx.example',
    'rule     /x.yaml:3  old.example = pbx.example                     is not meant',
    'rule     /x.yaml:4  *@pbx.example = sip:192.0.2.20;transport=tcp  takes it',
    'way      SIP to sip:192.0.2.20;transport=tcp (not trusted, P-XMPP-Data off, at most 65536 bytes)',
    'hop 1    tcp 192.0.2.20:5060',
    '',
  ])
})

test('a SIP URI is an address too, whatever XMPP thinks of it', async () => {
  const { code, text } = await routed('sip:*72@pbx.example', 'routes: ["pbx.example = sip:192.0.2.20"]')
  expect(code).toBe(0)
  expect(text).toContain('sip:*72@pbx.example')
  expect(text).toContain('udp 192.0.2.20:5060')
})

test('an account that nobody has is said to be none, and the exit code says it too', async () => {
  const { code, text } = await routed('nobody@xmpp.example', '')
  expect(code).toBe(1)
  expect(text).toContain('nobody has it')
  expect(fs.existsSync(path.join(directory, 'x.db')), 'nothing is made for a question').toBe(false)
})

for (const [address, routes, expected] of [
  ['romeo@nowhere.example', '', 'no domain of ours is nowhere.example'],
  ['romeo@a.example', 'routes: ["a.example = company.example@relay.example:5270._via"]', 'relay.example:5270 for company.example'],
  [
    'romeo@a.example',
    'sip: { embedded: { listeners: [] } }\nroutes: ["NoRelay:a.example = sip:192.0.2.20;transport=ws"]',
    'no ws is configured',
  ],
] as const)
  test(`${address}, "${routes}": ${expected}`, async () => {
    const { code, text } = await routed(address, routes)
    expect(code).toBe(1)
    expect(text).toContain(expected)
  })

test('the domain itself answers what is meant for it', async () => {
  expect((await routed('xmpp.example', '')).text).toContain('way      the domain xmpp.example itself')
})

test('what is no address at all is told so', async () => {
  const { code, error } = await routed('@', '')
  expect(code).toBe(2)
  expect(error).toContain('neither an XMPP address nor a SIP URI')
})

test('the targets of a name stand in the order in which they would be tried', async () => {
  const dns: Dns = {
    naptr: async () => ({ records: [], ttl: undefined }),
    srv: async (name) => ({
      records: name.startsWith('_sip._udp')
        ? [
            { priority: 20, weight: 0, port: 5_070, name: 'b.example' },
            { priority: 10, weight: 0, port: 5_060, name: 'a.example' },
          ]
        : [],
      ttl: undefined,
    }),
    addresses: async (name) => ({ records: name === 'a.example' ? ['192.0.2.1', '2001:db8::1'] : ['192.0.2.2'], ttl: 60 }),
  }
  const { settings } = await settingsOf('x.yaml', 'routes: ["core.example = sip:core.example"]')
  if (!settings) throw new Error('no settings')
  const { lines } = await explain(settings, 'mab@core.example', { dns, exists: async () => true, placeOf: () => 'x.yaml:1' })
  expect(lines.filter((line) => line.startsWith('hop'))).toEqual([
    'hop 1    udp 192.0.2.1:5060',
    'hop 2    udp [2001:db8::1]:5060',
    'hop 3    udp 192.0.2.2:5070',
  ])
})

test('somebody of a domain that lives on a PBX is there', async () => {
  const { code, text } = await routed('101@xmpp.example', 'domains: [ { name: xmpp.example, pbx: { uri: "sip:192.0.2.20" } } ]')
  expect(code).toBe(0)
  expect(text).toContain('way      the PBX sip:192.0.2.20, where the accounts of xmpp.example live')
})
