/** Kamailio, which stands between our clients and a telephone, stopped and started again while both talk without a pause. */
import { afterEach, describe, expect, test } from 'vitest'
import { silent } from '../../src/log/log.ts'
import { embeddedStack } from '../../src/sip/embedded/stack.ts'
import { response } from '../../src/sip/message.ts'
import { NoResponseError } from '../../src/sip/port.ts'
import { Gateway } from '../interop/peers/gateway.ts'
import { lacks } from '../interop/peers/installed.ts'
import { Kamailio } from '../interop/peers/kamailio.ts'
import { freePort } from '../interop/peers/ports.ts'
import { xmppClient } from '../interop/peers/xmpp-client.ts'
import { Phone } from '../support/phone.ts'
import { Ledger, SteadyLoad } from './ledger.ts'

const T1_MS = 50
const TYBALT = 'tybalt@pbx.example'
const EVERY_MS = 20

const ending: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

describe.skipIf(lacks('kamailio'))('Kamailio stopped under load', () => {
  test.each(['udp', 'tcp'] as const)(
    'and started again, over %s: each message arrives or comes back, and what was acknowledged is there',
    async (transport) => {
      const port = await freePort()
      const gateway = await Gateway.start({ routes: [`pbx.example = sip:127.0.0.1:${port};transport=${transport}`], t1: `${T1_MS}ms` })
      ending.push(() => gateway.stop())
      await gateway.add('juliet')
      const kamailio = await Kamailio.start(port, gateway.port('sip/tcp'))
      ending.push(() => kamailio.stop())
      const juliet = xmppClient(gateway.login('juliet', 'balcony'))
      ending.push(() => juliet.leave())
      await juliet.online()
      const listener = { transport, port: 0, address: '127.0.0.1' } as const
      const phone = await Phone.on(embeddedStack({ listeners: [listener], timers: { t1Ms: T1_MS } }, silent), {
        user: 'tybalt',
        domain: 'pbx.example',
        proxy: { transport, host: '127.0.0.1', port },
      })
      ending.push(() => phone.stop())
      await phone.register()

      const [out, back] = [new Ledger('silence is consent'), new Ledger('each is answered')]
      phone.answer = ({ body }) => {
        out.arrived(body.toString())
        return response(200)
      }
      const texts = new Map<string, string>()
      juliet.events.listen(({ event, type, id = '', body }) => {
        if (event !== 'message') return
        if (type === 'error') out.answered(texts.get(id) ?? id, false)
        else back.arrived(body ?? '')
      })
      const noted = async (text: string): Promise<void> => {
        back.sent(text)
        try {
          back.answered(text, (await phone.message('sip:juliet@xmpp.example', text)).status < 300)
        } catch (cause) {
          if (!(cause instanceof NoResponseError)) throw cause
          back.answered(text, false)
        }
      }
      const running: Promise<void>[] = []
      const load = new SteadyLoad(EVERY_MS, (n) => {
        out.sent(`out ${n}`)
        texts.set(juliet.say(TYBALT, `out ${n}`), `out ${n}`)
        running.push(noted(`back ${n}`))
      })
      ending.push(async () => load.stop())
      const both = (more: number) => {
        const goals = [out.arrivals + more, back.arrivals + more] as const
        return Promise.all([out.until(() => out.arrivals >= goals[0]), back.until(() => back.arrivals >= goals[1])])
      }
      for (let times = 0; times < 2; times++) {
        await both(40)
        await kamailio.halt()
        const refused = [out.refused, back.refused] as const
        await Promise.all([out.until(() => out.refused >= refused[0] + 20), back.until(() => back.refused >= refused[1] + 20)])
        await kamailio.begin()
        // It has forgotten everybody.
        await phone.register()
        await both(40)
      }
      load.stop()
      await Promise.all(running)
      await out.settled()
      out.check()
      back.check()
      expect(out.size).toBe(back.size)
    },
    120_000,
  )
})
