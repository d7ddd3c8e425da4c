/** What became of a message: XEP-0184, XEP-0333 and IMDN (RFC 5438), both ways; and what else of a message a telephone is spared. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { response, type SipRequest } from '../../src/sip/message.ts'
import { type Element, el } from '../../src/xml/element.ts'
import { type Client, NS_CLIENT, NS_STANZAS } from '../support/client.ts'
import type { Phone } from '../support/phone.ts'
import { party, TYBALT, verona } from '../support/routed-town.ts'
import { cpim, imdn, NS_MARKERS, NS_RECEIPTS, sign, type Wrapper } from '../support/signs.ts'
import { message } from '../support/stanzas.ts'
import { type Town, town } from '../support/town.ts'

const JULIET = 'sip:juliet@xmpp.example'
const ROMEO = 'romeo@xmpp.example'
const REQUEST = el('request', NS_RECEIPTS)
const EVERYTHING = 'positive-delivery, negative-delivery, display'

let at: Town
let juliet: Client
let phone: Phone
beforeEach(async () => {
  at = await town()
  juliet = await at.client('juliet')
  phone = await at.phone('romeo')
})
afterEach(() => at.stop())

const says = (text: string, wrapper: Wrapper) =>
  phone.request('MESSAGE', JULIET, { contentType: 'message/cpim', body: cpim(text, wrapper) })
const tells = (about: string, kind: 'delivery' | 'display' | 'processing', status: string) =>
  says(imdn(about, kind, status), { id: 'd834jied93rf', type: 'message/imdn+xml' })
const received = (id: string) => sign(ROMEO, el('received', NS_RECEIPTS, { id }), { id: 'r1' })
const displayed = (id: string) => sign(ROMEO, el('displayed', NS_MARKERS, { id }), { id: 'r2' })
const typeOf = ({ headers }: SipRequest) => headers.get('Content-Type')
const bodyOf = (stanza: Element) => stanza.child('body')?.text()

/** The next thing the telephone gets is this, and so nothing was before it. */
async function nextIs(text: string): Promise<void> {
  juliet.send(message(ROMEO, text))
  expect((await phone.received()).body.toString()).toBe(text)
}

describe('a client that asks for receipts', () => {
  const ask = (id = 'richard2-4.1.247') => juliet.send(message(ROMEO, 'My lord, dispatch', { id }, REQUEST, el('markable', NS_MARKERS)))

  test('asks no telephone that has not shown to know them', async () => {
    ask()
    const request = await phone.received()
    expect(typeOf(request)).toBe('text/plain;charset=UTF-8')
    expect(request.body.toString()).toBe('My lord, dispatch')
  })

  test('asks a telephone that knows them, and is told of delivery and display', async () => {
    await says('I know CPIM', { id: 'm1', wishes: EVERYTHING })
    await juliet.receive()
    ask()
    const request = await phone.received()
    expect(typeOf(request)).toBe('message/cpim')
    expect(request.body.toString()).toContain('imdn.Message-ID: richard2-4.1.247\r\n')
    expect(request.body.toString()).toContain('imdn.Disposition-Notification: positive-delivery, negative-delivery, display\r\n')
    expect((await tells('richard2-4.1.247', 'delivery', 'delivered')).status).toBe(200)
    const receipt = await juliet.receive()
    expect(receipt.child('received', NS_RECEIPTS)?.attr('id')).toBe('richard2-4.1.247')
    expect(receipt.attr('from')).toBe(ROMEO)
    expect(receipt.child('body')).toBeUndefined()
    await tells('richard2-4.1.247', 'display', 'displayed')
    expect((await juliet.receive()).child('displayed', NS_MARKERS)?.attr('id')).toBe('richard2-4.1.247')
  })

  test('is not told of a delivery by a 200', async () => {
    await says('I know CPIM', { id: 'm1', wishes: EVERYTHING })
    await juliet.receive()
    ask()
    await phone.received()
    await phone.message(JULIET, 'Words')
    expect(bodyOf(await juliet.receive())).toBe('Words')
  })

  test('hears nothing of what XMPP has no word for', async () => {
    for (const [kind, status] of [
      ['processing', 'stored'],
      ['delivery', 'forbidden'],
      ['display', 'error'],
    ] as const)
      expect((await tells('x', kind, status)).status).toBe(200)
    await phone.message(JULIET, 'Words')
    expect(bodyOf(await juliet.receive())).toBe('Words')
  })

  test('reaches a telephone that takes CPIM no longer as plain text, and it is not tried again', async () => {
    await says('I know CPIM', { id: 'm1', wishes: EVERYTHING })
    await juliet.receive()
    phone.answer = ({ headers }) => response(headers.get('Content-Type') === 'message/cpim' ? 415 : 200)
    ask('a1')
    ask('a2')
    const [refused, plain] = [await phone.received(), await phone.received()]
    expect([typeOf(refused), typeOf(plain)]).toEqual(['message/cpim', 'text/plain;charset=UTF-8'])
    expect(plain.body.toString()).toBe('My lord, dispatch')
    expect(plain.headers.get('CSeq')).toBe('2 MESSAGE')
    expect(plain.headers.get('Call-ID')).toBe(refused.headers.get('Call-ID'))
    expect(typeOf(await phone.received())).toBe('text/plain;charset=UTF-8')
    await nextIs('Words')
  })
})

