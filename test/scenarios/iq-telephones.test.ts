/** What a client asks of a telephone: answered by the gateway, of what the telephone says of itself, and only to who may see it. No INFO ever reaches one. */
import { describe, expect, test } from 'vitest'
import { response } from '../../src/sip/message.ts'
import { el } from '../../src/xml/element.ts'
import { NS_CLIENT } from '../support/client.ts'
import { befriend } from '../support/friends.ts'
import { Phone } from '../support/phone.ts'
import { ABOUT, ask, askAtOnce, featuresIn, formIn, methodsTo, NS, payload } from '../support/questions.ts'
import { verona } from '../support/routed-town.ts'
import { condition, errorText } from '../support/stanzas.ts'
import { DOMAIN, GATEWAY, PASSWORD, type Town } from '../support/town.ts'

const INSTANCE = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'
const DESK = `romeo@${DOMAIN}/${INSTANCE}`
/** Romeo's telephone, with an instance; it has not said what it is able to do. */
async function desk(at: Town, fields: readonly (readonly [string, string])[] = [], host = '192.0.2.90'): Promise<Phone> {
  const identity = {
    user: 'romeo',
    domain: DOMAIN,
    password: PASSWORD,
    instance: INSTANCE,
    proxy: { transport: 'udp' as const, ...GATEWAY },
  }
  const phone = await Phone.on(at.network.join({ host, timers: { t1Ms: 20 } }), identity)
  expect((await phone.register(3_600, { headers: fields })).status).toBe(200)
  return phone
}

