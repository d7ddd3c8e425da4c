/** Ten thousand rounds of everything a telephone does leave nothing behind: heap, handles, our own tables. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Caller } from '../support/caller.ts'
import { Caller as Telephone } from '../support/caller.ts'
import { talking } from '../support/calling.ts'
import { DOMAIN, PASSWORD, runningGateway } from '../support/running-gateway.ts'
import { town } from '../support/town.ts'
import { wireTo } from '../support/wires.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
  vi.useRealTimers()
})

/** One of each, in both directions. */
async function round(juliet: Caller, romeo: Caller, n: number): Promise<void> {
  const [one, other] = n % 2 === 0 ? [juliet, romeo] : [romeo, juliet]
  switch (n % 5) {
    case 0:
      expect((await one.register()).status).toBe(200)
      break
    case 1: {
      const sent = one.ask('MESSAGE', other.aor, [['Content-Type', 'text/plain']], 'Wherefore?')
      other.reply(await other.request('MESSAGE'), 200, '')
      expect((await sent).answer.status).toBeLessThan(300)
      break
    }
    case 2:
      expect((await one.ask('OPTIONS', `sip:${DOMAIN}`)).answer.status).toBe(200)
      break
    case 3: {
      const call = await one.call(other.aor)
      const rung = await other.rung()
      rung.ring()
      await call.progress(180)
      await Promise.all([call.cancel(), rung.cancelled()])
      expect((await call.refused()).status).toBe(487)
      break
    }
    default: {
      const { caller, called } = await talking(one, other)
      const [hangsUp, hears] = n % 4 < 2 ? [caller, called] : [called, caller]
      const bye = hangsUp.bye()
      await hears.hungUp()
      expect((await bye).status).toBe(200)
    }
  }
}

async function rounds(juliet: Caller, romeo: Caller, many: number): Promise<void> {
  for (let n = 0; n < many; n++) {
    await round(juliet, romeo, n)
    // What the telephones of the test would keep.
    for (const phone of [juliet, romeo]) phone.forget()
  }
}

function usage(): { readonly heap: number; readonly handles: number } {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return { heap: process.memoryUsage().heapUsed, handles: process.getActiveResourcesInfo().filter((one) => one !== 'Timeout').length }
}

const MIB = 1_048_576

describe('ten thousand rounds of REGISTER, MESSAGE, OPTIONS, INVITE with CANCEL, and INVITE with BYE', () => {
  test('leave nothing in the tables, and no more in memory than a thousand did', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const verona = await town({ stack: 'embedded', t1Ms: 5 })
    closing.push(() => verona.stop())
    const juliet = await verona.caller('juliet')
    const romeo = await verona.caller('romeo')
    // What is remembered for a while, nonces and requests that came, is forgotten by the clock, as it is asked the next time.
    const anHourLater = async () => {
      for (let times = 0; times < 2; times++) {
        vi.setSystemTime(Date.now() + 1_800_000)
        for (const phone of [juliet, romeo]) await phone.register()
        await rounds(juliet, romeo, 5)
      }
      const kept = () => Object.entries(verona.stack.load).filter(([, many]) => many > 0)
      await expect.poll(kept, { timeout: 5_000 }).toEqual([])
    }
    await rounds(juliet, romeo, 1_000)
    await anHourLater()
    const before = usage()
    await rounds(juliet, romeo, 10_000)
    await anHourLater()
    const after = usage()
    expect(after.handles).toBeLessThanOrEqual(before.handles)
    // 8,000 nonces are among it: their counts are kept as long as there is room, for 50,000 of 250 bytes.
    expect((after.heap - before.heap) / MIB).toBeLessThan(5)
    expect(verona.house.registrations.size).toBe(2)
  }, 120_000)

  test.each(['udp', 'tcp', 'ws'] as const)(
    'and of telephones that come and go, over %s, leave no socket',
    async (transport) => {
      const gateway = await runningGateway({ transports: [transport] })
      closing.push(() => gateway.stop())
      const hop = gateway.hop(transport)
      const here = async (user: string) => {
        const wire = await wireTo(hop, gateway.certificate)
        const phone = new Telephone(wire, user, DOMAIN, PASSWORD, { host: wire.host, port: wire.port, transport, gateway: hop })
        await phone.register()
        return { wire, phone }
      }
      const visit = async (many: number) => {
        for (let n = 0; n < many; n++) {
          const [juliet, romeo] = [await here('juliet'), await here('romeo')]
          await rounds(juliet.phone, romeo.phone, 50)
          for (const { phone, wire } of [juliet, romeo]) {
            await phone.register([], ';expires=0')
            wire.close()
          }
        }
        gateway.heard.facts.length = 0
      }
      const settled = async (handles: number) =>
        // A connection that the other side has closed is kept for 5 s, for the answer to what it asked last.
        expect.poll(() => usage().handles, { timeout: 10_000, interval: 200 }).toBeLessThanOrEqual(handles)
      const atFirst = usage()
      await visit(5)
      await settled(atFirst.handles)
      const before = usage()
      await visit(40)
      await settled(atFirst.handles)
      expect((usage().heap - before.heap) / MIB).toBeLessThan(8)
      expect(gateway.gateway.status().accountsWithTelephones).toBe(0)
    },
    120_000,
  )
})
