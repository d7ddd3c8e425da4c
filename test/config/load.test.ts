import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadSettings, settingsOf } from '../../src/config/load.ts'
import { mistakeLine } from '../../src/config/mistake.ts'
import type { Settings } from '../../src/config/settings.ts'

async function mistakes(text: string): Promise<string[]> {
  return ((await settingsOf('x.yaml', text)).mistakes ?? []).map(mistakeLine)
}

async function settings(text: string): Promise<Settings> {
  const loaded = await settingsOf('x.yaml', text)
  if (!loaded.settings) throw new Error(loaded.mistakes.map(mistakeLine).join('\n'))
  return loaded.settings
}

describe('what nobody wrote has a default', () => {
  test('an empty file is a gateway that runs', async () => {
    const { domains, receiving, sip, store, log } = await settings('')
    expect(domains).toEqual([
      {
        name: 'xmpp.example',
        mechanisms: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1', 'PLAIN'],
        legacyLogin: false,
        scramRounds: 10_000,
        requireTls: true,
        telephones: true,
        pagerType: 'chat',
        assignedAddresses: [],
        aggregate: 'most-available',
        presence: 'dialog',
      },
    ])
    const listener = { tls: false, allow: [], deny: [], perAddress: 1_000 }
    expect(receiving).toEqual({
      logLevel: 'major',
      channels: 5_000,
      listeners: [
        { ...listener, port: 5222 },
        { ...listener, port: 5269 },
        { ...listener, port: 5223, tls: true },
      ],
      components: [],
      componentPassword: null,
      discoItems: [],
    })
    expect(sip).toEqual({
      stack: 'embedded',
      drachtio: { host: '127.0.0.1', port: 9_022, secret: 'cymru' },
      websocket: { maxAccounts: 200 },
      logLevel: 'major',
      embedded: {
        listeners: [
          { transport: 'udp', port: 5060 },
          { transport: 'tcp', port: 5060 },
          { transport: 'tls', port: 5061 },
          { transport: 'ws', port: 5066 },
        ],
      },
      trusted: [],
      trustedCertificates: [],
      xmppDataToPhones: true,
      digest: ['MD5'],
      followRedirects: true,
      telephonesPerAccount: 10,
      acceptSips: false,
      loopback: false,
      timers: { t1Ms: 500 },
    })
    expect(store).toEqual({ sqlite: path.resolve('data/stoxgate.db') })
    expect(log).toEqual({
      directory: path.resolve('logs'),
      format: 'text',
      maxBytes: 67_108_864,
      maxTotalBytes: 1_073_741_824,
      keepMs: 1_209_600_000,
      levels: { rest: 'major', XMPPI: 'major', XMPPS: 'major', XMPPO: 'major', SIP: 'major' },
    })
  })

  test('groups whose keys are all commented out are as if they were not there', async () => {
    expect(await settings('receiving:\nsip:\n  embedded:\n  timers:\nlog:\nstore:')).toEqual(await settings(''))
  })

  test('a list replaces the default as a whole', async () => {
    const { receiving, sip } = await settings(
      'receiving: { listeners: [ { port: 0, address: "::1" } ] }\nsip: { embedded: { listeners: [] } }',
    )
    expect(receiving.listeners).toEqual([{ port: 0, address: '::1', tls: false, allow: [], deny: [], perAddress: 1_000 }])
    expect(sip.embedded.listeners).toEqual([])
  })
})

describe('what somebody wrote', () => {
  test('has its units', async () => {
    const { sip, log } = await settings('sip: { timers: { t1: 100ms } }\nlog: { maxSize: 256KiB, keep: 2d, directory: null }')
    expect(sip.timers.t1Ms).toBe(100)
    expect(log).toMatchObject({ maxBytes: 262_144, keepMs: 172_800_000, directory: undefined })
  })

  test('gives each kind of tag its level', async () => {
    expect((await settings('receiving: { logLevel: all }\nsip: { logLevel: low-level }\nlog: { level: failures }')).log.levels).toEqual({
      rest: 'failures',
      XMPPI: 'all',
      XMPPS: 'all',
      XMPPO: 'major',
      SIP: 'low-level',
    })
  })

  test('may use what YAML has: anchors, quotes, blocks', async () => {
    const { domains, sip } = await settings(
      "domains:\n  - &first\n    name: 'A.Example'\n    requireTls: false\n  - <<: *first\n    name: Bücher.example\nsip:\n  trusted:\n    - 192.0.2.0/24\n    - 2001:db8::/32\n    - 198.51.100.7\n",
    )
    expect(domains.map(({ name, requireTls }) => [name, requireTls])).toEqual([
      ['a.example', false],
      ['bücher.example', false],
    ])
    expect(sip.trusted).toEqual(['192.0.2.0/24', '2001:db8::/32', '198.51.100.7'])
  })

  test('names paths as seen from where the gateway is started', async () => {
    expect((await settings('store: { sqlite: other/x.db }')).store.sqlite).toBe(path.resolve('other/x.db'))
    expect((await settings('store: { sqlite: /var/lib/stoxgate/x.db }')).store.sqlite).toBe('/var/lib/stoxgate/x.db')
  })
})

