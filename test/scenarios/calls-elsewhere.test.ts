/** Calls that go on to another place: the next hop of a route, and where a 3xx leads. */
import { afterEach, describe, expect, test } from 'vitest'
import { Caller } from '../support/caller.ts'
import { type Calling, calling, ROMEO } from '../support/calling.ts'
import { GATEWAY, type TownOptions } from '../support/town.ts'

let place: Calling | undefined
afterEach(() => place?.verona.stop())

/** A PBX on three machines, in this order. */
const THREE = {
  srv: async (name: string) => ({
    records:
      name === '_sip._udp.pbx.example' ? [1, 2, 3].map((n) => ({ priority: n, weight: 0, port: 5_060, name: `m${n}.pbx.example` })) : [],
    ttl: 60,
  }),
  naptr: async () => ({ records: [], ttl: 60 }),
  addresses: async (name: string) => ({ records: [`192.0.2.5${name[1]}`], ttl: 60 }),
}

async function town(options: TownOptions = {}) {
  place = await calling({ routes: ['pbx.example = sip:pbx.example'], dns: THREE, t1Ms: 10, ...options })
  const { network } = place.verona
  const machine = (n: number) => new Caller(network, 'tybalt', 'pbx.example', '', { host: `192.0.2.5${n}`, gateway: GATEWAY })
  return { ...place, machine }
}

const TYBALT = 'sip:tybalt@pbx.example'

describe('a route to a name with several hops', () => {
  test('a call goes to the next one where the first says nothing, and the next call begins there', async () => {
    const { juliet, machine } = await town()
    const second = machine(2)
    const call = await juliet.call(TYBALT)
    const rung = await second.rung()
    rung.answer()
    await call.answered()
    await rung.talking()
    const begun = performance.now()
    const again = await juliet.call(TYBALT)
    const next = await second.rung()
    expect(performance.now() - begun).toBeLessThan(150)
    await next.refuse(486)
    expect((await again.refused()).status).toBe(486)
  })

  test('a call goes to the next one where the first answers 503, with a branch of its own', async () => {
    const { juliet, machine } = await town()
    const [first, second] = [machine(1), machine(2)]
    const call = await juliet.call(TYBALT)
    const overloaded = await first.rung()
    await overloaded.refuse(503, [['Retry-After', '60']])
    const rung = await second.rung()
    expect(rung.invite.headers.values('Via')[0]).not.toBe(overloaded.invite.headers.values('Via')[0])
    rung.answer()
    await call.answered()
  })

  test('who has begun to ring is not left for another, and a refusal ends the search', async () => {
    const { juliet, machine } = await town({ limits: { ringingMs: 500 } })
    const [first, second] = [machine(1), machine(2)]
    const call = await juliet.call(TYBALT)
    const rung = await first.rung()
    rung.ring()
    await call.progress(180)
    await new Promise((resolve) => setTimeout(resolve, 250))
    await rung.refuse(603)
    expect((await call.refused()).status).toBe(603)
    expect(second.all).toEqual([])
  })

  test('who wakes up after another was tried is cancelled', async () => {
    const { juliet, machine } = await town()
    const [first, second] = [machine(1), machine(2)]
    const call = await juliet.call(TYBALT)
    const late = await first.rung()
    const rung = await second.rung()
    late.ring()
    await late.cancelled()
    rung.answer()
    await call.answered()
  })
})

describe('a 3xx', () => {
  const to = (...contacts: readonly string[]) => [['Contact', contacts.join(', ')]] as const

  test('that names another account of ours is followed, and the caller hears nothing of it', async () => {
    const { juliet, romeo, verona } = await town()
    const nurse = await verona.caller('nurse')
    const call = await juliet.call(ROMEO)
    await (await romeo.rung()).refuse(302, to('<sip:nurse@xmpp.example>'))
    const rung = await nurse.rung()
    rung.answer()
    await call.answered()
    expect(juliet.all.some((one) => 'status' in one && one.status === 302)).toBe(false)
  })

  test("that names a domain of the routes is followed there; one that leads anywhere else is the caller's to follow", async () => {
    const { juliet, romeo, machine } = await town()
    const pbx = machine(1)
    const call = await juliet.call(ROMEO)
    await (await romeo.rung()).refuse(302, to('<sip:mercutio@elsewhere.example>;q=0.9', `<${TYBALT}>;q=0.5`))
    await (await pbx.rung()).refuse(486)
    expect((await call.refused()).status).toBe(486)
    const away = await juliet.call(ROMEO)
    await (await romeo.rung()).refuse(302, to('<sip:mercutio@elsewhere.example>', '<tel:+1555>', '<sip:romeo@192.0.2.99>'))
    const heard = await away.refused()
    expect([heard.status, heard.headers.values('Contact').length]).toEqual([302, 3])
  })

  test('that leads round in a circle ends', async () => {
    const { juliet, romeo, verona } = await town()
    const nurse = await verona.caller('nurse')
    const call = await juliet.call(ROMEO)
    await (await romeo.rung()).refuse(302, to('<sip:nurse@xmpp.example>'))
    await (await nurse.rung()).refuse(302, to(`<${ROMEO}>`))
    expect((await call.refused()).status).toBe(302)
    expect(romeo.untaken).toEqual([])
  })
})
