import { describe, expect, test } from 'vitest'
import { response } from '../../src/sip/message.ts'
import { el } from '../../src/xml/element.ts'
import { NS_CLIENT } from '../support/client.ts'
import { Heard } from '../support/heard.ts'
import { JULIET, OTHER, PBX, party, TYBALT, verona } from '../support/routed-town.ts'
import { condition, message } from '../support/stanzas.ts'

const ask = (to: string, id = 'q'): ReturnType<typeof el> => el('iq', NS_CLIENT, { type: 'get', id, to }, el('ping', 'urn:xmpp:ping'))

describe('a PBX that a route names', () => {
  const routes = [`pbx.example = sip:${PBX}`]

  test('gets the message of a client as a person would read it, and nothing that only XMPP knows', async () => {
    const at = await verona({ routes })
    const pbx = await party(at)
    const juliet = await at.client('juliet', 'balcony')
    juliet.send(message('tybalt@pbx.example', 'Καλημέρα 👋', { id: 'm1' }))
    const request = await pbx.received()
    expect(request.method).toBe('MESSAGE')
    expect(request.uri).toBe(TYBALT)
    expect(request.body.toString()).toBe('Καλημέρα 👋')
    expect(request.headers.get('From')).toMatch(/^<sip:juliet@xmpp\.example>;tag=/)
    expect(request.headers.get('To')).toBe(`<${TYBALT}>`)
    // One hop more where every signal takes its wire form inside the house.
    expect(request.headers.get('Max-Forwards')).toMatch(/^6[89]$/)
    expect(request.headers.has('P-XMPP-Data')).toBe(false)
  })

  test('is reached by the transport the route says', async () => {
    const at = await verona({ routes: [`pbx.example = sip:${PBX}:5060;transport=tcp`] })
    const pbx = await party(at)
    const juliet = await at.client('juliet')
    juliet.send(message('tybalt@pbx.example', 'Over TCP'))
    expect((await pbx.received()).headers.get('Via')).toMatch(/^SIP\/2\.0\/TCP /)
  })

  for (const [status, expected] of [
    [404, 'item-not-found'],
    [486, 'recipient-unavailable'],
    [503, 'internal-server-error'],
  ] as const)
    test(`says ${status}, and the client reads ${expected}`, async () => {
      const at = await verona({ routes })
      const pbx = await party(at)
      pbx.answer = status
      const juliet = await at.client('juliet')
      juliet.send(message('tybalt@pbx.example', 'There?', { id: 'm' }))
      expect(condition(await juliet.receive())).toBe(expected)
    })

  test('that is away ends a message with remote-server-timeout, and those behind it at once', async () => {
    const at = await verona({ routes, t1Ms: 5 })
    const juliet = await at.client('juliet')
    for (const id of ['1', '2', '3']) juliet.send(message('tybalt@pbx.example', 'There?', { id }))
    for (const id of ['1', '2', '3']) {
      const back = await juliet.receive()
      expect([back.attr('id'), condition(back)]).toEqual([id, 'remote-server-timeout'])
    }
  })

  test('that nobody listens at over TCP is a server that was not found', async () => {
    const at = await verona({ routes: [`pbx.example = sip:${PBX};transport=tcp`] })
    const juliet = await at.client('juliet')
    juliet.send(message('tybalt@pbx.example', 'There?'))
    expect(condition(await juliet.receive())).toBe('remote-server-not-found')
  })

  test('gets one message after the other for each of its users', async () => {
    const at = await verona({ routes })
    const pbx = await party(at)
    let answerFirst: () => void = () => {}
    const held = new Promise<void>((resolve) => {
      answerFirst = resolve
    })
    pbx.answer = async (request) => {
      if (request.body.toString() === 'first') await held
      return response(200)
    }
    const juliet = await at.client('juliet')
    for (const text of ['first', 'second']) juliet.send(message('tybalt@pbx.example', text))
    juliet.send(message('paris@pbx.example', 'another user'))
    expect((await pbx.received()).body.toString()).toBe('first')
    expect((await pbx.received()).body.toString()).toBe('another user')
    answerFirst()
    expect((await pbx.received()).body.toString()).toBe('second')
  })

  test('is asked nothing that only an XMPP server would answer', async () => {
    const at = await verona({ routes })
    const pbx = await party(at)
    const juliet = await at.client('juliet')
    juliet.send(ask('tybalt@pbx.example/orchard'))
    juliet.send(ask('pbx.example', 'r'))
    for (const id of ['q', 'r']) {
      const back = await juliet.receive()
      expect([back.attr('id'), condition(back)]).toEqual([id, 'service-unavailable'])
    }
    expect(pbx.requests).toHaveLength(0)
  })

  test('gets no chat state, and nobody hears of it', async () => {
    const at = await verona({ routes })
    const pbx = await party(at)
    const juliet = await at.client('juliet')
    juliet.send(
      el('message', NS_CLIENT, { to: 'tybalt@pbx.example', type: 'chat' }, el('composing', 'http://jabber.org/protocol/chatstates')),
    )
    juliet.send(message('tybalt@pbx.example', 'Words'))
    expect((await pbx.received()).body.toString()).toBe('Words')
  })

  test('brings the messages of its own users, who need no password here', async () => {
    const at = await verona({ routes })
    const pbx = await party(at)
    const juliet = await at.client('juliet')
    expect((await pbx.message(TYBALT, JULIET, 'Peace? I hate the word')).status).toBe(200)
    const got = await juliet.receive()
    expect(got.attr('from')).toBe('tybalt@pbx.example')
    expect(got.child('body')?.text()).toBe('Peace? I hate the word')
  })

  test('speaks for nobody else: not for a stranger, not for an account of ours', async () => {
    const at = await verona({ routes })
    const pbx = await party(at)
    expect((await pbx.message('sip:paris@mantua.example', JULIET, 'Juliet?')).status).toBe(403)
    expect((await pbx.message('sip:romeo@xmpp.example', JULIET, 'It is me')).status).toBe(407)
  })

  test('is not who only says so', async () => {
    const at = await verona({ routes })
    const stranger = await party(at, OTHER)
    expect((await stranger.message(TYBALT, JULIET, 'Peace')).status).toBe(403)
  })

  test('cannot put a stanza into its message', async () => {
    const heard = new Heard()
    const at = await verona({ routes, log: heard.log })
    const pbx = await party(at)
    const juliet = await at.client('juliet')
    const data = "<message id='forged' type='headline'><nick xmlns='http://jabber.org/protocol/nick'>Romeo</nick></message>"
    await pbx.message(TYBALT, JULIET, 'Words', [['P-XMPP-Data', data]])
    const got = await juliet.receive()
    expect(got.attr('id')).not.toBe('forged')
    expect(got.child('nick', 'http://jabber.org/protocol/nick')).toBeUndefined()
    await heard.fact({ what: 'xmpp_data_ignored' })
    expect((await pbx.send('INFO', TYBALT, JULIET, '', [['P-XMPP-Data', "<iq type='get' id='1'/>"]])).status).toBe(405)
  })

  test('is reached by our telephones, which it does not learn the password of', async () => {
    const at = await verona({ routes })
    const pbx = await party(at)
    const phone = await at.phone('romeo')
    expect((await phone.message(TYBALT, 'Good Tybalt', { headers: [['Route', '<sip:192.0.2.1;lr>']] })).status).toBe(200)
    const request = await pbx.received()
    expect(request.headers.get('From')).toContain('sip:romeo@xmpp.example')
    expect(request.headers.has('Proxy-Authorization')).toBe(false)
    expect(request.headers.has('Route')).toBe(false)
    expect(request.headers.get('Max-Forwards')).toBe('69')
    // A drachtio server writes the Via itself, and only its own.
    expect(request.headers.all('Via').length).toBe(at.drachtio ? 1 : 2)
  })

  test('is asked by our telephones what it can, and asks us', async () => {
    const at = await verona({ routes })
    const pbx = await party(at)
    pbx.answer = 486
    const phone = await at.phone('romeo')
    expect((await phone.options(TYBALT)).status).toBe(486)
    const own = await pbx.send('OPTIONS', TYBALT, 'sip:192.0.2.1', '')
    expect([own.status, own.headers.has('Allow')]).toEqual([200, true])
  })

  test('is asked no question whose answer would not be believed', async () => {
    const at = await verona({ routes: [{ match: 'pbx.example', to: `sip:${PBX}`, xmppData: 'header' }] })
    const pbx = await party(at)
    const juliet = await at.client('juliet')
    juliet.send(ask('tybalt@pbx.example/orchard'))
    expect(condition(await juliet.receive())).toBe('service-unavailable')
    juliet.send(message('tybalt@pbx.example', 'Words', { id: 'm' }))
    expect((await pbx.received()).headers.get('P-XMPP-Data')).toContain("id='m'")
  })

  test('does not get back what it sent for its own domain', async () => {
    const at = await verona({ routes })
    const pbx = await party(at)
    expect((await pbx.message(TYBALT, 'sip:paris@pbx.example', 'Who has Paris?')).status).toBe(404)
    expect(pbx.requests).toHaveLength(0)
  })

  test('is told by a 500 that another one behind us is overloaded, never by a 503 of ours', async () => {
    const at = await verona({ routes: [...routes, `carrier.example = sip:${OTHER}`] })
    const pbx = await party(at)
    const carrier = await party(at, OTHER)
    carrier.answer = () => response(503, undefined, [['Retry-After', '7']])
    for (let i = 0; i < 2; i++) {
      const answer = await pbx.message(TYBALT, 'sip:paris@carrier.example', 'Paris?')
      expect([answer.status, answer.headers.get('Retry-After')]).toEqual([500, '7'])
    }
    expect(carrier.requests, 'it asked to be left alone').toHaveLength(1)
  })

  test('may not reach others through a NoRelay: route, which our own accounts may', async () => {
    const at = await verona({ routes: [...routes, `NoRelay:carrier.example = sip:${OTHER}`] })
    const pbx = await party(at)
    const carrier = await party(at, OTHER)
    expect((await pbx.message(TYBALT, 'sip:paris@carrier.example', 'Paris?')).status).toBe(403)
    const juliet = await at.client('juliet')
    juliet.send(message('paris@carrier.example', 'Paris?'))
    expect((await carrier.received()).body.toString()).toBe('Paris?')
  })

  test('never gets a body part that only the header it may not see explains', async () => {
    const at = await verona({ routes: [...routes, { match: 'node.example', to: `sip:${OTHER}`, trusted: true }] })
    const pbx = await party(at)
    const node = await party(at, OTHER)
    const xml = Buffer.from("<message id='m' type='chat'><secret xmlns='urn:example:s'>of the house</secret></message>").toString('base64')
    const body = [
      '--b',
      'Content-Type: text/plain;charset=UTF-8',
      '',
      'Words',
      '--b',
      'Content-Type: application/xmpp+xml',
      'Content-ID: <1@node.example>',
      'Content-Transfer-Encoding: base64',
      '',
      xml,
      '--b--',
      '',
    ].join('\r\n')
    const fields = [
      ['Content-Type', 'multipart/mixed;boundary=b'],
      ['P-XMPP-Data', 'cid:1@node.example'],
    ] as const
    expect((await node.send('MESSAGE', 'sip:benvolio@node.example', TYBALT, body, fields)).status).toBe(200)
    const request = await pbx.received()
    expect(request.body.toString()).toBe('Words')
    expect(request.headers.get('Content-Type')).toMatch(/^text\/plain/)
    expect(request.headers.has('P-XMPP-Data')).toBe(false)
    expect(request.headers.get('From')).toContain('sip:benvolio@node.example')
  })
})
