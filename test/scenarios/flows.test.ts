/** Telephones that keep several flows to us (RFC 5626), and give an address that does not say whose they are (RFC 5627). */
import { afterEach, describe, expect, test } from 'vitest'
import { SipUri } from '../../src/address/sip-uri.ts'
import { Caller } from '../support/caller.ts'
import { type Calling, calling, ROMEO } from '../support/calling.ts'
import { message } from '../support/stanzas.ts'
import { GATEWAY, PASSWORD } from '../support/town.ts'

let place: Calling | undefined
afterEach(() => place?.verona.stop())

const { aor: AOR } = SipUri.parse(ROMEO)
const INSTANCE = 'urn:uuid:00000000-0000-1000-8000-000A95A0E128'
const OUTBOUND = [['Supported', 'path, outbound, gruu']] as const
const flow = (n: number) => `;+sip.instance="<${INSTANCE}>";reg-id=${n}`

/** Romeo's telephone in the hall, at two places of the network. */
async function hall() {
  place = await calling({ t1Ms: 10 })
  const { verona, juliet } = place
  const at = (host: string) => new Caller(verona.network, 'romeo', 'xmpp.example', PASSWORD, { host, gateway: GATEWAY })
  await place.romeo.register([], ';expires=0')
  return { verona, juliet, first: at('192.0.2.81'), second: at('192.0.2.82'), at }
}

describe('a telephone with two flows', () => {
  test('is told that they count, and how long they may be silent', async () => {
    const { first, second } = await hall()
    const answer = await first.register(OUTBOUND, flow(1))
    expect([answer.headers.get('Require'), answer.headers.get('Flow-Timer')]).toEqual(['outbound', '30'])
    const both = await second.register(OUTBOUND, flow(2))
    expect(both.headers.values('Contact').map((one) => /;reg-id=(\d)/.exec(one)?.[1])).toEqual(['1', '2'])
    const again = await first.register(OUTBOUND, flow(1))
    expect(again.headers.values('Contact')).toHaveLength(2)
  })

  test('rings once, by the flow it registered last', async () => {
    const { juliet, first, second } = await hall()
    await first.register(OUTBOUND, flow(1))
    await second.register(OUTBOUND, flow(2))
    const call = await juliet.call(ROMEO)
    const rung = await second.rung()
    rung.answer()
    await call.answered()
    expect(first.untaken).toEqual([])
  })

  test('is found by the other one where the first is silent, and by no other once it has answered', async () => {
    const { juliet, first, second } = await hall()
    await first.register(OUTBOUND, flow(1))
    await second.register(OUTBOUND, flow(2))
    const lost = await juliet.call(ROMEO)
    await second.rung()
    await (await first.rung()).refuse(486)
    expect((await lost.refused()).status).toBe(486)
    const refused = await juliet.call(ROMEO)
    await (await second.rung()).refuse(503)
    expect((await refused.refused()).status).toBe(500)
    expect(first.untaken).toEqual([])
  })

  test('whose edge says 430 is asked by the other flow, and that one is forgotten', async () => {
    const { juliet, verona, first, second } = await hall()
    await first.register(OUTBOUND, flow(1))
    await second.register(OUTBOUND, flow(2))
    const call = await juliet.call(ROMEO)
    await (await second.rung()).refuse(430)
    await (await first.rung()).refuse(486)
    expect((await call.refused()).status).toBe(486)
    expect(verona.house.registrations.flowsOf(AOR).map(({ regId }) => regId)).toEqual([1])
  })

  test('is one telephone of its account; a fifth flow is refused', async () => {
    const { verona, at } = await hall()
    for (const n of [1, 2, 3, 4]) expect((await at(`192.0.2.9${n}`).register(OUTBOUND, flow(n))).status).toBe(200)
    expect((await at('192.0.2.95').register(OUTBOUND, flow(5))).status).toBe(403)
    expect(verona.house.registrations.bindingsOf(AOR)).toHaveLength(1)
    expect(verona.house.registrations.flowsOf(AOR)).toHaveLength(4)
  })
})

describe('a reg-id', () => {
  test('means nothing to who does not say that he knows flows', async () => {
    const { first } = await hall()
    const answer = await first.register([], flow(1))
    expect([answer.status, answer.headers.has('Require'), answer.headers.has('Flow-Timer')]).toEqual([200, false, false])
    expect(answer.headers.get('Contact')).not.toContain('reg-id')
  })

  test('through a proxy that knows nothing of flows is refused with 439, and taken from one that does', async () => {
    const { first } = await hall()
    const edge = ['Via', 'SIP/2.0/UDP 192.0.2.200;branch=z9hG4bKedge'] as const
    expect((await first.register([...OUTBOUND, edge], flow(1))).status).toBe(439)
    const answer = await first.register([...OUTBOUND, edge, ['Path', '<sip:token@192.0.2.200;lr;ob>']], flow(1))
    expect([answer.status, answer.headers.get('Require'), answer.headers.has('Flow-Timer')]).toEqual([200, 'outbound', false])
  })

  test('beside a second contact, or of no sense, is refused with 400', async () => {
    const { first } = await hall()
    expect((await first.register([...OUTBOUND, ['Contact', '<sip:romeo@192.0.2.99>']], flow(1))).status).toBe(400)
    expect((await first.register(OUTBOUND, flow(0))).status).toBe(400)
  })
})

describe('a temporary GRUU', () => {
  const temporary = (contact: string | undefined) => /;temp-gruu="([^"]+)"/.exec(contact ?? '')?.[1] ?? ''

  test('rings at its telephone and no other, until that registers anew', async () => {
    const { juliet, first, verona } = await hall()
    const other = await verona.caller('romeo')
    const gruu = temporary(
      (await first.register(OUTBOUND, `;+sip.instance="<${INSTANCE}>"`)).headers.values('Contact').find((one) => one.includes('temp-gruu')),
    )
    expect(gruu).not.toContain('romeo')
    const call = await juliet.call(gruu)
    const rung = await first.rung()
    expect(rung.invite.uri).toBe(first.contact)
    rung.answer()
    await call.answered()
    await first.register(OUTBOUND, `;+sip.instance="<${INSTANCE}>"`)
    const late = await juliet.call(gruu)
    expect((await late.refused()).status).toBe(404)
    expect(other.untaken).toEqual([])
  })

  test('hides who writes, and what is answered to it comes to that telephone alone', async () => {
    const { juliet, first, verona } = await hall()
    const client = await verona.client('juliet')
    const answer = await first.register(OUTBOUND, `;+sip.instance="<${INSTANCE}>"`)
    const gruu = temporary(answer.headers.get('Contact'))
    const local = gruu.slice(4, gruu.indexOf('@'))
    await juliet.register([], ';expires=0')
    await first.ask(
      'MESSAGE',
      'sip:juliet@xmpp.example',
      [
        ['From', `<${gruu}>;tag=x`],
        ['Content-Type', 'text/plain'],
      ],
      'Guess who',
    )
    expect((await client.receive()).attr('from')).toBe(`${local}@xmpp.example`)
    client.send(message(`${local}@xmpp.example`, 'Romeo?'))
    const heard = await first.request('MESSAGE')
    expect(heard.body.toString()).toBe('Romeo?')
    first.reply(heard, 200, 'y')
  })
})
