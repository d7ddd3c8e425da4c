/** A name of DNS whose first target is dead (RFC 3263 §4.3): the second one has the message in time, and the first its place again when it is back. */
import { afterEach, expect, test, vi } from 'vitest'
import { NodeDns } from '../../src/sip/locate/dns.ts'
import { LOCATE_DEFAULTS } from '../../src/sip/locate/limits.ts'
import { response } from '../../src/sip/message.ts'
import { a, DnsServer, srv } from '../support/dns-server.ts'
import type { NextHopParty } from '../support/next-hop.ts'
import { JULIET, party, verona } from '../support/routed-town.ts'
import { message } from '../support/stanzas.ts'
import { Ledger } from './ledger.ts'

const [FIRST, SECOND] = ['192.0.2.200', '192.0.2.201']
const T1_MS = 10

afterEach(() => {
  vi.useRealTimers()
})

const texts = (hop: NextHopParty) => hop.requests.map(({ body }) => body.toString())

for (const transport of ['udp', 'tcp'] as const)
  test(`over ${transport}: nothing is lost or refused, only the first messages wait, and the dead one heals`, async () => {
    // The clock of lists and caches; timers run as they do.
    vi.useFakeTimers({ toFake: ['Date'] })
    const dns = await DnsServer.start({
      [`SRV _sip._${transport}.core.example`]: [srv(10, 0, 5_060, 'one.core.example'), srv(20, 0, 5_060, 'two.core.example')],
      'A one.core.example': [a(FIRST)],
      'A two.core.example': [a(SECOND)],
    })
    try {
      const at = await verona({
        stack: 'embedded',
        t1Ms: T1_MS,
        dns: new NodeDns([dns.address]),
        routes: [`core.example = sip:core.example;transport=${transport}`],
      })
      const second = await party(at, SECOND, transport)
      const juliet = await at.client('juliet')
      const ledger = new Ledger('silence is consent')
      const arriving = (hop: NextHopParty) => {
        hop.answer = ({ body }) => {
          ledger.arrived(body.toString())
          return response(200)
        }
      }
      arriving(second)
      const say = (text: string, to = 'mab') => {
        ledger.sent(text)
        juliet.send(message(`${to}@core.example`, text, { id: text }))
      }
      const begun = performance.now()
      for (let n = 0; n < 5; n++) say(`${n}`, `mab${n}`)
      await ledger.settled()
      // One Timer F for all of them together, not one for each.
      expect(performance.now() - begun).toBeLessThan(2 * 64 * T1_MS + 500)
      const after = performance.now()
      for (let n = 5; n < 50; n++) say(`${n}`, `mab${n % 7}`)
      await ledger.settled()
      expect(performance.now() - after).toBeLessThan(64 * T1_MS)
      expect((await second.message('sip:mab@core.example', JULIET, 'from the second')).status).toBe(200)
      expect((await juliet.receive()).child('body')?.text()).toBe('from the second')

      const first = await party(at, FIRST, transport)
      arriving(first)
      say('still the second')
      await ledger.settled()
      expect(texts(first)).toEqual([])
      vi.setSystemTime(Date.now() + (LOCATE_DEFAULTS.silentSeconds + 1) * 1_000)
      say('the first again')
      await ledger.settled()
      expect(texts(first)).toEqual(['the first again'])
      expect((await first.message('sip:mab@core.example', JULIET, 'from the first')).status).toBe(200)
      expect((await juliet.receive()).child('body')?.text()).toBe('from the first')

      await first.stop()
      vi.setSystemTime(Date.now() + 1_000)
      say('and it is dead again')
      await ledger.settled()
      ledger.check()
      expect([ledger.refused, ledger.arrivals]).toEqual([0, ledger.size])
    } finally {
      await dns.stop()
    }
  }, 15_000)
