import { describe, expect, test } from 'vitest'
import { routeRule } from '../../src/core/route-rule.ts'
import type { Dns } from '../../src/sip/locate/dns.ts'
import { response } from '../../src/sip/message.ts'
import { el } from '../../src/xml/element.ts'
import { NS_CLIENT } from '../support/client.ts'
import { Heard } from '../support/heard.ts'
import { JULIET, OTHER, PBX, party, verona } from '../support/routed-town.ts'
import { condition, message } from '../support/stanzas.ts'

const ask = (to: string, id = 'q'): ReturnType<typeof el> => el('iq', NS_CLIENT, { type: 'get', id, to }, el('ping', 'urn:xmpp:ping'))

describe('a node that a route trusts', () => {
  const routes = [{ match: 'node.example', to: `sip:${PBX};transport=tcp`, trusted: true }]

  test('gets the stanza beside the words, and the device that sent them', async () => {
    const at = await verona({ routes })
    const node = await party(at, PBX, 'tcp')
    const juliet = await at.client('juliet', 'balcony')
    juliet.send(message('mab@node.example', 'Queen Mab', { id: 'm1' }))
    const request = await node.received()
    expect(request.headers.get('From')).toMatch(/^<sip:juliet@xmpp\.example;gr=balcony>;tag=/)
    expect(request.headers.get('P-XMPP-Data')).toContain("id='m1'")
  })

  test('gets it in base64 where its road damages headers, and nothing where it is switched off', async () => {
    for (const [xmppData, expected] of [
      ['base64', /^b64:/],
      ['off', undefined],
    ] as const) {
      const at = await verona({ routes: [{ match: 'node.example', to: `sip:${PBX}`, trusted: true, xmppData }] })
      const node = await party(at)
      const juliet = await at.client('juliet')
      juliet.send(message('mab@node.example', 'Queen Mab'))
      const data = (await node.received()).headers.get('P-XMPP-Data')
      if (expected) expect(data).toMatch(expected)
      else expect(data).toBeUndefined()
    }
  })

  test('is asked, and its answer is the answer', async () => {
    const at = await verona({ routes })
    const node = await party(at, PBX, 'tcp')
    node.answer = () => response(200, undefined, [['P-XMPP-Data', "<iq type='result' id='q'><pong xmlns='urn:example:pong'/></iq>"]])
    const juliet = await at.client('juliet', 'balcony')
    juliet.send(ask('mab@node.example/dream'))
    const back = await juliet.receive()
    expect([back.attr('type'), back.attr('id'), back.attr('from')]).toEqual(['result', 'q', 'mab@node.example/dream'])
    expect(back.child('pong', 'urn:example:pong')).toBeDefined()
    expect((await node.received()).method).toBe('INFO')
  })

  test('asks our clients, and puts stanzas into its messages', async () => {
    const at = await verona({ routes })
    const node = await party(at, PBX, 'tcp')
    const juliet = await at.client('juliet', 'balcony')
    await node.message('sip:mab@node.example', JULIET, 'Words', [['P-XMPP-Data', "<message id='theirs' type='normal'/>"]])
    expect((await juliet.receive()).attr('id')).toBe('theirs')
    const data = ['P-XMPP-Data', "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>"] as const
    const answered = node.send('INFO', 'sip:mab@node.example', `${JULIET};gr=balcony`, '', [data])
    const asked = await juliet.receive()
    juliet.send(el('iq', NS_CLIENT, { type: 'result', id: asked.attr('id'), to: asked.attr('from') }))
    expect((await answered).headers.get('P-XMPP-Data')).toContain("type='result'")
  })
})