describe('a mistake is told with its line, its key and its cure', () => {
  for (const [text, ...expected] of [
    ['domain: []', 'x.yaml:1: domain: is no key here; did you mean domains?'],
    [
      '\n\ncolour: red',
      'x.yaml:3: colour: is no key here; there is domains, receiving, sending, sip, http, routes, dns, secretsKeyFile, store, log',
    ],
    ['domains:\n  - name: a.example\n    telefones: true', 'x.yaml:3: domains[0].telefones: is no key here; did you mean telephones?'],
    ['web: {}', 'x.yaml:1: web: is not in this version yet; remove it'],
    ['http: { publicUrl: xmpp.example }', /^x.yaml:1: http.publicUrl: must be the address browsers reach this server at/],
    ['http: { origins: [ "https://chat.example/im" ] }', /^x.yaml:1: http.origins\[0\]: must be the origin of a page/],
    [
      'http:\n  listeners: [ { port: 5222 } ]',
      'x.yaml:2: http.listeners[0].port: 5222 is the port of receiving.listeners[0] already; give one of them another port or address',
    ],
    ['domains:\n- name: a.example\n  offline: false', 'x.yaml:3: domains[0].offline: is not in this version yet; remove it'],
    ['store:\n  postgres: x', 'x.yaml:2: store.postgres: is not in this version yet; remove it'],
    ['sip:\n  stack: websocket', /^x.yaml:1: sip.websocket.url: is missing; it must be the address of the PBX/],
    ['sip:\n  websocket: { url: "https://pbx.example/ws" }', /^x.yaml:2: sip.websocket.url: must be the address of a WebSocket/],
    ['sip:\n  websocket: { url: "wss://u:p@pbx.example/ws" }', /^x.yaml:2: sip.websocket.url: must be the address of a WebSocket/],
    ['sip:\n  websocket: { maxAccounts: 0 }', /^x.yaml:2: sip.websocket.maxAccounts: must be the accounts that may be registered/],
    ['sip:\n  drachtio: { port: 0 }', /^x.yaml:2: sip.drachtio.port: must be the admin port of a drachtio server/],
    ['sip:\n  stack: kamailio', 'x.yaml:2: sip.stack: must be one of embedded, drachtio, websocket, not the text "kamailio"'],
    [
      'sip:\n  embedded:\n    listeners:\n      - { transport: sctp, port: 5061 }',
      'x.yaml:4: sip.embedded.listeners[0].transport: must be one of udp, tcp, tls, ws, wss, not the text "sctp"',
    ],
    ['sip: { trusted: [ 192.0.2.300 ] }', /^x.yaml:1: sip.trusted\[0\]: must be a network, such as 192.0.2.0\/24, or the name in a TLS/],
    ['sip: { trusted: [ "*.pbx.example" ] }', /must be a network/],
    [
      'sip: { embedded: { listeners: [ { transport: udp, port: 5061 }, { transport: tls, port: 5061 }, { transport: wss, port: 5061 } ] } }',
      /^x.yaml:1: sip.embedded.listeners\[2\].port: 5061 is the port of sip.embedded.listeners\[1\] already/,
    ],
    ['domains: [ { name: a.example, mechanisms: [ GSSAPI ] } ]', /GSSAPI is not in this version yet; there is SCRAM/],
    ['domains: [ { name: a.example, mechanisms: [ SCRAM-SHA256 ] } ]', /did you mean SCRAM-SHA-256\?/],
    ['domains: [ { name: a.example, mechanisms: [] } ]', /must name at least one mechanism/],
    ['domains: []', 'x.yaml:1: domains: must name at least one domain'],
    ['domains:', 'x.yaml:1: domains: must be a list, not nothing'],
    ['domains: a.example', 'x.yaml:1: domains: must be a list, not the text "a.example"'],
    ['domains: [ a.example ]', 'x.yaml:1: domains[0]: must be a group of keys, not the text "a.example"'],
    ['domains: [ {} ]', 'x.yaml:1: domains[0].name: is missing; it must be a domain name, such as xmpp.example'],
    ['domains: [ { name: juliet@a.example } ]', /must be a domain name, such as xmpp.example, not the text "juliet@a.example"/],
    ['domains: [ { name: "a..b" } ]', /must be a domain name/],
    ['domains: [ { name: 5 } ]', /must be a domain name, such as xmpp.example, not 5/],
    ['domains:\n- name: a.example\n- name: A.example', 'x.yaml:3: domains[1].name: a.example is domains[0] already; remove one of them'],
    ['domains:\n- name: a.example\n  requireTls: yes', 'x.yaml:3: domains[0].requireTls: must be true or false, not the text "yes"'],
    [
      'domains:\n- name: a.example\n  certificate: { cert: x.crt }',
      'x.yaml:3: domains[0].certificate.key: is missing; it must be the path of a PEM file',
    ],
    [
      'domains:\n- name: a.example\n  certificate:\n    cert: nowhere.crt\n    key: nowhere.key',
      /^x.yaml:4: domains\[0\].certificate.cert: .*nowhere.crt cannot be read/,
    ],
    [
      'receiving: { listeners: [ { port: 70000 } ] }',
      /listeners\[0\].port: must be a port \(0: any free one\): a whole number from 0 to 65535, not 70000/,
    ],
    ['receiving: { listeners: [ { port: "5222" } ] }', /not the text "5222"/],
    ['receiving: { listeners: [ { port: 1, address: localhost } ] }', /must be an IP address of this machine/],
    ['receiving: { listeners: [ { port: 1, allow: [ 192.0.2.0/33 ] } ] }', /allow\[0\]: must be a network/],
    ['receiving: { channels: -1 }', /channels: must be the connections of all listeners together \(0: no listener\): a whole number/],
    [
      'receiving: { listeners: [ { port: 5222 }, { port: 5222, address: 127.0.0.1 } ] }',
      /listeners\[1\].port: 5222 is the port of receiving.listeners\[0\] already/,
    ],
    [
      'sip:\n  embedded:\n    listeners:\n    - transport: tcp\n      port: 5222',
      'x.yaml:5: sip.embedded.listeners[0].port: 5222 is the port of receiving.listeners[0] already; give one of them another port or address',
    ],
    ['sip: { timers: { t1: 500 } }', /must be a duration from 10ms to 10s, such as 500ms.*not 500/],
    ['sip: { timers: { t1: 1h } }', /not the text "1h"/],
    ['log: { maxSize: 1KiB }', /must be a size from 4KiB to 4GiB/],
    ['log: { level: debug }', /must be one of failures, major, problems, low-level, all, not the text "debug"/],
    ['log: { format: JSON }', /did you mean json\?/],
    ['store: { sqlite: "" }', /must be the path of a file/],
    ['- a', /must be a group of keys, not a list/],
    ['just text', /must be a group of keys, not the text "just text"/],
    ['a: [', /^x.yaml:1: yaml: /],
    ['sip:\n\tstack: embedded', /^x.yaml:2: yaml: Tabs are not allowed as indentation/],
    ['log: {}\nlog: {}', 'x.yaml:2: yaml: a key stands twice in the same group; keep one of them'],
    ['sip:\nlog: *nowhere', /^x.yaml:2: yaml: Unresolved alias/],
  ] as const)
    test(JSON.stringify(text), async () => {
      const told = await mistakes(text)
      expect(told).toHaveLength(expected.length)
      for (const [i, one] of expected.entries())
        if (typeof one === 'string') expect(told[i]).toBe(one)
        else expect(told[i]).toMatch(one)
    })

  test('all of them at once, in the order of the file', async () => {
    const told = await mistakes(
      'log:\n  level: loud\n  colour: red\ndomains:\n  - name: a.example\n  - name: a.example\nsip:\n  stack: kamailio\n  timers: { t1: soon }\nworkers: 4\n',
    )
    expect(told.map((line) => line.split(': ').slice(0, 2).join(' '))).toEqual([
      'x.yaml:2 log.level',
      'x.yaml:3 log.colour',
      'x.yaml:6 domains[1].name',
      'x.yaml:8 sip.stack',
      'x.yaml:9 sip.timers.t1',
      'x.yaml:10 workers',
    ])
  })

  test('a text that is written to be expensive is refused soon', async () => {
    const begun = performance.now()
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh'].map((key, i) => `${key}: &${key} [${`*${'abcdefg'[i]},`.repeat(9)}]`).join('\n')}\n`
    expect((await mistakes(bomb)).length).toBeGreaterThan(0)
    expect(performance.now() - begun).toBeLessThan(1_000)
  })
})

describe('the file', () => {
  let directory: string
  const before = process.cwd()
  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'stoxgate-config-'))
  })
  afterEach(() => {
    process.chdir(before)
    fs.rmSync(directory, { recursive: true })
  })

  test('that was named must be there', async () => {
    const { mistakes } = await loadSettings(path.join(directory, 'x.yaml'))
    expect(mistakes?.map(mistakeLine)).toEqual([
      `${directory}/x.yaml:1: file: is not there; name another with -c, or copy config/example.yaml`,
    ])
  })

  test('must be a file', async () => {
    expect((await loadSettings(directory)).mistakes?.[0].sentence).toBe('is a directory')
  })

  test('must be of a sensible size', async () => {
    fs.writeFileSync(path.join(directory, 'x.yaml'), '# '.repeat(3_000_000))
    expect((await loadSettings(path.join(directory, 'x.yaml'))).mistakes?.[0].sentence).toMatch(/is it the right file/)
  })
})
