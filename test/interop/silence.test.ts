/** Telephones that never answer: Timer F (RFC 3261 §17.1.2.2), and nobody else waits for them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { freePort } from './peers/ports.ts'
import { registerBySipp, Sipp } from './peers/sipp.ts'
import { slixmpp } from './peers/slixmpp.ts'
import { xmppClient } from './peers/xmpp-client.ts'
import type { XmppPeer } from './peers/xmpp-peer.ts'

/** T1, Timer F (64 times T1), and the time by which everything must be back, all in milliseconds. */
const RUNS = [
  { t1: 50, timerF: 3_200, back: 5_200 },
  // As it is by default: the limit is the one that the users were promised.
  { t1: 500, timerF: 32_000, back: 35_000 },
] as const
const ANSWERED_AT_ONCE_MS = 1_000

for (const { t1, timerF, back } of RUNS) {
  describe.skipIf(lacks('sipp', 'slixmpp'))(`with T1 at ${t1} ms`, () => {
    let gateway: Gateway
    let juliet: XmppPeer
    let romeo: XmppPeer
    let silent: Sipp
    let lively: Sipp

    beforeAll(async () => {
      gateway = await Gateway.start({ t1: `${t1}ms` })
      await gateway.add('juliet', 'romeo', 'mercutio', 'nurse')
      juliet = slixmpp(gateway.login('juliet', 'balcony'))
      romeo = xmppClient(gateway.login('romeo', 'orchard'))
      await Promise.all([juliet.online(), romeo.online()])
      const [one, two] = [await freePort(), await freePort()]
      await registerBySipp(gateway.line('mercutio'), one)
      await registerBySipp(gateway.line('nurse'), two)
      silent = await Sipp.start('silent', { port: one, seconds: 120 })
      lively = await Sipp.start('answer-message', { port: two, seconds: 120 })
    })
    afterAll(async () => {
      await Promise.all([juliet?.leave(), romeo?.leave(), silent?.stop(), lively?.stop()])
      await gateway?.stop()
    })

    test('fifty messages to a silent telephone all come back as remote-server-timeout, in order, when Timer F ends; meanwhile nobody else waits', {
      timeout: 90_000,
    }, async () => {
      const started = Date.now()
      const ids = Array.from({ length: 50 }, (_, index) => juliet.say('mercutio@xmpp.example', `A plague o’ both your houses ${index}`))
      await silent.trace.request('MESSAGE')

      // The same sender to others, another sender to the same telephone's neighbours, and iqs.
      const asked = Date.now()
      juliet.say('romeo@xmpp.example', 'Dost thou hear me at once?')
      juliet.say('nurse@xmpp.example', 'And thou, nurse?')
      romeo.say('juliet@xmpp.example', 'I do')
      romeo.say('nurse@xmpp.example', 'Nurse!')
      await Promise.all([
        romeo.hears('Dost thou hear me at once?'),
        juliet.hears('I do'),
        lively.trace.messages.take('juliet’s message', ({ text }) => text.includes('And thou, nurse?')),
        lively.trace.messages.take('romeo’s message', ({ text }) => text.includes('Nurse!')),
        juliet.version('romeo@xmpp.example/orchard'),
        romeo.version('juliet@xmpp.example/balcony'),
      ])
      expect(Date.now() - asked).toBeLessThan(ANSWERED_AT_ONCE_MS)
      expect(juliet.events.untaken(({ type }) => type === 'error')).toEqual([])

      const refusals = []
      for (const _ of ids) refusals.push(await juliet.message('a refusal', ({ type }) => type === 'error', back))
      const took = Date.now() - started
      expect(refusals.map(({ id }) => id)).toEqual(ids)
      for (const refusal of refusals) expect(refusal).toMatchObject({ condition: 'remote-server-timeout', errorType: 'wait' })
      expect(took).toBeGreaterThanOrEqual(timerF)
      expect(took).toBeLessThan(back)

      // One outstanding MESSAGE for one contact (RFC 3428 §8): those behind the first were never sent.
      const sent = silent.trace.messages.all.filter(({ method, status }) => method === 'MESSAGE' && status === 0)
      expect(new Set(sent.map(({ text }) => /^Call-ID: .*/im.exec(text)?.[0])).size).toBe(1)
      // It was repeated (Timer E); SIPp writes the last repeats down too late to be counted.
      expect(sent.length).toBeGreaterThan(3)
    })
  })
}
