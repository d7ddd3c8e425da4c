import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { deriveCredentials } from '../../src/account/credentials.ts'
import { Jid } from '../../src/address/jid.ts'
import { el } from '../../src/xml/element.ts'
import { NS_CLIENT } from '../support/client.ts'
import { condition, errorText, message } from '../support/stanzas.ts'
import { PASSWORD, type Town, town } from '../support/town.ts'

let verona: Town
beforeEach(async () => {
  verona = await town()
})
afterEach(() => verona.stop())

const GREEK_ARABIC_EMOJI = 'Καλημέρα — صباح الخير — 👩‍🚀🎉'

describe('a telephone', () => {
  test('registers with the password of the account and shows up in the answer', async () => {
    const phone = await verona.phone('romeo', { registered: false })
    const answer = await phone.register(600)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('Contact')).toContain(phone.contact)
    expect(answer.headers.get('Contact')).toContain('expires=600')
  })

  test('is asked for less time than a minute in vain, and told how little will do', async () => {
    const phone = await verona.phone('romeo', { registered: false })
    const answer = await phone.register(5)
    expect(answer.status).toBe(423)
    expect(answer.headers.get('Min-Expires')).toBe('60')
  })

  test('gets the message of a client as a MESSAGE and answers it', async () => {
    const juliet = await verona.client('juliet', 'balcony')
    const phone = await verona.phone('romeo')
    juliet.send(message('romeo@xmpp.example', GREEK_ARABIC_EMOJI, { id: 'm1' }, el('subject', NS_CLIENT, {}, 'Γειά')))
    const request = await phone.received()
    expect(request.method).toBe('MESSAGE')
    expect(request.body.toString()).toBe(GREEK_ARABIC_EMOJI)
    expect(request.headers.get('From')).toMatch(/^<sip:juliet@xmpp\.example>;tag=/)
    expect(request.headers.get('To')).toBe('<sip:romeo@xmpp.example>')
    expect(request.headers.get('Subject')).toBe('Γειά')
    expect(request.headers.get('P-XMPP-Data')).toContain("id='m1'")
    await phone.message('sip:juliet@xmpp.example', 'Ναι 👍')
    const got = await juliet.receive()
    expect(got.child('body')?.text()).toBe('Ναι 👍')
    expect(got.attr('from')).toBe('romeo@xmpp.example')
    expect(got.attr('type')).toBe('chat')
  })

  test('gets 200 for a message that a client has, and 600 where nobody is there', async () => {
    const phone = await verona.phone('romeo')
    const juliet = await verona.client('juliet')
    expect((await phone.message('sip:juliet@xmpp.example', 'Hist!')).status).toBe(200)
    await juliet.receive()
    expect((await phone.message('sip:nurse@xmpp.example', 'Nurse?')).status).toBe(600)
  })

  test('gets 404 for a name nobody has, and for a domain nobody knows', async () => {
    const phone = await verona.phone('romeo')
    expect((await phone.message('sip:mercutio@xmpp.example', 'Mercutio?')).status).toBe(404)
    expect((await phone.message('sip:paris@mantua.example', 'Paris?')).status).toBe(404)
  })

  test('reaches another telephone', async () => {
    const romeo = await verona.phone('romeo')
    const nurse = await verona.phone('nurse')
    expect((await romeo.message('sip:nurse@xmpp.example', 'Good morrow')).status).toBe(200)
    expect((await nurse.received()).body.toString()).toBe('Good morrow')
  })

  test('and the client of the same account both get what is sent to it', async () => {
    const juliet = await verona.client('juliet')
    const romeo = await verona.client('romeo', 'orchard')
    const phone = await verona.phone('romeo')
    juliet.send(message('romeo@xmpp.example', 'Both of you'))
    expect((await romeo.receive()).child('body')?.text()).toBe('Both of you')
    expect((await phone.received()).body.toString()).toBe('Both of you')
  })

  test('does not get what is sent to the client alone', async () => {
    const juliet = await verona.client('juliet')
    const romeo = await verona.client('romeo', 'orchard')
    const phone = await verona.phone('romeo')
    juliet.send(message('romeo@xmpp.example/orchard', 'You alone'))
    juliet.send(message('romeo@xmpp.example', 'Both'))
    await romeo.receive()
    expect((await phone.received()).body.toString()).toBe('Both')
  })

  test('that has unregistered gets nothing more', async () => {
    const juliet = await verona.client('juliet')
    const phone = await verona.phone('romeo')
    await phone.unregister()
    juliet.send(message('romeo@xmpp.example', 'Gone?'))
    expect(condition(await juliet.receive())).toBe('recipient-unavailable')
  })

  test('never gets a chat state as text, and the sender hears nothing of it', async () => {
    const juliet = await verona.client('juliet')
    const phone = await verona.phone('romeo')
    juliet.send(
      el('message', NS_CLIENT, { to: 'romeo@xmpp.example', type: 'chat' }, el('composing', 'http://jabber.org/protocol/chatstates')),
    )
    juliet.send(message('romeo@xmpp.example', 'Words'))
    expect((await phone.received()).body.toString()).toBe('Words')
    expect(phone.requests.filter(({ method }) => method === 'MESSAGE')).toHaveLength(1)
  })

  test('whose user has an @ in it can be written to and answers', async () => {
    const jid = Jid.parse('paris\\40mantua@xmpp.example')
    verona.store.accounts.add(jid, await deriveCredentials(jid, PASSWORD, { telephones: true, rounds: 4_096 }))
    const juliet = await verona.client('juliet')
    const phone = await verona.phone('paris%40mantua')
    juliet.send(message('paris\\40mantua@xmpp.example', 'Paris?'))
    expect((await phone.received()).headers.get('To')).toBe('<sip:paris%40mantua@xmpp.example>')
    await phone.message('sip:juliet@xmpp.example', 'Yes')
    expect((await juliet.receive()).attr('from')).toBe('paris\\40mantua@xmpp.example')
  })
})

