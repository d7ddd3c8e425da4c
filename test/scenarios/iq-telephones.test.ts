/** What a client asks of a telephone: answered by the gateway, of what the telephone says of itself, and only to who may see it. No INFO ever reaches one. */
import { describe, expect, test } from 'vitest'
import { response } from '../../src/sip/message.ts'
import { type Element, el } from '../../src/xml/element.ts'
import { type Client, NS_CLIENT } from '../support/client.ts'
import { befriend, presence, settled } from '../support/friends.ts'
import { Phone } from '../support/phone.ts'
import { PresenceAgent, pidf } from '../support/presence-agent.ts'
import { PBX, party, TYBALT, verona } from '../support/routed-town.ts'
import { condition, errorText } from '../support/stanzas.ts'
import { DOMAIN, GATEWAY, PASSWORD, type Town } from '../support/town.ts'

const INSTANCE = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'
const DESK = `romeo@${DOMAIN}/${INSTANCE}`
const NS = {
  info: 'http://jabber.org/protocol/disco#info',
  items: 'http://jabber.org/protocol/disco#items',
  ping: 'urn:xmpp:ping',
  version: 'jabber:iq:version',
  time: 'urn:xmpp:time',
  last: 'jabber:iq:last',
  vcard: 'vcard-temp',
  data: 'jabber:x:data',
} as const

/** What it puts into its REGISTER beside its instance, and what it answers an OPTIONS. */
const ABOUT = [
  ['Allow', 'INVITE, ACK, BYE, CANCEL, MESSAGE, OPTIONS'],
  ['Accept', 'application/sdp, text/plain;charset=UTF-8'],
] as const

let asked = 0
async function ask(client: Client, to: string, ns: string, name = 'query', type: 'get' | 'set' = 'get'): Promise<Element> {
  const id = `q${++asked}`
  client.send(el('iq', NS_CLIENT, { type, to, id }, el(name, ns)))
  for (;;) {
    const stanza = await client.receive()
    if (stanza.name === 'iq' && stanza.attr('id') === id) return stanza
  }
}

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

const methodsTo = (phone: { readonly requests: readonly { readonly method: string }[] }): string[] =>
  phone.requests.map(({ method }) => method)
const payload = (iq: Element, name = 'query'): Element => {
  expect(iq.attr('type'), errorText(iq)).toBe('result')
  const found = iq.elements().find((child) => child.name === name)
  if (!found) throw new Error(`the result has no <${name}/>`)
  return found
}
const featuresIn = (iq: Element): (string | undefined)[] =>
  payload(iq)
    .elements()
    .filter(({ name }) => name === 'feature')
    .map((feature) => feature.attr('var'))
