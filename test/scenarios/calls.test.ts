/** Calls between two telephones of the gateway: it carries what they say to each other, and keeps nothing of it. What they hear of each other goes past it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Caller } from '../support/caller.ts'
import { calling, ROMEO, talking, WITH_CALLS } from '../support/calling.ts'
import { type Town, town } from '../support/town.ts'

let verona: Town
let juliet: Caller
let romeo: Caller

beforeEach(async () => {
  ;({ verona, juliet, romeo } = await calling())
})
afterEach(() => verona.stop())

describe('a call', () => {
  test('rings, is answered and ended by who called', async () => {
    const call = await juliet.call(ROMEO)
    const rung = await romeo.rung()
    expect(rung.invite.uri).toBe(romeo.contact)
    expect(rung.invite.body.toString()).toContain('c=IN IP4 192.0.2.99')
    rung.ring()
    expect((await call.progress(180)).headers.all('Via')).toEqual(
      call.invite.headers.all('Via').map((via) => expect.stringContaining(via.slice(0, 40))),
    )
    rung.answer()
    const side = await call.answered()
    await rung.talking()
    const bye = side.bye()
    await romeo.request('BYE').then((request) => romeo.reply(request, 200, ''))
    expect((await bye).status).toBe(200)
    expect(verona.stack.load).toMatchObject({ serving: 0, waiting: 0, ringing: 0 })
  })

  test('is ended by who was called', async () => {
    const { caller, called } = await talking(juliet, romeo)
    const bye = called.bye()
    const heard = await caller.hungUp()
    expect(heard.uri).toBe(juliet.contact)
    expect(heard.headers.has('Route')).toBe(false)
    expect((await bye).status).toBe(200)
  })

  test('is put on hold and taken up again by requests of its dialog', async () => {
    const { caller, called } = await talking(juliet, romeo)
    for (const [asking, asked] of [
      [caller, called],
      [called, caller],
    ] as const) {
      const invite = asking.send('INVITE', [['Contact', `<${asking.phone.contact}>`]], 'a=sendonly')
      const heard = await asked.phone.request('INVITE')
      expect(heard.body.toString()).toBe('a=sendonly')
      asked.phone.reply(heard, 200, '', [['Contact', `<${asked.phone.contact}>`]])
      expect((await asking.phone.response('INVITE')).status).toBe(200)
      asking.send('ACK', [['CSeq', (invite.headers.get('CSeq') ?? '').replace('INVITE', 'ACK')]])
      await asked.phone.request('ACK')
    }
  })

  test.each(['INFO', 'UPDATE', 'REFER', 'NOTIFY', 'MESSAGE', 'PRACK'])('carries %s from end to end', async (method) => {
    const { caller, called } = await talking(juliet, romeo)
    const sent = called.send(method, [['X-Said', 'in the dialog']], 'abc')
    const heard = await caller.phone.request(method)
    expect(heard.headers.get('X-Said')).toBe('in the dialog')
    expect(heard.headers.get('Call-ID')).toBe(sent.headers.get('Call-ID'))
    caller.phone.reply(heard, 488, '')
    expect((await called.phone.response(method)).status).toBe(488)
  })

  test('says that we stay in its way, once for each side, and counts its hops', async () => {
    await juliet.call(ROMEO, [['Max-Breadth', '7']])
    const { invite } = await romeo.rung()
    const records = invite.headers.values('Record-Route')
    expect(records).toHaveLength(2)
    for (const record of records) expect(record).toMatch(/^<sip:[\w-]+@192\.0\.2\.1:5060;lr>$/)
    expect(invite.headers.get('Max-Forwards')).toBe('69')
    expect(invite.headers.get('Max-Breadth')).toBe('7')
    expect(invite.headers.values('Via')).toHaveLength(2)
  })

  test('over TCP reaches a telephone over UDP, each by its own transport', async () => {
    const nurse = await verona.caller('nurse', { transport: 'tcp' })
    const { caller, called } = await talking(nurse, romeo)
    const bye = called.bye()
    await caller.hungUp()
    expect((await bye).status).toBe(200)
    const back = await talking(romeo, nurse)
    expect(back.called.routes.map((route) => /transport=(\w+)/.exec(route)?.[1])).toEqual(['tcp', undefined])
    const end = back.caller.bye()
    await back.called.hungUp()
    expect((await end).status).toBe(200)
  })

  test('reaches a telephone behind an address translator, also later in the dialog', async () => {
    const nurse = await verona.caller('nurse', { contactHost: '10.0.0.7', port: 40_123 })
    const { caller, called } = await talking(juliet, nurse)
    const bye = caller.bye()
    const heard = await called.hungUp()
    expect(heard.uri).toBe('sip:nurse@10.0.0.7:40123')
    expect((await bye).status).toBe(200)
    const other = await talking(nurse, juliet)
    const end = other.called.bye()
    await other.caller.hungUp()
    expect((await end).status).toBe(200)
  })

  test('to one device by its gr rings there alone', async () => {
    const desk = await verona.caller('nurse')
    const hall = await verona.caller('nurse')
    const instance = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'
    await hall.register([], `;+sip.instance="<${instance}>"`)
    await juliet.call(`sip:nurse@xmpp.example;gr=${instance}`)
    expect((await hall.rung()).invite.uri).toBe(hall.contact)
    expect(desk.untaken).toEqual([])
    expect(await refusalOf('sip:nurse@xmpp.example;gr=urn:uuid:nobody')).toBe(480)
  })

  test('takes the path its telephone registered by', async () => {
    await romeo.register([['Path', '<sip:edge.example;lr>']])
    await juliet.call(ROMEO)
    expect((await romeo.rung()).invite.headers.all('Route')).toEqual(['<sip:edge.example;lr>'])
  })
})

describe('a call that nobody takes', () => {
  for (const status of [404, 486, 488, 302]) {
    test(`because the telephone says ${status} is told so`, async () => {
      const call = await juliet.call(ROMEO)
      await (await romeo.rung()).refuse(status, status === 302 ? [['Contact', '<sip:mantua@xmpp.example>']] : [])
      const answer = await call.refused()
      expect(answer.status).toBe(status)
      if (status === 302) expect(answer.headers.get('Contact')).toBe('<sip:mantua@xmpp.example>')
    })
  }

  test('because the telephone is overloaded is not our overload', async () => {
    const call = await juliet.call(ROMEO)
    await (await romeo.rung()).refuse(503)
    expect((await call.refused()).status).toBe(500)
  })

  test('though it rings ends by Timer C with 408', async () => {
    const call = await juliet.call(ROMEO)
    const rung = await romeo.rung()
    rung.ring()
    await call.progress(180)
    await rung.cancelled()
    expect((await call.refused()).status).toBe(408)
  })

  test('because the telephone is silent ends by Timer B with 408', async () => {
    const quick = await town({ ...WITH_CALLS, limits: {}, t1Ms: 5 })
    try {
      const caller = await quick.caller('juliet')
      const silent = await quick.caller('romeo')
      const call = await caller.call(ROMEO)
      await silent.rung()
      expect((await call.refused()).status).toBe(408)
      expect(quick.stack.load.ringing).toBe(0)
    } finally {
      await quick.stop()
    }
  })

  test('because the connection of the telephone is gone is told at once', async () => {
    const nurse = await verona.caller('nurse', { transport: 'tcp' })
    nurse.leave()
    const call = await juliet.call('sip:nurse@xmpp.example')
    expect((await call.refused()).status).toBe(500)
  })

  test('because there is no telephone, only a client, is 480; to nobody 404; to elsewhere 404', async () => {
    await verona.client('nurse')
    expect(await refusalOf('sip:nurse@xmpp.example')).toBe(480)
    expect(await refusalOf('sip:rosaline@xmpp.example')).toBe(404)
    expect(await refusalOf('sip:romeo@mantua.example')).toBe(404)
    expect(await refusalOf('sip:xmpp.example')).toBe(404)
  })
})

/** Past the challenge, to the refusal. */
async function refusalOf(to: string): Promise<number> {
  return (await (await juliet.call(to)).refused()).status
}

test('callers hear that the gateway stops, and telephones stop ringing', async () => {
  const call = await juliet.call(ROMEO)
  const rung = await romeo.rung()
  rung.ring()
  await call.progress(180)
  const stopped = verona.stack.stop(500)
  const [refused] = await Promise.all([call.refused(), rung.cancelled()])
  expect(refused.status).toBe(503)
  await stopped
})