describe('a telephone of an account', () => {
  test('says what it is and what it is able to do, as it was learned when it registered: nothing is asked of it', async () => {
    const at = await verona({})
    const { juliet } = await befriend(at, 'romeo', 'juliet')
    const phone = await desk(at, ABOUT)
    const info = await ask(juliet, DESK, NS.info)
    const identity = payload(info).child('identity')
    expect([identity?.attr('category'), identity?.attr('type')]).toEqual(['client', 'phone'])
    expect(identity?.attr('name')).toBe('a telephone of the tests')
    expect(featuresIn(info)).toEqual([NS.info, NS.items, NS.last, NS.version, NS.ping, NS.vcard].toSorted())
    // RFC 3261 §20.1: Accept in a request speaks of its answer.
    expect(formIn(info, 'urn:ietf:rfc:3840')).toEqual({
      FORM_TYPE: ['urn:ietf:rfc:3840'],
      'sip.methods': ['INVITE', 'ACK', 'BYE', 'CANCEL', 'MESSAGE', 'OPTIONS'],
    })
    expect(formIn(info, 'urn:xmpp:dataforms:softwareinfo')).toMatchObject({ software: ['a telephone of the tests'] })
    expect(methodsTo(phone)).toEqual([])
    expect(payload(await ask(juliet, DESK, NS.items)).elements()).toEqual([])
  })

  test('that has said nothing is asked by OPTIONS, once; who asks at the same time hears the same', async () => {
    const at = await verona({})
    const { juliet } = await befriend(at, 'romeo', 'juliet')
    const phone = await desk(at)
    phone.answer = () =>
      response(200, 'OK', [...ABOUT, ['Contact', `<${phone.contact}>;audio;video="FALSE";automata`], ['Server', 'Nurse/1.2']])
    const [first, second] = await askAtOnce(juliet, DESK, NS.info, 2)
    if (!first || !second) throw new Error('there are two answers')
    expect(payload(first).child('identity')?.attr('type')).toBe('bot')
    expect(formIn(first, 'urn:ietf:rfc:3840')).toMatchObject({
      'sip.audio': ['TRUE'],
      'sip.automata': ['TRUE'],
      type: ['application/sdp', 'text/plain'],
    })
    expect(formIn(first, 'urn:ietf:rfc:3840')).not.toHaveProperty('sip.video')
    expect(payload(second).child('identity')?.attr('name')).toBe('Nurse')
    await ask(juliet, DESK, NS.info)
    expect(methodsTo(phone)).toEqual(['OPTIONS'])
    const [options] = phone.requests
    expect(options?.uri).toBe(phone.contact)
    expect(options?.headers.get('From')).toMatch(/^<sip:xmpp\.example>;tag=/)
    expect(options?.headers.get('To')).toBe('<sip:romeo@xmpp.example>')
  })

  test('offers chat states and receipts when it has shown that it reads them, be it in its answer', async () => {
    const at = await verona({})
    const { juliet } = await befriend(at, 'romeo', 'juliet')
    const phone = await desk(at)
    phone.answer = () => response(200, 'OK', [...ABOUT, ['Accept', 'application/im-iscomposing+xml, message/cpim;x=1, message/imdn+xml']])
    const offered = featuresIn(await ask(juliet, DESK, NS.info))
    expect(offered).toEqual(
      expect.arrayContaining(['http://jabber.org/protocol/chatstates', 'urn:xmpp:chat-markers:0', 'urn:xmpp:receipts']),
    )
    phone.answer = 200
    juliet.send(el('message', NS_CLIENT, { to: DESK, type: 'chat' }, el('composing', 'http://jabber.org/protocol/chatstates')))
    await phone.received()
    expect((await phone.received()).headers.get('Content-Type')).toBe('application/im-iscomposing+xml')
  })

  // RFC 3261 §11.2: what would be said to an INVITE. Somebody is there to say it.
  test.each([200, 202, 302, 405, 415, 486, 488, 501, 600, 603])('answers a ping when it answers OPTIONS with %i', async (status) => {
    const at = await verona({})
    const { juliet } = await befriend(at, 'romeo', 'juliet')
    const phone = await desk(at)
    phone.answer = status
    const pong = await ask(juliet, DESK, NS.ping, 'ping')
    expect([pong.attr('type'), pong.elements().length]).toEqual(['result', 0])
    expect(methodsTo(phone)).toEqual(['OPTIONS'])
  })

  test.each([
    [403, 'forbidden'],
    [404, 'item-not-found'],
    [408, 'remote-server-timeout'],
    [480, 'recipient-unavailable'],
    [503, 'internal-server-error'],
    [604, 'item-not-found'],
  ])('is not there when what stands before it says %i', async (status, expected) => {
    const at = await verona({})
    const { juliet } = await befriend(at, 'romeo', 'juliet')
    const phone = await desk(at)
    phone.answer = status
    const refused = await ask(juliet, DESK, NS.ping, 'ping')
    expect(condition(refused)).toBe(expected)
    expect(errorText(refused)).toContain(`SIP says: ${status}`)
  })

  test('that is silent ends a ping with remote-server-timeout, and other answers do not wait for it', async () => {
    const at = await verona({ t1Ms: 10 })
    const { juliet } = await befriend(at, 'romeo', 'juliet')
    const phone = await desk(at, ABOUT)
    phone.answer = 'never'
    const pong = ask(juliet, DESK, NS.ping, 'ping')
    expect(condition(await pong)).toBe('remote-server-timeout')
    // What it said when it registered is true all the same.
    expect(
      payload(await ask(juliet, DESK, NS.version))
        .child('name')
        ?.text(),
    ).toBe('a telephone of the tests')
    await phone.stop()
  })

  test('says its software, and its time only where its answer has a Date', async () => {
    const at = await verona({})
    const { juliet } = await befriend(at, 'romeo', 'juliet')
    const phone = await desk(at, [])
    phone.answer = () => response(200, 'OK', [['User-Agent', 'baresip v1.0.0 (x86_64/linux)']])
    const none = await ask(juliet, DESK, NS.time, 'time')
    expect(condition(none)).toBe('feature-not-implemented')
    const version = payload(await ask(juliet, DESK, NS.version))
    expect([version.child('name')?.text(), version.child('version')?.text()]).toEqual(['baresip', '1.0.0'])

    const ahead = new Date(Date.now() + 3_600_000).toUTCString()
    phone.answer = () => response(200, 'OK', [['Date', ahead]])
    await ask(juliet, DESK, NS.ping, 'ping')
    const time = payload(await ask(juliet, DESK, NS.time, 'time'), 'time')
    expect(time.child('tzo')?.text()).toBe('Z')
    expect(Math.abs(Date.parse(time.child('utc')?.text() ?? '') - Date.parse(ahead))).toBeLessThan(3_000)
    expect(featuresIn(await ask(juliet, DESK, NS.info))).toContain(NS.time)
  })

  test('was heard of when it registered last, and has a card with its name and its addresses', async () => {
    const at = await verona({})
    const { juliet } = await befriend(at, 'romeo', 'juliet')
    await desk(at)
    const last = payload(await ask(juliet, DESK, NS.last))
    expect(Number(last.attr('seconds'))).toBeLessThan(60)
    const card = payload(await ask(juliet, DESK, NS.vcard, 'vCard'), 'vCard')
    expect(card.child('FN')?.text()).toBe('romeo@xmpp.example')
    expect(card.child('JABBERID')?.text()).toBe('romeo@xmpp.example')
    expect(card.child('URL')?.text()).toBe('sip:romeo@xmpp.example')
    expect(card.child('TEL')).toBeUndefined()
  })

  test('takes nothing else: whatever is asked or set is refused, with a reason, and never an INFO', async () => {
    const at = await verona({})
    const { juliet } = await befriend(at, 'romeo', 'juliet')
    const phone = await desk(at)
    for (const [type, ns, name] of [
      ['set', NS.vcard, 'vCard'],
      ['get', 'http://jabber.org/protocol/pubsub', 'pubsub'],
      ['set', 'urn:xmpp:jingle:1', 'jingle'],
      ['get', 'jabber:iq:roster', 'query'],
    ] as const) {
      const refused = await ask(juliet, DESK, ns, name, type)
      expect([condition(refused), errorText(refused)]).toEqual(['service-unavailable', 'This is not offered here'])
    }
    juliet.send(el('iq', NS_CLIENT, { type: 'result', to: DESK, id: 'nobody-asked' }))
    expect(condition(await ask(juliet, DESK, 'urn:example:node', 'x'))).toBe('service-unavailable')
    expect(methodsTo(phone)).toEqual([])
  })

  test('is hidden from who may not see it: he hears what he would hear if there were none', async () => {
    const at = await verona({})
    const phone = await desk(at, ABOUT)
    const nurse = await at.client('nurse')
    for (const [ns, name] of [
      [NS.info, 'query'],
      [NS.items, 'query'],
      [NS.ping, 'ping'],
      [NS.version, 'query'],
      [NS.last, 'query'],
      [NS.vcard, 'vCard'],
      ['urn:example:node', 'query'],
    ] as const) {
      const [there, notThere, nobody] = [
        await ask(nurse, DESK, ns, name),
        await ask(nurse, `romeo@${DOMAIN}/nowhere`, ns, name),
        await ask(nurse, `balthasar@${DOMAIN}/${INSTANCE}`, ns, name),
      ].map((refused) => [condition(refused), errorText(refused), refused.child('error')?.attr('type')])
      expect(there).toEqual(['service-unavailable', 'This device is not there', 'cancel'])
      expect(notThere).toEqual(there)
      expect(nobody).toEqual(there)
    }
    expect(methodsTo(phone)).toEqual([])
    // Its own account sees it always.
    const romeo = await at.client('romeo')
    expect((await ask(romeo, DESK, NS.ping, 'ping')).attr('type')).toBe('result')
  })
})

