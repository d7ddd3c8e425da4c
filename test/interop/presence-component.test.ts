/** A telephone registered at Kamailio and a user of a component: neither has an account here, and each sees the other. */
import { afterEach, describe, expect, test } from 'vitest'
import { Baresip } from './peers/baresip.ts'
import { xmppComponent } from './peers/component.ts'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { Kamailio } from './peers/kamailio.ts'
import { freePort } from './peers/ports.ts'

const TYBALT = 'tybalt@pbx.example'
const DOMAIN = 'icq.xmpp.example'
const SECRET = 's3cret'

const ending: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

describe.skipIf(lacks('kamailio', 'kamailio-presence', 'baresip'))('a baresip at Kamailio and a user of a component', () => {
  test('see each other come and go', async () => {
    const port = await freePort()
    const gateway = await Gateway.start({
      routes: [`pbx.example = sip:127.0.0.1:${port};transport=tcp`],
      components: [{ domain: DOMAIN, secret: SECRET }],
    })
    ending.push(() => gateway.stop())
    const kamailio = await Kamailio.start(port, gateway.port('sip/tcp'), 'kamailio-presence.cfg')
    ending.push(() => kamailio.stop())
    await kamailio.rules('tybalt', { allow: [`sip:hamlet@${DOMAIN}`] })
    const component = xmppComponent({ domain: DOMAIN, secret: SECRET, port: gateway.port('xmpp'), watches: TYBALT })
    ending.push(() => component.stop())
    expect(await component.outcome()).toBe('online')

    const phone = await Baresip.start({
      ...kamailio.line('tybalt'),
      contact: `sip:hamlet@${DOMAIN}`,
      certificate: gateway.certificate,
      publishes: true,
      watches: true,
    })
    ending.push(() => phone.stop())
    await phone.registered()
    await phone.isThere(true)

    await component.sees(TYBALT, 'subscribed')
    await component.sees(TYBALT, 'available')
    // The component lets everybody see its users: the telephone asked, and sees him.
    await component.sees(TYBALT, 'subscribe')
    await phone.sees('Online')
    await phone.isThere(false)
    await component.sees(TYBALT, 'unavailable')
  }, 60_000)
})