describe('a telephone that asks for receipts', () => {
  test('is told of delivery and display, once each, by the DateTime and the route of its message', async () => {
    const routes = ['<sip:relay1@example.net>', '<sip:relay2@example.net>']
    await says('Art thou there?', { id: '34jk324j', wishes: EVERYTHING, routes, dateTime: '2026-07-01T13:59:58+02:00' })
    const got = await juliet.receive()
    expect(got.attr('id')).toBe('34jk324j')
    expect(got.child('request', NS_RECEIPTS)).toBeDefined()
    expect(got.child('markable', NS_MARKERS)).toBeDefined()
    juliet.send(received('34jk324j'))
    const receipt = await phone.received()
    expect(typeOf(receipt)).toBe('message/cpim')
    const body = receipt.body.toString()
    expect(body).toContain('imdn.IMDN-Route: <sip:relay1@example.net>\r\nimdn.IMDN-Route: <sip:relay2@example.net>\r\n')
    expect(body).toContain('Content-Disposition: notification')
    expect(body).toContain('<message-id>34jk324j</message-id><datetime>2026-07-01T13:59:58+02:00</datetime>')
    expect(body).toContain('<delivery-notification><status><delivered/></status></delivery-notification>')
    expect(body).not.toContain('Disposition-Notification')
    juliet.send(received('34jk324j'))
    juliet.send(displayed('34jk324j'))
    expect((await phone.received()).body.toString()).toContain('<display-notification><status><displayed/>')
    juliet.send(displayed('34jk324j'))
    await nextIs('Words')
  })

  test('is told only what it asked for', async () => {
    await says('Art thou there?', { id: '34jk324j', wishes: 'display' })
    expect((await juliet.receive()).child('request', NS_RECEIPTS)).toBeUndefined()
    juliet.send(received('34jk324j'))
    juliet.send(displayed('34jk324j'))
    expect((await phone.received()).body.toString()).toContain('displayed')
  })

  test('is told that its message failed when the client says so after the 200', async () => {
    expect((await says('Art thou there?', { id: '34jk324j', wishes: 'negative-delivery' })).status).toBe(200)
    await juliet.receive()
    const failed = (id: string) =>
      el(
        'message',
        NS_CLIENT,
        { to: ROMEO, type: 'error', id },
        el('error', NS_CLIENT, { type: 'cancel' }, el('service-unavailable', NS_STANZAS)),
      )
    juliet.send(failed('34jk324j'))
    expect((await phone.received()).body.toString()).toContain('<delivery-notification><status><failed/>')
    juliet.send(failed('34jk324j'))
    juliet.send(failed('of something else'))
    await nextIs('Words')
  })

  test('and one that did not are not told alike', async () => {
    await says('Art thou there?', { id: '34jk324j', wishes: EVERYTHING })
    await juliet.receive()
    const old = await at.phone('romeo')
    juliet.send(received('34jk324j'))
    expect((await phone.received()).body.toString()).toContain('delivered')
    juliet.send(message(ROMEO, 'Words'))
    expect((await old.received()).body.toString()).toBe('Words')
  })

  test('gets none that it did not ask for, and her client hears nothing of it', async () => {
    await phone.message(JULIET, 'Plain')
    const got = await juliet.receive()
    juliet.send(received(got.attr('id') ?? ''))
    juliet.send(displayed(got.attr('id') ?? ''))
    await nextIs('Words')
    await phone.message(JULIET, 'More')
    expect(bodyOf(await juliet.receive())).toBe('More')
  })
})

test('somebody behind a next hop asks for a receipt, and asks nobody else to read one', async () => {
  const place = await verona({ routes: ['pbx.example = sip:192.0.2.200'] })
  const pbx = await party(place)
  const client = await place.client('juliet')
  const body = cpim('Art thou there?', { id: '34jk324j', wishes: EVERYTHING })
  expect((await pbx.send('MESSAGE', TYBALT, JULIET, body, [['Content-Type', 'message/cpim']])).status).toBe(200)
  await client.receive()
  client.send(sign('gregory@pbx.example', el('received', NS_RECEIPTS, { id: '34jk324j' })))
  client.send(sign('tybalt@pbx.example', el('received', NS_RECEIPTS, { id: '34jk324j' })))
  const receipt = await pbx.received()
  expect(receipt.uri).toBe(TYBALT)
  expect(receipt.body.toString()).toContain('<delivered/>')
})

describe('a telephone that keeps one Call-ID', () => {
  test('has a thread from its second message on; others have none', async () => {
    const inCall = (callId: string, text: string) => phone.message(JULIET, text, { callId })
    const callId = 'one-conversation@192.0.2.10'
    const threads: (string | undefined)[] = []
    for (const text of ['One', 'Two', 'Three']) {
      await inCall(callId, text)
      threads.push((await juliet.receive()).child('thread')?.text())
    }
    expect(threads).toEqual([undefined, callId, callId])
    await phone.message(JULIET, 'Another')
    expect((await juliet.receive()).child('thread')).toBeUndefined()
  })
})

describe('what is encrypted', () => {
  const encrypted = el(
    'encrypted',
    'eu.siacs.conversations.axolotl',
    {},
    el('payload', 'eu.siacs.conversations.axolotl', {}, 'Y2lwaGVydGV4dA=='),
  )

  test('reaches a client untouched, and a telephone of the same account as the words that stand for it', async () => {
    const romeo = await at.client('romeo', 'orchard')
    juliet.send(message(ROMEO, 'Encrypted with OMEMO', { id: 'e1' }, encrypted))
    expect((await romeo.receive()).child('encrypted', encrypted.ns)).toEqual(encrypted)
    const request = await phone.received()
    expect(request.body.toString()).toBe('Encrypted with OMEMO')
    expect(request.headers.list.join('\n')).not.toContain('Y2lwaGVydGV4dA')
  })

  test('without such words is told of to the telephone', async () => {
    juliet.send(sign(ROMEO, encrypted, { id: 'e2' }))
    expect((await phone.received()).body.toString()).toBe('[This message is encrypted with OMEMO and cannot be read here.]')
  })
})