describe('what a telephone says comes back as what it means', () => {
  for (const [status, expected] of [
    [404, 'item-not-found'],
    [415, 'not-acceptable'],
    [480, 'recipient-unavailable'],
    [486, 'recipient-unavailable'],
    [500, 'internal-server-error'],
    [603, 'recipient-unavailable'],
  ] as const) {
    test(`${status} is ${expected}`, async () => {
      const juliet = await verona.client('juliet')
      const phone = await verona.phone('romeo')
      phone.answer = status
      juliet.send(message('romeo@xmpp.example', 'Art thou there?', { id: 'm' }))
      const back = await juliet.receive()
      expect(back.attr('id')).toBe('m')
      expect(condition(back)).toBe(expected)
    })
  }

  test('silence is remote-server-timeout after Timer F; fifty messages end together and nobody else waits', async () => {
    const juliet = await verona.client('juliet')
    const nurse = await verona.client('nurse')
    const phone = await verona.phone('romeo')
    phone.answer = 'never'
    for (let i = 0; i < 50; i++) juliet.send(message('romeo@xmpp.example', String(i)))
    await phone.received()
    juliet.send(message('nurse@xmpp.example', 'Nurse!'))
    expect((await nurse.receive()).child('body')?.text()).toBe('Nurse!')
    for (let i = 0; i < 50; i++) {
      const back = await juliet.receive()
      expect(condition(back)).toBe('remote-server-timeout')
    }
    // RFC 3428 §8: one at a time, so it has seen only the first.
    expect(phone.requests.filter(({ method }) => method === 'MESSAGE')).toHaveLength(1)
  })
})

