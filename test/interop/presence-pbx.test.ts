/** A presence server nobody here wrote, behind a route: its telephones and our clients watch each other, each by the rules of its own side. */
import { afterEach, describe, test } from 'vitest'
import { Baresip } from './peers/baresip.ts'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { Kamailio } from './peers/kamailio.ts'
import { Linphonec } from './peers/linphonec.ts'
import { freePort } from './peers/ports.ts'
import { Profanity } from './peers/profanity.ts'
import { slixmpp } from './peers/slixmpp.ts'
import type { XmppPeer } from './peers/xmpp-peer.ts'

const TYBALT = 'tybalt@pbx.example'
const JULIET = 'juliet@xmpp.example'

const ending: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

interface Joined {
  readonly gateway: Gateway
  readonly kamailio: Kamailio
}

async function joined(transport: 'udp' | 'tcp'): Promise<Joined> {
  const port = await freePort()
  const gateway = await Gateway.start({ routes: [`pbx.example = sip:127.0.0.1:${port};transport=${transport}`] })
  ending.push(() => gateway.stop())
  await gateway.add('juliet')
  const kamailio = await Kamailio.start(port, gateway.port('sip/tcp'), 'kamailio-presence.cfg')
  ending.push(() => kamailio.stop())
  return { gateway, kamailio }
}

async function client(gateway: Gateway, resource: string): Promise<XmppPeer> {
  const peer = slixmpp({ ...gateway.login('juliet', resource), roster: true })
  ending.push(() => peer.leave())
  await peer.online()
  return peer
}

const phones = {
  baresip: (gateway: Gateway, kamailio: Kamailio, watches: boolean) =>
    Baresip.start({
      ...kamailio.line('tybalt'),
      contact: `sip:${JULIET}`,
      certificate: gateway.certificate,
      publishes: true,
      watches,
    }),
  linphonec: (_gateway: Gateway, kamailio: Kamailio, watches: boolean) =>
    Linphonec.start({ ...kamailio.line('tybalt'), contact: `sip:${JULIET}`, publishes: true, watches }),
} as const

async function telephone<Make extends keyof typeof phones>(
  make: Make,
  { gateway, kamailio }: Joined,
  watches = false,
): Promise<Awaited<ReturnType<(typeof phones)[Make]>>> {
  const phone = (await phones[make](gateway, kamailio, watches)) as Awaited<ReturnType<(typeof phones)[Make]>>
  ending.push(() => phone.stop())
  await phone.registered()
  // What it sees of others is shown by no other command.
  if (phone instanceof Baresip) await phone.isThere(true)
  return phone
}

