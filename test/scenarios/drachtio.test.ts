/** A gateway behind a drachtio server: telephones register through it, messages go both ways, and nothing hangs or is cut when it has had enough. */
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Headers, response, SipRequest } from '../../src/sip/message.ts'
import { el } from '../../src/xml/element.ts'
import { type Client, NS_CLIENT } from '../support/client.ts'
import { ready } from '../support/drachtio-place.ts'
import type { StackOnDouble } from '../support/drachtio-stack.ts'
import { NextHopParty } from '../support/next-hop.ts'
import { condition, errorText, message } from '../support/stanzas.ts'
import { GATEWAY, type Town, town } from '../support/town.ts'

const PING = el('ping', 'urn:xmpp:ping')
const PBX = '192.0.2.200'

let verona: Town
let server: StackOnDouble
const parties: NextHopParty[] = []
beforeEach(async () => {
  verona = await town({
    stack: 'drachtio',
    routes: [{ match: 'core.example', to: `sip:${PBX};transport=tcp`, trusted: true }],
  })
  if (!verona.drachtio) throw new Error('it has another stack')
  server = verona.drachtio
})
afterEach(async () => {
  await Promise.all(parties.splice(0).map((party) => party.stop()))
  await verona.stop()
  // What would have corrupted the stream of a real server.
  expect(server.double.faults).toEqual([])
})

async function core(): Promise<NextHopParty> {
  const party = await NextHopParty.on(verona.network.join({ host: PBX }), { transport: 'tcp', ...GATEWAY })
  parties.push(party)
  return party
}

const texts = async (client: Client, many: number): Promise<string[]> => {
  const got: string[] = []
  for (let n = 0; n < many; n++) got.push((await client.receive()).child('body')?.text() ?? '')
  return got
}

describe('through a drachtio server', () => {
  test('a telephone registers, and a client and the telephone talk', async () => {
    const juliet = await verona.client('juliet', 'balcony')
    const phone = await verona.phone('romeo', { registered: false })
    const answer = await phone.register(600)
    expect([answer.status, answer.headers.get('contact')]).toEqual([200, expect.stringContaining(phone.contact)])
    juliet.send(message('romeo@xmpp.example', 'Καλημέρα 👩‍🚀', { id: 'm1' }))
    const request = await phone.received()
    expect(request.body.toString()).toBe('Καλημέρα 👩‍🚀')
    expect(request.headers.get('p-xmpp-data')).toContain("id='m1'")
    expect((await phone.message('sip:juliet@xmpp.example', 'صباح الخير')).status).toBe(200)
    expect(await texts(juliet, 1)).toEqual(['صباح الخير'])
    expect(server.double.seen.some(({ kind }) => kind === 'sip')).toBe(true)
  })

  test('a telephone on TCP is reached through the connection it registered by', async () => {
    const juliet = await verona.client('juliet')
    const phone = await verona.phone('romeo', { transport: 'tcp' })
    juliet.send(message('romeo@xmpp.example', 'By TCP'))
    expect((await phone.received()).body.toString()).toBe('By TCP')
    expect(server.double.seen.at(-1)?.route).toContain(';transport=tcp')
  })

  test('a telephone with the wrong password stays out, and one that is busy says so', async () => {
    const wrong = await verona.phone('romeo', { registered: false, password: 'wrong' })
    expect((await wrong.register()).status).toBe(401)
    const phone = await verona.phone('romeo')
    phone.answer = 486
    const juliet = await verona.client('juliet')
    juliet.send(message('romeo@xmpp.example', 'Art thou there?', { id: 'm1' }))
    expect(condition(await juliet.receive())).toBe('recipient-unavailable')
  })

  test('a telephone that is silent is given up by our Timer F', async () => {
    const phone = await verona.phone('romeo')
    phone.answer = 'never'
    const juliet = await verona.client('juliet')
    juliet.send(message('romeo@xmpp.example', 'Art thou there?', { id: 'm1' }))
    expect(condition(await juliet.receive())).toBe('remote-server-timeout')
  }, 10_000)

  test('a client asks what stands behind a route, and is asked', async () => {
    const party = await core()
    const juliet = await verona.client('juliet', 'balcony')
    party.answer = () => response(200, 'OK', [['P-XMPP-Data', "<iq type='result' id='p1'/>"]])
    juliet.send(el('iq', NS_CLIENT, { type: 'get', id: 'p1', to: 'mab@core.example/fairy' }, PING))
    const result = await juliet.receive()
    expect([result.attr('type'), result.attr('id'), result.attr('from')]).toEqual(['result', 'p1', 'mab@core.example/fairy'])
    expect(party.requests.map(({ method }) => method)).toEqual(['INFO'])

    const asked = party.send('INFO', 'sip:mab@core.example;gr=fairy', 'sip:juliet@xmpp.example;gr=balcony', '', [
      ['P-XMPP-Data', "<iq type='get' id='q1'><ping xmlns='urn:xmpp:ping'/></iq>"],
    ])
    const question = await juliet.receive()
    juliet.send(el('iq', NS_CLIENT, { type: 'result', id: question.attr('id') ?? '', to: question.attr('from') ?? '' }))
    const answer = await asked
    expect(answer.status).toBe(200)
    expect(answer.headers.get('p-xmpp-data')).toContain("type='result'")
  })
})