describe('a stranger', () => {
  test('with a wrong password is asked again and not registered', async () => {
    for (const [name, password] of [
      ['romeo', 'wrong'],
      ['mercutio', PASSWORD],
    ] as const) {
      const phone = await verona.phone(name, { registered: false, password })
      expect((await phone.register()).status).toBe(401)
    }
  })

  test('without credentials is asked for them before a MESSAGE goes anywhere', async () => {
    const juliet = await verona.client('juliet')
    const phone = await verona.phone('romeo', { registered: false, password: undefined })
    expect((await phone.message('sip:juliet@xmpp.example', 'Trust me')).status).toBe(407)
    juliet.send(message('juliet@xmpp.example', 'only this'))
    expect((await juliet.receive()).child('body')?.text()).toBe('only this')
  })

  test('who is somebody else by his From is asked for the password of that one', async () => {
    const phone = await verona.phone('romeo')
    const answer = await phone.message('sip:juliet@xmpp.example', 'I am the nurse', {
      headers: [['From', '<sip:nurse@xmpp.example>;tag=x']],
    })
    expect([400, 407]).toContain(answer.status)
  })

  test('gets 405 for INFO, 501 for what is no method, 420 for an unknown extension, 416 for tel:, 403 for sips:', async () => {
    const phone = await verona.phone('romeo')
    const info = await phone.request('INFO', 'sip:juliet@xmpp.example')
    expect(info.status).toBe(405)
    // A drachtio server hands on the methods it was asked for, and answers others itself.
    expect((await phone.request('DANCE', 'sip:juliet@xmpp.example')).status).toBe(verona.drachtio ? 503 : 501)
    const required = await phone.request('MESSAGE', 'sip:juliet@xmpp.example', { headers: [['Require', 'nothing-we-know']] })
    expect(required.status).toBe(420)
    expect(required.headers.get('Unsupported')).toBe('nothing-we-know')
    expect((await phone.request('MESSAGE', 'tel:+4930123')).status).toBe(416)
    expect((await phone.request('MESSAGE', 'sips:juliet@xmpp.example')).status).toBe(403)
  })

  test('cannot forge P-XMPP-Data from a telephone', async () => {
    const juliet = await verona.client('juliet')
    const phone = await verona.phone('romeo')
    const forged = `<message xmlns='jabber:client' from='nurse@xmpp.example' type='groupchat'><x xmlns='urn:example:forged'/></message>`
    await phone.message('sip:juliet@xmpp.example', 'Plain', { headers: [['P-XMPP-Data', forged]] })
    const got = await juliet.receive()
    expect(got.attr('from')).toBe('romeo@xmpp.example')
    expect(got.attr('type')).toBe('chat')
    expect(got.child('x', 'urn:example:forged')).toBeUndefined()
  })

  test('of a trusted network is believed: its P-XMPP-Data counts, and iq comes as INFO', async () => {
    await verona.stop()
    verona = await town({ trusted: ['192.0.2.0/24'] })
    const juliet = await verona.client('juliet', 'balcony')
    const node = await verona.phone('romeo', { registered: false })
    const data = `<message xmlns='jabber:client' id='far' type='headline'><x xmlns='urn:example:kept'/></message>`
    await node.message('sip:juliet@xmpp.example', 'News', { headers: [['P-XMPP-Data', data]] })
    const got = await juliet.receive()
    expect(got.attr('type')).toBe('headline')
    expect(got.child('x', 'urn:example:kept')).toBeDefined()
    const iq = `<iq xmlns='jabber:client' type='get' id='v'><query xmlns='jabber:iq:version'/></iq>`
    const answered = node.request('INFO', 'sip:juliet@xmpp.example;gr=balcony', { headers: [['P-XMPP-Data', iq]] })
    const asked = await juliet.receive()
    expect(asked.attr('type')).toBe('get')
    juliet.send(
      el(
        'iq',
        NS_CLIENT,
        { type: 'result', id: asked.attr('id'), to: asked.attr('from') },
        el('query', 'jabber:iq:version', {}, el('name', 'jabber:iq:version', {}, 'Lute')),
      ),
    )
    const response = await answered
    expect(response.status).toBe(200)
    expect(response.headers.get('P-XMPP-Data')).toContain('Lute')
  })
})

test('iq to a telephone is answered for it', async () => {
  const juliet = await verona.client('juliet')
  await verona.phone('romeo')
  juliet.send(
    el('iq', NS_CLIENT, { type: 'get', id: 'd', to: 'romeo@xmpp.example/phone' }, el('query', 'http://jabber.org/protocol/disco#info')),
  )
  const back = await juliet.receive()
  expect(condition(back)).toBe('service-unavailable')
  expect(errorText(back)).not.toBe('')
})
