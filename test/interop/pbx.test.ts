/** In front of a PBX nobody here wrote: our domain's accounts are its extensions, with telephones beside the clients. */
import { afterEach, describe, expect, test } from 'vitest'
import { Baresip } from './peers/baresip.ts'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { Kamailio } from './peers/kamailio.ts'
import { Linphonec } from './peers/linphonec.ts'
import type { Phone } from './peers/phone.ts'
import { freePort } from './peers/ports.ts'
import { slixmpp } from './peers/slixmpp.ts'
import { xmppClient } from './peers/xmpp-client.ts'
import type { XmppPeer } from './peers/xmpp-peer.ts'

const JULIET = 'juliet@xmpp.example'
const ROMEO = 'romeo@xmpp.example'

const ending: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

type Transport = 'udp' | 'tcp' | 'tls'
const TRANSPORTS = ['udp', 'tcp', ...(lacks('kamailio-tls') ? [] : (['tls'] as const))] as const

async function joined(transport: Transport): Promise<{ gateway: Gateway; kamailio: Kamailio }> {
  const port = await freePort(2)
  const isSecure = transport === 'tls'
  const kamailio = await Kamailio.start(port, 0, 'kamailio-extensions.cfg', isSecure)
  ending.push(() => kamailio.stop())
  const gateway = await Gateway.start({
    pbx: `sip:127.0.0.1:${isSecure ? port + 1 : port};transport=${transport}`,
    trustedCertificates: isSecure ? [kamailio.certificate] : [],
    t1: '50ms',
  })
  ending.push(() => gateway.stop())
  for (const user of ['juliet', 'romeo', 'nurse']) gateway.hasElsewhere(user, `${user}-s3cret`)
  return { gateway, kamailio }
}

async function client(gateway: Gateway, user: string, resource: string, make = xmppClient): Promise<XmppPeer> {
  const peer = make(gateway.login(user, resource))
  ending.push(() => peer.leave())
  await peer.online()
  return peer
}

async function telephone(phone: Promise<Phone>): Promise<Phone> {
  const started = await phone
  ending.push(() => started.stop())
  await started.registered()
  return started
}

const baresip = (gateway: Gateway, kamailio: Kamailio, user: string, transport: Transport = 'udp') =>
  telephone(Baresip.start({ ...kamailio.extension(user, transport), contact: `sip:${JULIET}`, certificate: gateway.certificate }))

const timesHeard = (peer: XmppPeer, text: string): number => peer.events.all.filter(({ body }) => body === text).length

