/** A client asks telephones that nobody here wrote: the gateway answers for them, of what they say of themselves. */
import { afterEach, describe, expect, test } from 'vitest'
import { Baresip } from './peers/baresip.ts'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { Kamailio } from './peers/kamailio.ts'
import { Linphonec } from './peers/linphonec.ts'
import { freePort } from './peers/ports.ts'
import { slixmpp } from './peers/slixmpp.ts'
import type { XmppPeer } from './peers/xmpp-peer.ts'

const DISCO = 'http://jabber.org/protocol/disco#info'
const ROMEO = 'romeo@xmpp.example'
const JULIET = 'juliet@xmpp.example'
const TYBALT = 'tybalt@pbx.example'

const ending: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

async function client(gateway: Gateway, user: string): Promise<XmppPeer> {
  const peer = slixmpp({ ...gateway.login(user, 'balcony'), roster: true })
  ending.push(() => peer.leave())
  await peer.online()
  return peer
}

const phones = {
  baresip: (gateway: Gateway) => Baresip.start({ ...gateway.line('romeo'), contact: `sip:${JULIET}`, certificate: gateway.certificate }),
  linphonec: (gateway: Gateway) => Linphonec.start({ ...gateway.line('romeo'), contact: `sip:${JULIET}` }),
} as const

/** The one telephone of romeo's account, which is available as long as it is registered. */
async function telephoneOf(romeo: XmppPeer): Promise<string> {
  const isIt = (from = ''): boolean => from.startsWith(`${ROMEO}/`) && from !== romeo.jid
  const { from } = await romeo.events.take('the presence of the telephone', ({ event, from }) => event === 'presence' && isIt(from))
  return from ?? ''
}

describe.skipIf(lacks('slixmpp'))('romeo asks his own telephone', () => {
  for (const [make, product] of [
    ['baresip', /^baresip$/],
    ['linphonec', /^Linphone/],
  ] as const)
    test.skipIf(lacks(make))(`${make} is a phone, answers pings, and says which software it is`, async () => {
      const gateway = await Gateway.start()
      ending.push(() => gateway.stop())
      await gateway.add('romeo')
      const phone = await phones[make](gateway)
      ending.push(() => phone.stop())
      await phone.registered()
      const romeo = await client(gateway, 'romeo')
      const telephone = await telephoneOf(romeo)
      const info = await romeo.iq(telephone, DISCO, 'query')
      expect(info.condition ?? Object.keys(info.children ?? {})).toContain('identity')
      expect(await romeo.iq(telephone, 'urn:xmpp:ping', 'ping')).toMatchObject({ from: telephone, children: {} })
      const version = await romeo.version(telephone)
      expect(version.name).toMatch(product)
      expect(version.version).toMatch(/^\d+\.\d+/)
      expect(await romeo.iq(telephone, 'urn:example:question', 'question')).toMatchObject({ condition: 'service-unavailable' })
      await phone.stop()
      // baresip says that it goes; linphonec does not, and is found to be silent.
      const gone = await romeo.iq(telephone, 'urn:xmpp:ping', 'ping', 20_000)
      expect(gone.condition).toMatch(/^(?:service-unavailable|recipient-unavailable|remote-server-timeout)$/)
    })
})

describe.skipIf(lacks('slixmpp', 'baresip', 'kamailio', 'kamailio-presence'))('juliet asks a telephone behind Kamailio', () => {
  test('when it lets her see it, and not before', async () => {
    const port = await freePort()
    const gateway = await Gateway.start({ routes: [`pbx.example = sip:127.0.0.1:${port};transport=tcp`] })
    ending.push(() => gateway.stop())
    await gateway.add('juliet')
    const kamailio = await Kamailio.start(port, gateway.port('sip/tcp'), 'kamailio-presence.cfg')
    ending.push(() => kamailio.stop())
    const phone = await Baresip.start({
      ...kamailio.line('tybalt'),
      contact: `sip:${JULIET}`,
      certificate: gateway.certificate,
      publishes: true,
    })
    ending.push(() => phone.stop())
    await phone.registered()
    await phone.isThere(true)
    const juliet = await client(gateway, 'juliet')
    expect(await juliet.iq(TYBALT, 'urn:xmpp:ping', 'ping')).toMatchObject({ condition: 'service-unavailable' })
    await kamailio.rules('tybalt', { allow: [`sip:${JULIET}`] })
    juliet.shows({ to: TYBALT, type: 'subscribe' })
    await juliet.sees(TYBALT, 'available')
    expect(await juliet.iq(TYBALT, 'urn:xmpp:ping', 'ping')).toMatchObject({ from: TYBALT, children: {} })
    expect((await juliet.version(TYBALT)).name).toMatch(/baresip/)
    await phone.stop()
    expect((await juliet.iq(TYBALT, 'urn:xmpp:ping', 'ping')).condition).toMatch(/^(?:item-not-found|recipient-unavailable)$/)
  })
})
