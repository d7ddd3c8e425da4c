/** A PBX nobody here wrote, behind a route: its telephones and our clients talk, and everything of ours may pass through it. */
import { afterEach, describe, expect, test } from 'vitest'
import { Baresip } from './peers/baresip.ts'
import { Gateway, type GatewaySettings } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { Kamailio } from './peers/kamailio.ts'
import { Linphonec } from './peers/linphonec.ts'
import { freePort } from './peers/ports.ts'
import { xmppClient } from './peers/xmpp-client.ts'
import type { XmppPeer } from './peers/xmpp-peer.ts'

const ending: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

type Routes = NonNullable<GatewaySettings['routes']>

async function joined(routes: (pbx: string) => Routes): Promise<{ gateway: Gateway; kamailio: Kamailio }> {
  const port = await freePort()
  const gateway = await Gateway.start({ routes: routes(`sip:127.0.0.1:${port}`), t1: '50ms' })
  ending.push(() => gateway.stop())
  await gateway.add('juliet', 'romeo')
  const kamailio = await Kamailio.start(port, gateway.port('sip/tcp'))
  ending.push(() => kamailio.stop())
  return { gateway, kamailio }
}

async function client(gateway: Gateway, user: string, resource: string): Promise<XmppPeer> {
  const peer = xmppClient(gateway.login(user, resource))
  ending.push(() => peer.leave())
  await peer.online()
  return peer
}

describe.skipIf(lacks('kamailio'))('behind a route to Kamailio', () => {
  for (const transport of ['udp', 'tcp'] as const)
    test.skipIf(lacks('baresip'))(`baresip hears juliet and answers her, over ${transport}`, async () => {
      const { gateway, kamailio } = await joined((pbx) => [`pbx.example = ${pbx};transport=${transport}`])
      const phone = await Baresip.start({
        ...kamailio.line('tybalt'),
        contact: 'sip:juliet@xmpp.example',
        certificate: gateway.certificate,
      })
      ending.push(() => phone.stop())
      await phone.registered()
      const juliet = await client(gateway, 'juliet', 'balcony')
      juliet.say('tybalt@pbx.example', 'Good Tybalt — Καλημέρα')
      expect(await phone.hears('Good Tybalt — Καλημέρα')).toMatch(/juliet@xmpp\.example/)
      expect(await phone.say('What, drawn, and talk of peace?')).toMatchObject({ status: 200 })
      expect((await juliet.hears('What, drawn, and talk of peace?')).from).toMatch(/^tybalt@pbx\.example/)
    })

  test.skipIf(lacks('linphonec'))('linphonec is reached by its old name, too', async () => {
    const { gateway, kamailio } = await joined((pbx) => ['old.example = pbx.example', `pbx.example = ${pbx};transport=tcp`])
    const phone = await Linphonec.start({ ...kamailio.line('tybalt'), contact: 'sip:juliet@xmpp.example' })
    ending.push(() => phone.stop())
    await phone.registered()
    const juliet = await client(gateway, 'juliet', 'balcony')
    juliet.say('tybalt@old.example', 'To the old name')
    expect(await phone.hears('To the old name')).toMatch(/juliet@xmpp\.example/)
  })

  test('what everybody of ours says goes through it and arrives once, questions too', async () => {
    const { gateway } = await joined((pbx) => [{ match: '*', to: `${pbx};transport=tcp`, trusted: true }])
    const juliet = await client(gateway, 'juliet', 'balcony')
    const romeo = await client(gateway, 'romeo', 'orchard')
    juliet.say('romeo@xmpp.example/orchard', 'By whose direction found’st thou out this place?')
    expect((await romeo.hears('By whose direction found’st thou out this place?')).from).toBe('juliet@xmpp.example/balcony')
    const answered = romeo.question(juliet.jid)
    juliet.answer(await juliet.asked(), 'by love')
    expect(await answered).toBe('by love')
    expect(await gateway.log()).not.toMatch(/hop_unreachable|hop_failed/)
  })

  test('that is stopped and started again costs the messages of that time, each with its error, and nothing after it', async () => {
    const { gateway, kamailio } = await joined((pbx) => [{ match: 'romeo@xmpp.example', to: `${pbx};transport=tcp`, trusted: true }])
    const juliet = await client(gateway, 'juliet', 'balcony')
    const romeo = await client(gateway, 'romeo', 'orchard')
    juliet.say('romeo@xmpp.example', 'Before')
    await romeo.hears('Before')
    await kamailio.halt()
    const id = juliet.say('romeo@xmpp.example', 'While it is away')
    expect(await juliet.refusal(id)).toMatchObject({ condition: 'remote-server-not-found' })
    await kamailio.begin()
    juliet.say('romeo@xmpp.example', 'After')
    await romeo.hears('After')
  })
})
