/** Telephones registered here as presence programs nobody here wrote: they watch our users by their account's roster, and are seen as one more device of it. */
import { afterEach, describe, test } from 'vitest'
import { Baresip } from './peers/baresip.ts'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { Linphonec } from './peers/linphonec.ts'
import { Profanity } from './peers/profanity.ts'
import { slixmpp } from './peers/slixmpp.ts'
import type { XmppPeer } from './peers/xmpp-peer.ts'

const ROMEO = 'romeo@xmpp.example'
const JULIET = 'juliet@xmpp.example'

const ending: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

async function house(): Promise<Gateway> {
  const gateway = await Gateway.start()
  ending.push(() => gateway.stop())
  await gateway.add('juliet', 'romeo')
  return gateway
}

async function client(gateway: Gateway, user: string, resource = 'balcony'): Promise<XmppPeer> {
  const peer = slixmpp({ ...gateway.login(user, resource), roster: true })
  ending.push(() => peer.leave())
  await peer.online()
  return peer
}

const phones = {
  baresip: (gateway: Gateway, transport: 'udp' | 'tcp') =>
    Baresip.start({
      ...gateway.line('romeo', transport),
      contact: `sip:${JULIET}`,
      certificate: gateway.certificate,
      publishes: true,
      watches: true,
    }),
  linphonec: (gateway: Gateway, transport: 'udp' | 'tcp') =>
    Linphonec.start({ ...gateway.line('romeo', transport), contact: `sip:${JULIET}`, publishes: true, watches: true }),
} as const

async function telephone<Make extends keyof typeof phones>(
  make: Make,
  gateway: Gateway,
  transport: 'udp' | 'tcp' = 'udp',
): Promise<Awaited<ReturnType<(typeof phones)[Make]>>> {
  const phone = (await phones[make](gateway, transport)) as Awaited<ReturnType<(typeof phones)[Make]>>
  ending.push(() => phone.stop())
  await phone.registered()
  if (phone instanceof Baresip) await phone.isThere(true)
  return phone
}

/** Each has the other in the list of contacts. */
async function befriended(juliet: XmppPeer, romeo: XmppPeer): Promise<void> {
  juliet.shows({ to: ROMEO, type: 'subscribe' })
  await romeo.sees(JULIET, 'subscribe')
  romeo.shows({ to: JULIET, type: 'subscribed' })
  romeo.shows({ to: JULIET, type: 'subscribe' })
  await juliet.sees(ROMEO, 'subscribe')
  juliet.shows({ to: ROMEO, type: 'subscribed' })
  await juliet.lists(ROMEO, 'both')
  await romeo.lists(JULIET, 'both')
}

describe.skipIf(lacks('slixmpp'))('a telephone of romeo’s watches juliet', () => {
  for (const make of ['baresip', 'linphonec'] as const)
    for (const transport of ['udp', 'tcp'] as const)
      test.skipIf(lacks(make))(`${make} asks in his name and waits for her yes, over ${transport}`, async () => {
        const gateway = await house()
        const juliet = await client(gateway, 'juliet')
        const phone = await telephone(make, gateway, transport)
        await juliet.sees(ROMEO, 'subscribe')
        juliet.shows({ to: ROMEO, type: 'subscribed' })
        await phone.sees('Online')
        juliet.shows({ show: 'dnd', text: 'The nurse is here' })
        await phone.sees('Busy')
        await juliet.leave()
        await phone.sees('Offline')
      })

  for (const make of ['baresip', 'linphonec'] as const)
    test.skipIf(lacks(make))(`${make} hears her no`, async () => {
      const gateway = await house()
      const juliet = await client(gateway, 'juliet')
      const phone = await telephone(make, gateway)
      await juliet.sees(ROMEO, 'subscribe')
      juliet.shows({ to: ROMEO, type: 'unsubscribed' })
      await phone.isRejected()
    })

  test.skipIf(lacks('baresip'))('it sees her at once where he does, and its going costs him nothing', async () => {
    const gateway = await house()
    const juliet = await client(gateway, 'juliet')
    const romeo = await client(gateway, 'romeo', 'orchard')
    await befriended(juliet, romeo)
    const phone = await telephone('baresip', gateway)
    await phone.sees('Online')
    await phone.stop()
    juliet.shows({ show: 'away' })
    await romeo.sees(JULIET, 'away')
    juliet.shows({ to: ROMEO, type: 'unsubscribed' })
    await romeo.lists(JULIET, 'from')
  })

  test.skipIf(lacks('baresip', 'profanity'))('she reads in profanity who asks, and lets it see her', async () => {
    const gateway = await house()
    const juliet = await Profanity.start(gateway.login('juliet', 'balcony'))
    ending.push(() => juliet.stop())
    await juliet.online()
    const phone = await telephone('baresip', gateway)
    await juliet.screen(`Received authorization request from ${ROMEO}`)
    await juliet.command(`/sub allow ${ROMEO}`)
    await phone.sees('Online')
  })
})