describe.skipIf(lacks('kamailio', 'kamailio-presence', 'slixmpp'))('juliet watches a telephone behind Kamailio’s presence server', () => {
  for (const transport of ['udp', 'tcp'] as const)
    test.skipIf(lacks('baresip'))(`asks, waits, sees it come and go, and gives it up, over ${transport}`, async () => {
      const at = await joined(transport)
      const phone = await telephone('baresip', at)
      const juliet = await client(at.gateway, 'balcony')
      juliet.shows({ to: TYBALT, type: 'subscribe' })
      await at.kamailio.isAsked('tybalt')
      await at.kamailio.rules('tybalt', { allow: [`sip:${JULIET}`] })
      await juliet.sees(TYBALT, 'subscribed')
      await juliet.sees(TYBALT, 'available')
      await phone.isThere(false)
      await juliet.sees(TYBALT, 'unavailable')
      await phone.isThere(true)
      await juliet.sees(TYBALT, 'available')
      juliet.shows({ to: TYBALT, type: 'unsubscribe' })
      await juliet.sees(TYBALT, 'unavailable')
      await at.kamailio.isAsked('tybalt', 0)
      await juliet.lists(TYBALT, 'none')
    })

  test.skipIf(lacks('linphonec'))('sees a linphonec that publishes its presence', async () => {
    const at = await joined('udp')
    await at.kamailio.rules('tybalt', { allow: [`sip:${JULIET}`] })
    await telephone('linphonec', at)
    const juliet = await client(at.gateway, 'balcony')
    juliet.shows({ to: TYBALT, type: 'subscribe' })
    await juliet.lists(TYBALT, 'to')
    await juliet.sees(TYBALT, 'available')
  })

  test.skipIf(lacks('baresip', 'profanity'))('reads all of it in profanity', async () => {
    const at = await joined('udp')
    await at.kamailio.rules('tybalt', { allow: [`sip:${JULIET}`] })
    const phone = await telephone('baresip', at)
    const juliet = await Profanity.start(at.gateway.login('juliet', 'balcony'))
    ending.push(() => juliet.stop())
    await juliet.online()
    await juliet.command(`/sub request ${TYBALT}`)
    await juliet.screen(`Subscription received from ${TYBALT}`)
    await juliet.screen(/tybalt@pbx\.example.* is online/)
    await phone.isThere(false)
    await juliet.screen(/tybalt@pbx\.example.* is offline/)
    await juliet.command(`/roster remove ${TYBALT}`)
    await at.kamailio.isAsked('tybalt', 0)
  })

  test.skipIf(lacks('baresip'))('sees it as it is when she comes back', async () => {
    const at = await joined('tcp')
    await at.kamailio.rules('tybalt', { allow: [`sip:${JULIET}`] })
    const phone = await telephone('baresip', at)
    const juliet = await client(at.gateway, 'balcony')
    juliet.shows({ to: TYBALT, type: 'subscribe' })
    await juliet.sees(TYBALT, 'available')
    await juliet.leave()
    await phone.isThere(false)
    await phone.isThere(true)
    const again = await client(at.gateway, 'garden')
    await again.sees(TYBALT, 'available')
    await phone.isThere(false)
    await again.sees(TYBALT, 'unavailable')
  })

  test('is told no, once it said yes too', async () => {
    const at = await joined('udp')
    const juliet = await client(at.gateway, 'balcony')
    await at.kamailio.rules('tybalt', { block: [`sip:${JULIET}`] })
    juliet.shows({ to: TYBALT, type: 'subscribe' })
    await juliet.lists(TYBALT, 'none ask')
    await juliet.lists(TYBALT, 'none')
    await at.kamailio.rules('tybalt', { allow: [`sip:${JULIET}`] })
    juliet.shows({ to: TYBALT, type: 'subscribe' })
    await juliet.lists(TYBALT, 'to')
    await at.kamailio.rules('tybalt', { block: [`sip:${JULIET}`] })
    await juliet.lists(TYBALT, 'none')
  })
})

describe.skipIf(lacks('kamailio', 'kamailio-presence', 'slixmpp'))('a telephone behind Kamailio watches juliet', () => {
  for (const make of ['baresip', 'linphonec'] as const)
    test.skipIf(lacks(make))(`${make} waits for her yes, and sees her come, go and come back`, async () => {
      const at = await joined('udp')
      const juliet = await client(at.gateway, 'balcony')
      const phone = await telephone(make, at, true)
      await juliet.sees(TYBALT, 'subscribe')
      juliet.shows({ to: TYBALT, type: 'subscribed' })
      await phone.sees('Online')
      juliet.shows({ show: 'dnd', text: 'The nurse is here' })
      await phone.sees('Busy')
      await juliet.leave()
      await phone.sees('Offline')
      await client(at.gateway, 'garden')
      await phone.sees('Online')
    })

  for (const make of ['baresip', 'linphonec'] as const)
    test.skipIf(lacks(make))(`${make} is told nothing any more once she has changed her mind`, async () => {
      const at = await joined('tcp')
      const juliet = await client(at.gateway, 'balcony')
      const phone = await telephone(make, at, true)
      await juliet.sees(TYBALT, 'subscribe')
      juliet.shows({ to: TYBALT, type: 'subscribed' })
      await juliet.lists(TYBALT, 'from')
      await phone.sees('Online')
      juliet.shows({ to: TYBALT, type: 'unsubscribed' })
      await juliet.lists(TYBALT, 'none')
      await phone.isRejected()
    })

  test.skipIf(lacks('baresip'))('it is told no at once where she says no', async () => {
    const at = await joined('udp')
    const juliet = await client(at.gateway, 'balcony')
    const phone = await telephone('baresip', at, true)
    await juliet.sees(TYBALT, 'subscribe')
    juliet.shows({ to: TYBALT, type: 'unsubscribed' })
    await phone.isRejected()
  })

  test.skipIf(lacks('baresip', 'profanity'))('it asks a user of profanity, who lets it see her', async () => {
    const at = await joined('udp')
    const juliet = await Profanity.start(at.gateway.login('juliet', 'balcony'))
    ending.push(() => juliet.stop())
    await juliet.online()
    const phone = await telephone('baresip', at, true)
    await juliet.screen(`Received authorization request from ${TYBALT}`)
    await juliet.command(`/sub allow ${TYBALT}`)
    await phone.sees('Online')
    await juliet.command('/status set dnd')
    await phone.sees('Busy')
  })
})