describe('an account', () => {
  test('says to those who may see it that it is one, and to nobody else', async () => {
    const at = await verona({})
    const { juliet } = await befriend(at, 'romeo', 'juliet')
    const info = await ask(juliet, `romeo@${DOMAIN}`, NS.info)
    const identity = payload(info).child('identity')
    expect([identity?.attr('category'), identity?.attr('type')]).toEqual(['account', 'registered'])
    const offered = featuresIn(info)
    expect(offered).toEqual([NS.info, NS.items, NS.ping])
    for (const ns of offered)
      expect((await ask(juliet, `romeo@${DOMAIN}`, ns ?? '', ns === NS.ping ? 'ping' : 'query')).attr('type')).toBe('result')
    // Its list is its owner's.
    expect(condition(await ask(juliet, `romeo@${DOMAIN}`, 'jabber:iq:roster'))).toBe('service-unavailable')
    expect(condition(await ask(juliet, `romeo@${DOMAIN}`, 'jabber:iq:roster', 'query', 'set'))).toBe('forbidden')

    const nurse = await at.client('nurse')
    const hidden = await ask(nurse, `romeo@${DOMAIN}`, NS.info)
    const nobody = await ask(nurse, `balthasar@${DOMAIN}`, NS.info)
    expect([condition(hidden), errorText(hidden)]).toEqual([condition(nobody), errorText(nobody)])
    expect(condition(hidden)).toBe('service-unavailable')
  })
})