const formIn = (iq: Element, type: string): Record<string, string[]> => {
  const forms = payload(iq)
    .elements()
    .filter(({ name, ns }) => name === 'x' && ns === NS.data)
    .map((form) => Object.fromEntries(form.elements().map((field) => [field.attr('var'), field.elements().map((value) => value.text())])))
  return forms.find((form) => form.FORM_TYPE?.[0] === type) ?? {}
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
    const [first, second] = await Promise.all([ask(juliet, DESK, NS.info), ask(juliet, DESK, NS.info, 'query')])
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

describe('a SIP user behind a route', () => {
  const BARE = 'tybalt@pbx.example'
  const routes = [{ match: 'pbx.example', to: `sip:${PBX}` }]

  /** Juliet sees Tybalt's desk. */
  async function seen() {
    const at = await verona({ routes })
    const hop = await party(at)
    const tybalt = new PresenceAgent(hop, TYBALT, PBX)
    const juliet = await at.silentClient('juliet')
    juliet.send(presence({}))
    juliet.send(presence({ type: 'subscribe', to: BARE }))
    const subscribe = await tybalt.next()
    await tybalt.notify(subscribe, 'active;expires=3600', pidf(TYBALT, { id: 'desk', basic: 'open' }))
    await settled(juliet)
    return { at, hop, tybalt, juliet, subscribe }
  }

  test('is asked by OPTIONS in the name of who asks, and his answer is told', async () => {
    const { hop, juliet } = await seen()
    hop.answer = () =>
      response(200, 'OK', [
        ...ABOUT,
        ['Server', 'Capulet-PBX/3.4 (Verona)'],
        ['Contact', '"Tybalt, Prince of Cats" <sip:t@192.0.2.7>;audio;video'],
      ])
    const info = await ask(juliet, `${BARE}/desk`, NS.info)
    const identity = payload(info).child('identity')
    expect([identity?.attr('category'), identity?.attr('type'), identity?.attr('name')]).toEqual(['client', 'phone', 'Capulet-PBX'])
    expect(formIn(info, 'urn:ietf:rfc:3840')).toMatchObject({ 'sip.audio': ['TRUE'], 'sip.video': ['TRUE'] })
    const options = hop.requests.find(({ method }) => method === 'OPTIONS')
    expect(options?.uri).toBe(TYBALT)
    expect(options?.headers.get('From')).toMatch(/^<sip:juliet@xmpp\.example>;tag=/)
    expect(
      payload(await ask(juliet, BARE, NS.version))
        .child('version')
        ?.text(),
    ).toBe('3.4')
    const card = payload(await ask(juliet, BARE, NS.vcard, 'vCard'), 'vCard')
    expect(card.child('FN')?.text()).toBe('Tybalt, Prince of Cats')
    expect(methodsTo(hop).filter((method) => method === 'OPTIONS' || method === 'INFO')).toEqual(['OPTIONS'])
  })

  test('was last there when his last device went away', async () => {
    const { tybalt, juliet, subscribe } = await seen()
    expect(payload(await ask(juliet, `${BARE}/desk`, NS.last)).attr('seconds')).toBe('0')
    await tybalt.notify(subscribe, 'active;expires=3500', pidf(TYBALT, { id: 'desk', basic: 'closed' }))
    await settled(juliet)
    expect(Number(payload(await ask(juliet, BARE, NS.last)).attr('seconds'))).toBeLessThan(60)
  })

  test.each([
    [200, 'iq of type result'],
    [486, 'iq of type result'],
    [404, 'item-not-found'],
    [407, 'registration-required'],
    [480, 'recipient-unavailable'],
  ])('a ping that SIP answers with %i is %s', async (status, expected) => {
    const { hop, juliet } = await seen()
    hop.answer = status
    expect(condition(await ask(juliet, BARE, NS.ping, 'ping'))).toBe(expected)
  })

  test('is not told of to who may not see him, and nothing is sent there', async () => {
    const { at, hop } = await seen()
    const before = hop.requests.length
    const nurse = await at.client('nurse')
    for (const to of [BARE, `${BARE}/desk`, 'nobody@pbx.example'])
      for (const [ns, name] of [
        [NS.info, 'query'],
        [NS.ping, 'ping'],
        [NS.last, 'query'],
        [NS.vcard, 'vCard'],
      ] as const) {
        const refused = await ask(nurse, to, ns, name)
        expect([condition(refused), errorText(refused)]).toEqual(['service-unavailable', 'This device is not there'])
      }
    expect(hop.requests.length).toBe(before)
  })

  test('never gets an INFO: neither a question nor an answer', async () => {
    const { hop, juliet } = await seen()
    juliet.send(el('iq', NS_CLIENT, { type: 'result', to: `${BARE}/desk`, id: 'nobody-asked' }))
    expect(condition(await ask(juliet, BARE, 'urn:example:node', 'x', 'set'))).toBe('service-unavailable')
    expect(methodsTo(hop)).not.toContain('INFO')
  })
})

describe('an extension of a PBX', () => {
  const pbx = { uri: `sip:${PBX}`, register: false }

  test('is asked for there, by who may see it; who has logged in here is an account', async () => {
    const at = await verona({ pbx })
    const hop = await party(at)
    const agent = new PresenceAgent(hop, `sip:101@${DOMAIN}`, PBX)
    const juliet = await at.silentClient('juliet')
    juliet.send(presence({}))
    expect(condition(await ask(juliet, `101@${DOMAIN}`, NS.ping, 'ping'))).toBe('service-unavailable')
    juliet.send(presence({ type: 'subscribe', to: `101@${DOMAIN}` }))
    await agent.notify(await agent.next(), 'active;expires=3600', pidf(`sip:101@${DOMAIN}`, { id: 'x', basic: 'open' }))
    await settled(juliet)
    expect((await ask(juliet, `101@${DOMAIN}/x`, NS.ping, 'ping')).attr('type')).toBe('result')
    const card = payload(await ask(juliet, `101@${DOMAIN}`, NS.vcard, 'vCard'), 'vCard')
    expect([card.child('FN')?.text(), card.child('TEL')?.child('NUMBER')?.text()]).toEqual(['101', '101'])
    expect(methodsTo(hop)).not.toContain('INFO')
    const own = payload(await ask(juliet, `juliet@${DOMAIN}`, NS.info)).child('identity')
    expect(own?.attr('category')).toBe('account')
  })
})
