/** The table of docs/federation.md, row by row: what becomes of a message under each policy, whatever the other server does with TLS. */
import { readFileSync } from 'node:fs'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { EncryptionPolicy, WithoutTls } from '../../../src/stream/s2s/encryption.ts'
import { el } from '../../../src/xml/element.ts'
import { certificateFor } from '../../support/certificates.ts'
import { NS_CLIENT } from '../../support/client.ts'
import { federationTo, OURS, THEIRS } from '../../support/federation-room.ts'
import { type Script, ScriptedServer } from '../../support/scripted-server.ts'

type Pem = { readonly cert: string; readonly key: string }
const certificates: Record<string, Pem> = {}
beforeAll(async () => {
  certificates.valid = await certificateFor(THEIRS)
  certificates.unknown = await certificateFor(THEIRS)
  certificates.other = await certificateFor('capulet.example')
})

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

const THEIR_TLS: Readonly<Record<string, () => Script>> = {
  valid: () => ({ tls: 'works', certificate: pem('valid') }),
  'self-signed': () => ({ tls: 'works', certificate: pem('unknown') }),
  'wrong name': () => ({ tls: 'works', certificate: pem('other') }),
  none: () => ({ tls: 'none' }),
  alert: () => ({ tls: 'alert' }),
  silence: () => ({ tls: 'silence' }),
  reset: () => ({ tls: 'reset' }),
}
const LISTED: Readonly<Record<string, readonly string[]>> = { listed: [THEIRS], '!': [`!${THEIRS}`], other: ['*.elsewhere.example'] }

/** The rows of the page. */
const ROWS = readFileSync('docs/federation.md', 'utf8')
  .split('\n')
  .filter((line) => /^\| (?:listed|!|other) \|/.test(line.replaceAll('`', '')))
  .map((line) =>
    line
      .replaceAll('`', '')
      .split('|')
      .map((cell) => cell.trim()),
  )

function pem(name: string): Pem {
  const found = certificates[name]
  if (!found) throw new Error(`no certificate ${name}`)
  return found
}

const message = () =>
  el('message', NS_CLIENT, { from: `juliet@${OURS}/balcony`, to: `romeo@${THEIRS}`, id: 'm1' }, el('body', NS_CLIENT, {}, 'Wherefore?'))

describe('encryption to other servers', () => {
  test('the page has a row for each list, each behaviour and each default', () => {
    expect(ROWS.length * 2).toBe(42)
  })

  for (const [, list = '', tls = '', possible = '', impossible = ''] of ROWS)
    for (const [whereverPossible, outcome] of [
      [true, possible],
      [false, impossible],
    ] as const)
      test(`${list}, their TLS ${tls}, wherever possible ${whereverPossible ? 'on' : 'off'}: ${outcome}`, async () => {
        const server = await ScriptedServer.start(THEIR_TLS[tls]?.() ?? { tls: 'none' })
        closing.push(() => server.stop())
        const room = federationTo(server.port, {
          encrypted: { domains: LISTED[list] ?? [], whereverPossible },
          authorities: [pem('valid').cert, pem('other').cert],
          limits: { handshakeSeconds: 0.3 },
        })
        closing.push(() => room.federation.stop())
        const answer = await room.send(message())
        if (outcome === 'refused') {
          expect(answer.status).toBe(404)
          expect(server.stanzas).toEqual([])
          expect(server.clear).not.toContain('<message')
          return
        }
        expect(answer.status).toBe(202)
        await server.until(1)
        expect(server.stanzas.map(({ encrypted }) => (encrypted ? 'encrypted' : 'in clear'))).toEqual([outcome])
        if (outcome === 'encrypted') expect(server.clear).not.toContain('Wherefore')
      })

  test('where TLS failed it is not tried again within the hour', async () => {
    const server = await ScriptedServer.start({ tls: 'reset' })
    closing.push(() => server.stop())
    const room = federationTo(server.port, { idleMs: 40 })
    closing.push(() => room.federation.stop())
    await room.send(message())
    expect(server.connections).toBe(2)
    await room.heard.fact({ what: 'stream_closed' })
    await room.send(message())
    await server.until(2)
    expect(server.connections).toBe(3)
  })

  test('a server that refuses TLS and wants it too gets nothing, and the log names the cure', async () => {
    const server = await ScriptedServer.start({ tls: 'alert', requiresTls: true })
    closing.push(() => server.stop())
    const room = federationTo(server.port)
    closing.push(() => room.federation.stop())
    expect((await room.send(message())).status).toBe(404)
    const fact = await room.heard.fact({ what: 'plain_stream_refused' })
    expect(String(fact.cure)).toContain(`!${THEIRS}`)
    expect(server.clear).not.toContain('<message')
  })

  test('a relay may show a certificate for its own name', async () => {
    const relay = await certificateFor('relay.example')
    const server = await ScriptedServer.start({ tls: 'works', certificate: relay })
    closing.push(() => server.stop())
    const room = federationTo(0, {
      encrypted: { domains: ['*'], whereverPossible: false },
      authorities: [relay.cert],
      relay: { domain: THEIRS, host: 'relay.example', port: server.port },
      addresses: () => ['127.0.0.1'],
    })
    closing.push(() => room.federation.stop())
    expect((await room.send(message())).status).toBe(202)
    await server.until(1)
    expect(server.stanzas[0]?.encrypted).toBe(true)
  })
})

describe('the list of domains', () => {
  const policy = new EncryptionPolicy({ domains: ['*.partner.example', 'bank.example', '!broken.partner.example'], whereverPossible: true })
  for (const [domain, expected] of [
    ['bank.example', 'required'],
    ['a.partner.example', 'required'],
    ['partner.example', 'possible'],
    ['broken.partner.example', 'never'],
    ['xbank.example', 'possible'],
  ] as const)
    test(`${domain} is ${expected}`, () => expect(policy.for(domain)).toBe(expected))

  test('what was learned of a host is forgotten after its time, and the oldest first', () => {
    let now = 0
    const learned = new WithoutTls({ withoutTlsSeconds: 10, withoutTlsMax: 2 }, () => now)
    learned.add('a.example', 'h')
    learned.add('b.example', 'h')
    learned.add('c.example', 'h')
    expect([learned.has('a.example', 'h'), learned.has('b.example', 'h'), learned.has('c.example', 'h')]).toEqual([false, true, true])
    now = 10_001
    expect(learned.has('c.example', 'h')).toBe(false)
  })
})
