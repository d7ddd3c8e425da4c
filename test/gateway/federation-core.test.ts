/** A gateway behind a drachtio server whose every stanza goes through a core (`*` in the Router's table), and another server it has never heard of. */
import { afterEach, expect, test } from 'vitest'
import { silent } from '../../src/log/log.ts'
import { embeddedStack } from '../../src/sip/embedded/stack.ts'
import { el } from '../../src/xml/element.ts'
import { NS_CLIENT } from '../support/client.ts'
import { DrachtioDouble } from '../support/drachtio-double.ts'
import { bodyOf, chat, World } from '../support/federation.ts'
import { NextHopParty } from '../support/next-hop.ts'

const HOST = '127.0.0.1'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

const stackOn = (transport: 'tcp') => embeddedStack({ listeners: [{ transport, port: 0, address: HOST }], timers: { t1Ms: 50 } }, silent)

test('message, question and presence to a user elsewhere pass the drachtio server and the core, and what comes back does too', async () => {
  const server = stackOn('tcp')
  const double = await DrachtioDouble.over(server)
  closing.push(() => double.stop())
  const below = stackOn('tcp')
  // The core sends everything back to where the drachtio server listens.
  const core = await NextHopParty.on(below, {
    transport: 'tcp',
    host: HOST,
    port: server.localFor({ transport: 'tcp', host: HOST, port: 5_060 }).port,
  })
  closing.push(() => core.stop())
  core.answer = core.sentBack
  const { port } = below.localFor({ transport: 'tcp', host: HOST, port: 5_060 })

  const world = await World.begin()
  closing.push(() => world.end())
  const verona = await world.member('verona.example', {
    accounts: ['juliet'],
    routes: [{ match: '*', to: `sip:${HOST}:${port};transport=tcp`, trusted: true }],
    sip: { stack: 'drachtio', drachtio: { host: HOST, port: double.port, secret: double.secret } },
  })
  const mantua = await world.member('mantua.example', { accounts: ['romeo'] })
  const juliet = await verona.client('juliet')
  const romeo = await mantua.client('romeo')

  juliet.send(chat('romeo@mantua.example', 'Art thou not Romeo?', 'm1'))
  const heard = await romeo.receive()
  expect([heard.attr('id'), heard.attr('from'), bodyOf(heard)]).toEqual(['m1', 'juliet@verona.example/balcony', 'Art thou not Romeo?'])
  romeo.send(chat('juliet@verona.example/balcony', 'Neither, fair saint', 'm2'))
  const back = await juliet.receive()
  expect([back.attr('id'), bodyOf(back)]).toEqual(['m2', 'Neither, fair saint'])

  juliet.send(el('iq', NS_CLIENT, { type: 'get', id: 'p1', to: 'mantua.example' }, el('ping', 'urn:xmpp:ping')))
  const pong = await juliet.receive()
  expect([pong.attr('id'), pong.attr('type'), pong.attr('from')]).toEqual(['p1', 'result', 'mantua.example'])

  juliet.send(el('presence', NS_CLIENT, { type: 'subscribe', to: 'romeo@mantua.example' }))
  const asked = await romeo.receive()
  expect([asked.name, asked.attr('type'), asked.attr('from')]).toEqual(['presence', 'subscribe', 'juliet@verona.example'])

  expect(core.requests.map(({ method }) => method)).toEqual(expect.arrayContaining(['MESSAGE', 'INFO', 'SUBSCRIBE']))
  expect(verona.queue('mantua.example')).toBe('open, encrypted, 0 waiting')
}, 20_000)
