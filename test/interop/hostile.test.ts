/** Wrong passwords, noise and broken protocol: the protocol's own error for who sends it, and nothing for anybody else to notice. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Baresip } from './peers/baresip.ts'
import { Gateway } from './peers/gateway.ts'
import { goSendxmpp } from './peers/go-sendxmpp.ts'
import { lacks } from './peers/installed.ts'
import { Profanity } from './peers/profanity.ts'
import { noise, overTcp, overUdp } from './peers/raw.ts'
import { at, sipp, who } from './peers/sipp.ts'
import { slixmpp } from './peers/slixmpp.ts'
import { xmppClient } from './peers/xmpp-client.ts'
import type { Login, XmppPeer } from './peers/xmpp-peer.ts'

const OPENING =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='xmpp.example' version='1.0'>"
const NOTICED_MS = 1_000

let gateway: Gateway
let juliet: XmppPeer
let romeo: XmppPeer
let rounds = 0

beforeAll(async () => {
  gateway = await Gateway.start()
  await gateway.add('juliet', 'romeo', 'nurse', 'tybalt')
  juliet = xmppClient(gateway.login('juliet', 'balcony'))
  romeo = xmppClient(gateway.login('romeo', 'orchard'))
  await Promise.all([juliet.online(), romeo.online()])
})
afterAll(async () => {
  await Promise.all([juliet?.leave(), romeo?.leave()])
  await gateway?.stop()
})

/** After every attack the two go on talking, on the sessions they had before it. */
afterEach(async () => {
  const [question, answer] = [`Art thou still there, ${++rounds}?`, `I am, ${rounds}`]
  const started = Date.now()
  juliet.say('romeo@xmpp.example/orchard', question)
  await romeo.hears(question)
  romeo.say('juliet@xmpp.example/balcony', answer)
  await juliet.hears(answer)
  expect(Date.now() - started).toBeLessThan(NOTICED_MS)
  for (const { events } of [juliet, romeo]) expect(events.untaken()).toEqual([])
})

describe('a wrong password', () => {
  const wrong = (login: Login): Login => ({ ...login, password: 'not this one' })

  test('is not-authorized to @xmpp/client', async () => {
    const client = xmppClient(wrong(gateway.login('nurse', 'hall')))
    await expect(client.online()).rejects.toThrow('not-authorized')
    await client.leave()
  })

  test.skipIf(lacks('slixmpp'))('is not-authorized to slixmpp, whatever mechanism it tries', async () => {
    const client = slixmpp(wrong(gateway.login('romeo', 'hall')))
    await expect(client.online()).rejects.toThrow('not-authorized')
    await client.leave()
  })

  test.skipIf(lacks('profanity'))('is a login that failed on the screen of profanity', async () => {
    const client = await Profanity.start(wrong(gateway.login('juliet', 'hall')))
    await expect(client.online()).rejects.toThrow('Login failed')
    await client.stop()
  })

  test.skipIf(lacks('go-sendxmpp'))('lets go-sendxmpp send nothing', async () => {
    expect((await goSendxmpp(wrong(gateway.login('nurse', 'hall')), 'romeo@xmpp.example', 'I am not she')).code).not.toBe(0)
  })

  test.skipIf(lacks('baresip'))('leaves baresip unregistered', async () => {
    const line = { ...gateway.line('nurse'), password: 'not-this-one' }
    const phone = await Baresip.start({ ...line, contact: 'sip:juliet@xmpp.example', certificate: gateway.certificate })
    await expect(phone.registered()).rejects.toThrow(/40[13]/)
    await phone.stop()
  })
})

describe.skipIf(lacks('sipp'))('a MESSAGE without credentials', () => {
  for (const transport of ['udp', 'tcp'] as const) {
    test(`is challenged over ${transport} and reaches nobody`, async () => {
      const line = gateway.line('nurse', transport)
      const keys = { ...who(line), to: 'juliet@xmpp.example', text: 'I am the nurse, believe me' }
      expect(await sipp('send-unauthenticated', { ...at(line), keys })).toContain('challenged')
    })
  }

  test('from a domain that is not ours is refused and reaches nobody', async () => {
    const lines = [
      'MESSAGE sip:juliet@xmpp.example SIP/2.0',
      'Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKstranger;rport',
      'Max-Forwards: 70',
      'From: <sip:stranger@elsewhere.example>;tag=s1',
      'To: <sip:juliet@xmpp.example>',
      'Call-ID: stranger@elsewhere.example',
      'CSeq: 1 MESSAGE',
      'P-XMPP-Data: <message xmlns="jabber:client" from="romeo@xmpp.example/orchard" to="juliet@xmpp.example"/>',
      'Content-Type: text/plain',
      'Content-Length: 5',
    ]
    const [answer] = await overUdp(gateway.port('sip/udp'), [`${lines.join('\r\n')}\r\n\r\nHello`], /^SIP\/2\.0 [3-6]/)
    expect(answer).toMatch(/^SIP\/2\.0 4(?:01|03|07) /)
  })
})