describe('a core that everything goes through', () => {
  const routes = [{ match: '*', to: `sip:${PBX};transport=tcp`, trusted: true }]

  test('brings every message and question back, and it arrives once', async () => {
    const at = await verona({ routes })
    const core = await party(at, PBX, 'tcp')
    core.answer = core.sentBack
    const juliet = await at.client('juliet', 'balcony')
    const romeo = await at.client('romeo', 'orchard')
    expect(core.requests.map(({ method }) => method)).toEqual(['INFO', 'INFO'])
    juliet.send(message('romeo@xmpp.example/orchard', 'By whose direction?', { id: 'm1' }))
    const got = await romeo.receive()
    expect([got.attr('id'), got.attr('from'), got.child('body')?.text()]).toEqual([
      'm1',
      'juliet@xmpp.example/balcony',
      'By whose direction?',
    ])
    romeo.send(ask('juliet@xmpp.example/balcony', 'p1'))
    const asked = await juliet.receive()
    expect(asked.attr('from')).toBe('romeo@xmpp.example/orchard')
    juliet.send(el('iq', NS_CLIENT, { type: 'result', id: asked.attr('id'), to: asked.attr('from') }))
    expect((await romeo.receive()).attr('type')).toBe('result')
    romeo.send(message('nurse@xmpp.example', 'Nurse?', { id: 'm2' }))
    expect(condition(await romeo.receive())).toBe('recipient-unavailable')
    expect(core.requests).toHaveLength(5)
  })

  test('brings the message of a telephone back, which is a spiral and no loop', async () => {
    const at = await verona({ routes })
    const core = await party(at, PBX, 'tcp')
    core.answer = core.sentBack
    const juliet = await at.client('juliet', 'balcony')
    const phone = await at.phone('romeo')
    expect((await phone.message(JULIET, 'From the telephone')).status).toBe(200)
    expect((await juliet.receive()).child('body')?.text()).toBe('From the telephone')
    juliet.send(message('romeo@xmpp.example', 'To the telephone'))
    expect((await phone.received()).body.toString()).toBe('To the telephone')
  })

  test('that sends the very same request twice is told that it goes round', async () => {
    const at = await verona({ routes })
    const core = await party(at, PBX, 'tcp')
    core.answer = async (request) => {
      await core.sentBack(request)
      return core.sentBack(request)
    }
    const phone = await at.phone('romeo')
    await at.phone('nurse')
    expect((await phone.message('sip:nurse@xmpp.example', 'Nurse')).status).toBe(482)
  })
})

describe('a PBX that a domain of ours lives on', () => {
  const routes = [`xmpp.example = sip:${PBX}`]

  test('gets its messages, may speak for its accounts, and leaves questions to us', async () => {
    const at = await verona({ routes })
    const pbx = await party(at)
    const juliet = await at.client('juliet', 'balcony')
    juliet.send(message('romeo@xmpp.example', 'Romeo?'))
    expect((await pbx.received()).uri).toBe('sip:romeo@xmpp.example')
    await pbx.message('sip:romeo@xmpp.example', JULIET, 'From a telephone of the PBX')
    expect((await juliet.receive()).attr('from')).toBe('romeo@xmpp.example')
    juliet.send(ask('xmpp.example'))
    expect((await juliet.receive()).attr('type')).toBe('result')
  })

  test('may not speak for them where the route is for everybody', async () => {
    const at = await verona({ routes: [`* = sip:${PBX}`] })
    const pbx = await party(at)
    expect((await pbx.message('sip:romeo@xmpp.example', JULIET, 'It is me')).status).toBe(407)
    const juliet = await at.client('juliet')
    expect((await pbx.message('sip:paris@mantua.example', JULIET, 'Juliet?')).status).toBe(200)
    expect((await juliet.receive()).attr('from')).toBe('paris@mantua.example')
  })
})

