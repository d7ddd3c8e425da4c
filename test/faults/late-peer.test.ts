/** A peer that answers after 40 seconds, where Timer F gives up after 32: T1 is made shorter, the proportion is kept. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { response } from '../../src/sip/message.ts'
import { el } from '../../src/xml/element.ts'
import { calling, ROMEO } from '../support/calling.ts'
import { NS_CLIENT } from '../support/client.ts'
import { JULIET, party, verona } from '../support/routed-town.ts'
import { condition, message } from '../support/stanzas.ts'
import { Ledger } from './ledger.ts'

const T1_MS = 10
const LATE_MS = 40 * 2 * T1_MS
const PING = el('ping', 'urn:xmpp:ping')

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

for (const transport of ['udp', 'tcp'] as const)
  test(`a next hop that is late, over ${transport}: every stanza has one error, the late answers change nothing, and what comes next goes well`, async () => {
    const at = await verona({
      stack: 'embedded',
      t1Ms: T1_MS,
      routes: [{ match: 'core.example', to: `sip:192.0.2.200;transport=${transport}`, trusted: true }],
    })
    const core = await party(at, '192.0.2.200', transport)
    const juliet = await at.client('juliet')
    const ledger = new Ledger('silence is consent')
    const late: Promise<unknown>[] = []
    core.answer = async (request) => {
      const answer = pause(LATE_MS, response(200))
      late.push(answer)
      if (request.method === 'MESSAGE') ledger.arrived(request.body.toString())
      return answer
    }
    for (let n = 0; n < 5; n++) {
      ledger.sent(`${n}`)
      juliet.send(message(`mab${n}@core.example`, `${n}`, { id: `${n}` }))
      juliet.send(el('iq', NS_CLIENT, { type: 'get', id: `q${n}`, to: `mab${n}@core.example/fairy` }, PING))
    }
    const heard: string[] = []
    for (let n = 0; n < 10; n++) {
      const error = await juliet.receive()
      expect(condition(error)).toBe('remote-server-timeout')
      heard.push(error.attr('id') ?? '')
      if (error.name === 'message') ledger.answered(error.attr('id') ?? '', false)
    }
    expect(new Set(heard).size).toBe(10)
    await Promise.all(late)
    core.answer = 200
    ledger.sent('on time')
    juliet.send(message('mab@core.example', 'on time', { id: 'on time' }))
    const requests = core.requests.length
    expect((await core.message('sip:mab@core.example', JULIET, 'back')).status).toBe(200)
    // Not a second error, nor a result for a question that was over: the next thing juliet hears is this.
    expect((await juliet.receive()).child('body')?.text()).toBe('back')
    await expect.poll(() => core.requests.slice(requests - 1).some(({ body }) => body.toString() === 'on time')).toBe(true)
    ledger.arrived('on time')
    ledger.check()
    await expect.poll(() => at.stack.load, { timeout: 3_000 }).toMatchObject({ serving: 0, waiting: 0 })
  }, 10_000)

test('a telephone that is late: the client is told once, and the telephone is reached again', async () => {
  const at = await verona({ stack: 'embedded', t1Ms: T1_MS })
  const phone = await at.phone('romeo')
  const juliet = await at.client('juliet')
  const late: Promise<unknown>[] = []
  phone.answer = () => {
    const answer = pause(LATE_MS, response(200))
    late.push(answer)
    return answer
  }
  for (let n = 0; n < 3; n++) juliet.send(message('romeo@xmpp.example', `${n}`, { id: `${n}` }))
  const told: string[] = []
  for (let n = 0; n < 3; n++) told.push(`${(await juliet.receive()).attr('id')}`)
  expect(told).toEqual(['0', '1', '2'])
  await Promise.all(late)
  phone.answer = 200
  juliet.send(message('romeo@xmpp.example', 'again', { id: 'again' }))
  while ((await phone.received()).body.toString() !== 'again');
  expect((await phone.message(JULIET, 'here')).status).toBe(200)
  expect((await juliet.receive()).child('body')?.text()).toBe('here')
}, 10_000)

test('a telephone that takes a call late: the caller has heard 408, and is not called back by a 200', async () => {
  const { verona: at, juliet, romeo } = await calling({ t1Ms: T1_MS })
  closing.push(() => at.stop())
  const call = await juliet.call(ROMEO)
  const rung = await romeo.rung()
  expect((await call.refused()).status).toBe(408)
  await pause(LATE_MS - 64 * T1_MS)
  rung.answer()
  const next = await juliet.call(ROMEO)
  await (await romeo.rung()).refuse(486)
  expect((await next.refused()).status).toBe(486)
  expect(juliet.untaken).not.toContain(200)
}, 10_000)