describe('a stanza', () => {
  for (const [name, make] of [
    ['slixmpp', slixmpp],
    ['@xmpp/client', xmppClient],
  ] as const) {
    const missing = name === 'slixmpp' && lacks('slixmpp')

    test.skipIf(missing)(`of ten megabytes ends the stream of ${name} with policy-violation`, async () => {
      const tybalt = make(gateway.login('tybalt', 'street'))
      await tybalt.online()
      await tybalt.sendXml(`<message to='romeo@xmpp.example/orchard'><body>${'x'.repeat(10 * 1024 * 1024)}</body></message>`)
      const end = await tybalt.events.take('the end of the stream', ({ event }) => event === 'streamError' || event === 'disconnected')
      expect(end).toMatchObject({ event: 'streamError', condition: 'policy-violation' })
      await tybalt.leave()
    })

    test.skipIf(missing)(`cut in the middle by the end of ${name} reaches nobody`, async () => {
      const tybalt = make(gateway.login('tybalt', 'street'))
      await tybalt.online()
      await tybalt.sendXml("<message to='romeo@xmpp.example/orchard'><body>Have at thee, cow")
      await tybalt.kill()
    })

    test.skipIf(missing)(`that is not well-formed ends the stream of ${name} with not-well-formed`, async () => {
      const tybalt = make(gateway.login('tybalt', 'street'))
      await tybalt.online()
      await tybalt.sendXml("<message to='romeo@xmpp.example/orchard'><body>Have at thee</message></body>")
      const end = await tybalt.events.take('the end of the stream', ({ event }) => event === 'streamError' || event === 'disconnected')
      expect(end).toMatchObject({ event: 'streamError', condition: 'not-well-formed' })
      await tybalt.leave()
    })
  }
})

describe('binary noise', () => {
  const seeds = [1, 2, 3, 4, 5] as const

  test('on the XMPP port gets a stream error and the end of the connection', async () => {
    for (const seed of seeds) {
      const { received, ending } = await overTcp(gateway.port('xmpp'), noise(20_000, seed))
      expect(ending).not.toBe('open')
      if (ending === 'closed') expect(received).toMatch(/<stream:error/)
    }
  })

  test('inside a stream that has begun gets a stream error and the end of the connection', async () => {
    for (const seed of seeds) {
      const { received, ending } = await overTcp(gateway.port('xmpp'), Buffer.concat([Buffer.from(OPENING), noise(5_000, seed)]))
      expect(ending).not.toBe('open')
      if (ending === 'closed')
        expect(received).toMatch(/<stream:error>.*(?:not-well-formed|unsupported-encoding|bad-format|restricted-xml|invalid-xml)/s)
    }
  })

  test('on the port for direct TLS gets an alert of TLS at most', async () => {
    for (const seed of seeds) {
      const { received, ending } = await overTcp(gateway.port('xmpps'), noise(20_000, seed))
      expect(ending).not.toBe('open')
      if (received !== '') expect(received.charCodeAt(0)).toBe(0x15)
    }
  })

  test('on the SIP port over TCP ends that connection', async () => {
    for (const seed of seeds) {
      const { received, ending } = await overTcp(gateway.port('sip/tcp'), Buffer.concat([noise(20_000, seed), Buffer.from('\r\n\r\n')]))
      expect(ending).not.toBe('open')
      if (received !== '') expect(received).toMatch(/^SIP\/2\.0 400 /)
    }
  })

  test('on the SIP port over UDP is passed over, and the next good request from there is answered', async () => {
    const datagrams = seeds.map((seed) => noise(1_200, seed))
    await overUdp(gateway.port('sip/udp'), [...datagrams, Buffer.alloc(0), '\r\n\r\n', options('UDP', 'after noise')], /^SIP\/2\.0 200 /)
  })

  test('in bulk, from a hundred connections at once on every port', async () => {
    const ports = ['xmpp', 'xmpps', 'sip/tcp'].map((what) => gateway.port(what))
    const attacks = Array.from({ length: 100 }, (_, seed) => overTcp(ports[seed % ports.length] ?? 0, noise(100_000, seed + 1)))
    const endings = (await Promise.all(attacks)).map(({ ending }) => ending)
    expect(endings.filter((ending) => ending === 'open')).toEqual([])
  })
})

describe('a request with a broken Via', () => {
  for (const via of [
    'this is no Via',
    'SIP/2.0/UDP',
    'SIP/3.0/UDP 127.0.0.1;branch=z9hG4bK1',
    ';;;',
    'SIP/2.0/UDP 127.0.0.1:99999;branch=z9hG4bK1',
    '',
  ]) {
    test(`over UDP (“${via}”) gets 400 or nothing, and the next good one is answered`, async () => {
      const received = await overUdp(gateway.port('sip/udp'), [options('UDP', 'broken', via), options('UDP', 'good')], /^SIP\/2\.0 200 /)
      for (const response of received.slice(0, -1)) expect(response).toMatch(/^SIP\/2\.0 400 /)
    })

    test(`over TCP (“${via}”) gets 400 or the end of the connection`, async () => {
      const { received, ending } = await overTcp(gateway.port('sip/tcp'), options('TCP', 'broken', via), { enough: /^SIP\/2\.0 \d/ })
      expect([ending, received.slice(0, 'SIP/2.0 400'.length)]).toEqual(received === '' ? ['closed', ''] : [ending, 'SIP/2.0 400'])
    })
  }

  test('none at all: gets 400 or nothing, and the next good one is answered', async () => {
    const without = options('UDP', 'without').replace(/^Via:.*\r\n/m, '')
    const received = await overUdp(gateway.port('sip/udp'), [without, options('UDP', 'good')], /^SIP\/2\.0 200 /)
    for (const response of received.slice(0, -1)) expect(response).toMatch(/^SIP\/2\.0 400 /)
  })
})

let lastBranch = 0

function options(
  transport: 'UDP' | 'TCP',
  callId: string,
  via = `SIP/2.0/${transport} 127.0.0.1;branch=z9hG4bKhostile${++lastBranch};rport`,
): string {
  const id = `${callId.replaceAll(' ', '-')}-${++lastBranch}`
  const lines = [
    'OPTIONS sip:xmpp.example SIP/2.0',
    `Via: ${via}`,
    'Max-Forwards: 70',
    `From: <sip:probe@elsewhere.example>;tag=${lastBranch}`,
    'To: <sip:xmpp.example>',
    `Call-ID: ${id}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}