describe('an alias', () => {
  test('leads from one account to another, for clients and telephones alike', async () => {
    const at = await verona({ routes: ['capulet@old.example = juliet@xmpp.example', 'old.example = xmpp.example'] })
    const juliet = await at.client('juliet', 'balcony')
    const romeo = await at.client('romeo', 'orchard')
    romeo.send(message('capulet@old.example', 'To the old name'))
    const got = await juliet.receive()
    expect([got.attr('to'), got.child('body')?.text()]).toEqual(['juliet@xmpp.example', 'To the old name'])
    const phone = await at.phone('nurse')
    expect((await phone.message('sip:romeo@old.example', 'The old domain')).status).toBe(200)
    expect((await romeo.receive()).attr('to')).toBe('romeo@xmpp.example')
  })

  test('to a device reaches that device', async () => {
    const at = await verona({ routes: ['old.example = xmpp.example'] })
    const juliet = await at.client('juliet', 'balcony')
    const romeo = await at.client('romeo')
    romeo.send(ask('juliet@old.example/balcony'))
    const asked = await juliet.receive()
    juliet.send(el('iq', NS_CLIENT, { type: 'result', id: asked.attr('id'), to: asked.attr('from') }))
    const back = await romeo.receive()
    expect([back.attr('type'), back.attr('from')]).toEqual(['result', 'juliet@old.example/balcony'])
  })

  test('may lead to a next hop', async () => {
    const at = await verona({ routes: ['*@*.offices.example = *@*.pbx.example', `*.pbx.example = sip:${PBX}`] })
    const pbx = await party(at)
    const juliet = await at.client('juliet')
    juliet.send(message('tybalt@rome.offices.example', 'Tybalt'))
    expect((await pbx.received()).uri).toBe('sip:tybalt@rome.pbx.example')
  })

  test('that leads round in a circle is refused, and the log says so', async () => {
    const heard = new Heard()
    const at = await verona({ routes: ['a.example = b.example', 'b.example = a.example'], log: heard.log })
    const juliet = await at.client('juliet')
    juliet.send(message('romeo@a.example', 'Where?'))
    expect(condition(await juliet.receive())).toBe('not-acceptable')
    await heard.fact({ what: 'route_circle', to: 'sip:romeo@a.example' })
  })

  test('of a relay has no way until there is one', async () => {
    const at = await verona({ routes: ['company.example = company.example@server.company.example._via'] })
    const juliet = await at.client('juliet')
    juliet.send(message('romeo@company.example', 'Where?'))
    expect(condition(await juliet.receive())).toBe('remote-server-not-found')
  })
})

test('a table that is changed while it runs counts for the next message', async () => {
  const at = await verona({ routes: [`pbx.example = sip:${PBX}`] })
  const [pbx, other] = [await party(at), await party(at, OTHER)]
  const juliet = await at.client('juliet')
  juliet.send(message('tybalt@pbx.example', 'To the old one'))
  expect((await pbx.received()).body.toString()).toBe('To the old one')
  await at.house.routes.change([routeRule({ match: 'pbx.example', to: `sip:${OTHER}` })])
  juliet.send(message('tybalt@pbx.example', 'To the new one'))
  expect((await other.received()).body.toString()).toBe('To the new one')
  expect((await pbx.message('sip:tybalt@pbx.example', JULIET, 'I was the PBX')).status).toBe(403)
})

describe('a next hop with a name', () => {
  const none = { records: [], ttl: undefined }
  const dns: Dns = {
    naptr: async () => none,
    srv: async (name) =>
      name === '_sip._tcp.core.example'
        ? {
            records: [
              { priority: 10, weight: 0, port: 5_060, name: 'first.example' },
              { priority: 20, weight: 0, port: 5_060, name: 'second.example' },
            ],
            ttl: undefined,
          }
        : none,
    addresses: async (name) => ({ records: [name === 'first.example' ? PBX : OTHER], ttl: 60 }),
  }

  test('whose first target is dead is reached at the second, and what comes from either is known', async () => {
    const at = await verona({ routes: ['core.example = sip:core.example'], dns })
    const second = await party(at, OTHER, 'tcp')
    const juliet = await at.client('juliet')
    juliet.send(message('mab@core.example', 'Queen Mab'))
    expect((await second.received()).body.toString()).toBe('Queen Mab')
    expect((await second.message('sip:mab@core.example', JULIET, 'Back')).status).toBe(200)
    expect((await juliet.receive()).child('body')?.text()).toBe('Back')
    const first = await party(at, PBX, 'tcp')
    expect((await first.message('sip:mab@core.example', JULIET, 'I am back')).status).toBe(200)
  })
})