describe.skipIf(lacks('kamailio'))('in front of Kamailio', () => {
  for (const transport of TRANSPORTS) {
    test.skipIf(lacks('baresip'))(`two clients and a telephone talk, over ${transport}`, async () => {
      const { gateway, kamailio } = await joined(transport)
      const juliet = await client(gateway, 'juliet', 'balcony')
      const nurse = await client(gateway, 'nurse', 'chamber')
      const phone = await baresip(gateway, kamailio, 'romeo', transport === 'tls' ? 'tls' : 'udp')
      juliet.say(ROMEO, 'Romeo — Καλημέρα')
      expect(await phone.hears('Romeo — Καλημέρα')).toContain(JULIET)
      expect(await phone.say('My dear?')).toMatchObject({ status: 200 })
      expect((await juliet.hears('My dear?')).from).toMatch(/^romeo@xmpp\.example/)
      juliet.say('nurse@xmpp.example', 'By and by, I come')
      expect((await nurse.hears('By and by, I come')).from).toMatch(/^juliet@xmpp\.example/)
      nurse.say(JULIET, 'Madam!')
      expect((await juliet.hears('Madam!')).from).toMatch(/^nurse@xmpp\.example/)
    })

    test.skipIf(lacks('baresip'))(`two clients and a telephone of one extension show each message once, over ${transport}`, async () => {
      const { gateway, kamailio } = await joined(transport)
      const juliet = await client(gateway, 'juliet', 'balcony')
      const clients = [await client(gateway, 'romeo', 'orchard'), await client(gateway, 'romeo', 'street')]
      const phone = await baresip(gateway, kamailio, 'romeo', transport)
      const texts = ['one', 'two', 'three', 'the last']
      for (const text of texts) juliet.say(ROMEO, text)
      for (const each of clients) for (const text of texts) await each.hears(text)
      for (const text of texts) await phone.hears(text)
      for (const each of clients) expect(texts.map((text) => timesHeard(each, text))).toEqual([1, 1, 1, 1])
      await expect(phone.hears('the last', 300)).rejects.toThrow()
    })
  }

  test.skipIf(lacks('linphonec', 'slixmpp'))('linphonec and slixmpp talk', async () => {
    const { gateway, kamailio } = await joined('udp')
    const juliet = await client(gateway, 'juliet', 'balcony', slixmpp)
    const phone = await telephone(Linphonec.start({ ...kamailio.extension('romeo'), contact: `sip:${JULIET}` }))
    juliet.say(ROMEO, 'What o’clock tomorrow?')
    expect(await phone.hears('What o’clock tomorrow?')).toContain(JULIET)
    expect(await phone.say('By the hour of nine')).toMatchObject({ status: 200 })
    await juliet.hears('By the hour of nine')
  })

  test('with stored passwords SCRAM is offered, and Kamailio has the extension’s own', async () => {
    const port = await freePort(2)
    const kamailio = await Kamailio.start(port, 0, 'kamailio-extensions.cfg')
    ending.push(() => kamailio.stop())
    const gateway = await Gateway.start({ pbx: `sip:127.0.0.1:${port};transport=tcp`, storesPasswords: true, t1: '50ms' })
    ending.push(() => gateway.stop())
    await gateway.add('juliet')
    await gateway.addWithPassword('romeo', 'another')
    await gateway.hasAtPbx('romeo', 'romeo-s3cret')
    const romeo = await client(gateway, 'romeo', 'orchard')
    const juliet = xmppClient(gateway.login('juliet', 'balcony'))
    ending.push(() => juliet.leave())
    expect((await juliet.online()).mechanism).toMatch(/^SCRAM-/)
    await Promise.all([kamailio.hasRegistered('juliet'), kamailio.hasRegistered('romeo')])
    juliet.say(ROMEO, 'Sweet, good night')
    await romeo.hears('Sweet, good night')
    expect(await gateway.log()).not.toMatch(/s3cret|another/)
  })

  test('only PLAIN is offered, and only who has the extension’s password is let in', async () => {
    const { gateway } = await joined('udp')
    const juliet = xmppClient(gateway.login('juliet', 'balcony'))
    ending.push(() => juliet.leave())
    expect((await juliet.online()).mechanism).toBe('PLAIN')
    const stranger = xmppClient({ ...gateway.login('juliet', 'street'), password: 'wherefore' })
    ending.push(() => stranger.leave())
    await expect(stranger.online()).rejects.toThrow(/not-authorized/)
    const nobody = xmppClient({ ...gateway.login('juliet', 'street'), jid: 'mercutio@xmpp.example' })
    ending.push(() => nobody.leave())
    await expect(nobody.online()).rejects.toThrow(/not-authorized/)
    expect(await gateway.log()).not.toMatch(/s3cret|wherefore/)
  })

  test('an extension that nobody is at, and one that nobody has, come back as such', async () => {
    const { gateway } = await joined('tcp')
    const juliet = await client(gateway, 'juliet', 'balcony')
    expect(await juliet.refusal(juliet.say('tybalt@xmpp.example', 'There?'))).toMatchObject({ condition: 'recipient-unavailable' })
    expect(await juliet.refusal(juliet.say('mercutio@xmpp.example', 'There?'))).toMatchObject({ condition: 'item-not-found' })
  })

  for (const [transport, condition] of [
    ['tcp', 'remote-server-not-found'],
    ['udp', 'remote-server-timeout'],
    ['tls', 'remote-server-not-found'],
  ] as const)
    test.skipIf(transport === 'tls' && lacks('kamailio-tls'))(
      `stopped, every message comes back with the reason; started again, all goes on by itself, over ${transport}`,
      async () => {
        const { gateway, kamailio } = await joined(transport)
        const juliet = await client(gateway, 'juliet', 'balcony')
        const romeo = await client(gateway, 'romeo', 'orchard')
        await kamailio.halt()
        const away = [juliet.say(ROMEO, 'Art thou gone so?'), juliet.say(ROMEO, 'Love, lord?')]
        for (const id of away) expect(await juliet.refusal(id)).toMatchObject({ condition })
        await kamailio.begin()
        // Registered again as soon as Kamailio answers, without anybody having done anything.
        await Promise.all([kamailio.hasRegistered('juliet'), kamailio.hasRegistered('romeo')])
        juliet.say(ROMEO, 'I must hear from thee')
        await romeo.hears('I must hear from thee')
        romeo.say(JULIET, 'Farewell!')
        await juliet.hears('Farewell!')
      },
    )
})