describe('a stanza that is large', () => {
  test('has its XML in the body, in short lines, and comes back whole', async () => {
    const party = await core()
    const juliet = await verona.client('juliet', 'balcony')
    const romeo = await verona.client('romeo', 'orchard')
    // Nothing makes this shorter: deflated it would still stand in the header.
    const noise = Array.from({ length: 76 }, (_, n) => createHash('sha512').update(String(n)).digest('base64url')).join('')
    const large = el('note', 'urn:example:note', {}, noise)
    const forms: string[] = []
    let longest = 0
    // Who stands behind the route sends it to romeo.
    party.answer = async (request) => {
      forms.push(request.headers.get('p-xmpp-data')?.slice(0, 4) ?? 'none')
      for (const line of request.body.toString('latin1').split('\r\n')) longest = Math.max(longest, line.length)
      const onward = new SipRequest('MESSAGE', 'sip:romeo@xmpp.example;gr=orchard', fromCore(request.headers), request.body)
      return response((await party.stack.send(onward, party.gateway)).status)
    }
    juliet.send(message('mab@core.example', 'See my note', { id: 'm1' }, large))
    const got = await romeo.receive()
    expect(got.child('body')?.text()).toBe('See my note')
    expect(got.child('note', 'urn:example:note')?.text()).toBe(noise)
    expect(longest).toBeLessThanOrEqual(998)
    // What has its wire form already is relayed in it.
    if (process.env.STOXGATE_LOOPBACK !== '1') expect(forms).toEqual(['cid:'])
  })

  test('beyond what the server takes is refused with the limit in its text', async () => {
    await core()
    const phone = await verona.phone('romeo', { transport: 'tcp' })
    const juliet = await verona.client('juliet')
    for (const to of ['mab@core.example', 'romeo@xmpp.example']) {
      juliet.send(message(to, 'x '.repeat(8_000), { id: to }))
      const error = await juliet.receive()
      expect(condition(error)).toBe('policy-violation')
      expect(errorText(error)).toMatch(/\b1[12]\d{3} bytes/)
    }
    juliet.send(message('romeo@xmpp.example', 'short'))
    expect((await phone.received()).body.toString()).toBe('short')
  })

  test('of eight kilobytes among many small ones spoils none of them', async () => {
    const phone = await verona.phone('romeo', { transport: 'tcp' })
    const juliet = await verona.client('juliet')
    const sent = Array.from({ length: 40 }, (_, n) => `${n} ${n % 4 === 0 ? `${'words '.repeat(12)}\n`.repeat(100) : ''}`.trim())
    for (const one of sent) juliet.send(message('romeo@xmpp.example', one))
    for (const one of sent) expect((await phone.received()).body.toString().replaceAll('\r\n', '\n').trim()).toBe(one)
  })
})

describe('a drachtio server that goes away', () => {
  test('fails what was under way at once, and all goes on when it is back, without a telephone registering again', async () => {
    const phone = await verona.phone('romeo')
    const juliet = await verona.client('juliet')
    phone.answer = 'never'
    juliet.send(message('romeo@xmpp.example', 'Under way', { id: 'm1' }))
    await phone.received()
    await server.double.vanish()
    expect(condition(await juliet.receive())).toBe('remote-server-not-found')
    juliet.send(message('romeo@xmpp.example', 'While it is away', { id: 'm2' }))
    expect(condition(await juliet.receive())).toBe('remote-server-not-found')
    expect(server.connection.state).toBe('away')

    // What needs no telephone goes on all the time.
    const romeo = await verona.client('romeo', 'orchard')
    juliet.send(message('romeo@xmpp.example/orchard', 'By stream'))
    expect(await texts(romeo, 1)).toEqual(['By stream'])

    phone.answer = 200
    await server.double.appear()
    await ready(server)
    juliet.send(message('romeo@xmpp.example', 'Again'))
    expect((await phone.received()).body.toString()).toBe('Again')
    expect((await phone.message('sip:juliet@xmpp.example', 'Again')).status).toBe(200)
    expect(await texts(juliet, 1)).toEqual(['Again'])
  })
})

/** The fields of a request that goes on from the core, in its name. */
function fromCore(came: Headers): Headers {
  const headers = new Headers()
  for (const name of ['Content-Type', 'P-XMPP-Data', 'Call-ID']) {
    const value = came.get(name)
    if (value !== undefined) headers.append(name, value)
  }
  headers.append('Max-Forwards', '60')
  headers.append('From', '<sip:mab@core.example>;tag=1')
  headers.append('To', '<sip:romeo@xmpp.example>')
  headers.append('CSeq', '1 MESSAGE')
  return headers
}
