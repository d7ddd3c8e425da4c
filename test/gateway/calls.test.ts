/** Calls between telephones of different transports, over real sockets: each side is spoken to as it speaks (RFC 5658, RFC 7118). */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { NextHop, Transport } from '../../src/sip/port.ts'
import { Caller } from '../support/caller.ts'
import { talking } from '../support/calling.ts'
import { DOMAIN, PASSWORD, type RunningGateway, runningGateway } from '../support/running-gateway.ts'
import { wireTo } from '../support/wires.ts'

const TRANSPORTS = ['udp', 'tcp', 'tls', 'ws', 'wss'] as const

let gateway: RunningGateway
beforeAll(async () => {
  gateway = await runningGateway({ transports: TRANSPORTS })
})
afterAll(() => gateway.stop())

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function telephone(user: string, transport: Transport): Promise<Caller> {
  const hop = gateway.hop(transport)
  const wire = await wireTo(hop, gateway.certificate)
  const { host, port } = wire
  const caller = new Caller(wire, user, DOMAIN, PASSWORD, { host, port, transport, gateway: hop })
  expect((await caller.register()).status).toBe(200)
  closing.push(async () => {
    await caller.register([['Expires', '0']], ';expires=0')
    wire.close()
  })
  return caller
}

/** Where a side is told to send what comes later; RFC 7118 has one name for both kinds of WebSocket. */
function routeTo({ transport, host, port }: NextHop): unknown {
  const parameter = transport === 'udp' ? '' : `;transport=${transport === 'wss' ? 'ws' : transport}`
  return expect.stringMatching(new RegExp(`^<sip:[\\w-]+@${host}:${port}${parameter};lr>$`))
}

const PAIRS: readonly (readonly [Transport, Transport])[] = [
  ['ws', 'udp'],
  ['udp', 'ws'],
  ['wss', 'tls'],
  ['tls', 'tcp'],
  ['tcp', 'wss'],
  ['ws', 'ws'],
]

describe.each(PAIRS)('a call from %s to %s', (from, to) => {
  test('is answered, and each side is told a route of its own transport', async () => {
    const juliet = await telephone('juliet', from)
    const romeo = await telephone('romeo', to)
    const call = await juliet.call(romeo.aor)
    const rung = await romeo.rung()
    expect(rung.invite.uri).toBe(romeo.contact)
    expect(rung.invite.headers.values('Record-Route')).toEqual([routeTo(gateway.hop(to)), routeTo(gateway.hop(from))])
    rung.ring()
    expect((await call.progress(180)).headers.values('Record-Route')).toHaveLength(2)
    rung.answer()
    await call.answered()
    await rung.talking()
  })

  test('is ended by who called', async () => {
    const { caller, called } = await talking(await telephone('juliet', from), await telephone('romeo', to))
    const bye = caller.bye()
    const heard = await called.hungUp()
    expect([heard.uri, heard.headers.has('Route')]).toEqual([called.phone.contact, false])
    expect((await bye).status).toBe(200)
  })

  test('is ended by who was called', async () => {
    const { caller, called } = await talking(await telephone('juliet', from), await telephone('romeo', to))
    const bye = called.bye()
    const heard = await caller.hungUp()
    expect([heard.uri, heard.headers.has('Route')]).toEqual([caller.phone.contact, false])
    expect((await bye).status).toBe(200)
  })

  test('is changed by either side while it lasts', async () => {
    const { caller, called } = await talking(await telephone('juliet', from), await telephone('romeo', to))
    for (const [asking, asked] of [
      [caller, called],
      [called, caller],
    ] as const) {
      const invite = asking.send('INVITE', [['Contact', `<${asking.phone.contact}>`]], 'a=sendonly')
      asked.phone.reply(await asked.phone.request('INVITE'), 200, '', [['Contact', `<${asked.phone.contact}>`]])
      expect((await asking.phone.response('INVITE')).status).toBe(200)
      asking.send('ACK', [['CSeq', (invite.headers.get('CSeq') ?? '').replace('INVITE', 'ACK')]])
      await asked.phone.request('ACK')
    }
  })

  test('is cancelled while it rings', async () => {
    const juliet = await telephone('juliet', from)
    const romeo = await telephone('romeo', to)
    const call = await juliet.call(romeo.aor)
    const rung = await romeo.rung()
    rung.ring()
    await call.progress(180)
    const [answer] = await Promise.all([call.cancel('SIP;cause=200'), rung.cancelled()])
    expect(answer.status).toBe(200)
    expect((await call.refused()).status).toBe(487)
  })

  test('is refused', async () => {
    const juliet = await telephone('juliet', from)
    const romeo = await telephone('romeo', to)
    const call = await juliet.call(romeo.aor)
    await (await romeo.rung()).refuse(486)
    expect((await call.refused()).status).toBe(486)
  })
})

test('rings on five devices of five transports, and stops on four when one has it', async () => {
  const juliet = await telephone('juliet', 'ws')
  const devices = await Promise.all(TRANSPORTS.map((transport) => telephone('romeo', transport)))
  const call = await juliet.call(`sip:romeo@${DOMAIN}`)
  const rung = await Promise.all(devices.map((device) => device.rung()))
  for (const one of rung) one.ring()
  await call.progress(180)
  const [first, ...others] = rung
  first?.answer()
  const side = await call.answered()
  await Promise.all(others.map((one) => one.cancelled()))
  const bye = side.bye()
  await first?.side.hungUp()
  expect((await bye).status).toBe(200)
})

test('a telephone in a browser that closed its tab is told about at once, to who calls and in a call', async () => {
  const juliet = await telephone('juliet', 'udp')
  const hop = gateway.hop('ws')
  const wire = await wireTo(hop, gateway.certificate)
  const romeo = new Caller(wire, 'romeo', DOMAIN, PASSWORD, { host: wire.host, port: wire.port, transport: 'ws', gateway: hop })
  await romeo.register()
  const { caller } = await talking(juliet, romeo)
  wire.close()
  await gateway.heard.fact({ what: 'sip_connection_closed', why: 'closed by the peer' })
  expect((await caller.bye()).status).toBe(430)
  const call = await juliet.call(`sip:romeo@${DOMAIN}`)
  expect([480, 500]).toContain((await call.refused()).status)
})
