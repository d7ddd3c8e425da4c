import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { el } from '../../src/xml/element.ts'
import { NS_CLIENT } from '../support/client.ts'
import { condition, errorText, message } from '../support/stanzas.ts'
import { type Town, town } from '../support/town.ts'

let verona: Town
beforeEach(async () => {
  verona = await town()
})
afterEach(() => verona.stop())

describe('a message', () => {
  test('reaches the other client with its sender, its id and everything in it', async () => {
    const juliet = await verona.client('juliet', 'balcony')
    const romeo = await verona.client('romeo', 'orchard')
    const extra = el('x', 'urn:example:unknown', { a: '1' }, el('y', 'urn:example:other', {}, 'kept'))
    juliet.send(
      message(
        'romeo@xmpp.example/orchard',
        'Wherefore art thou?',
        { id: 'm1', 'xml:lang': 'en' },
        extra,
        el('thread', NS_CLIENT, {}, 't1'),
      ),
    )
    const got = await romeo.receive()
    expect(got.attr('from')).toBe('juliet@xmpp.example/balcony')
    expect(got.attr('to')).toBe('romeo@xmpp.example/orchard')
    expect(got.attr('id')).toBe('m1')
    expect(got.attr('type')).toBe('chat')
    expect(got.attr('xml:lang')).toBe('en')
    expect(got.child('body')?.text()).toBe('Wherefore art thou?')
    expect(got.child('thread')?.text()).toBe('t1')
    expect(got.child('x', 'urn:example:unknown')?.child('y', 'urn:example:other')?.text()).toBe('kept')
  })

  test('to the bare address reaches every available client of the account, and no other', async () => {
    const juliet = await verona.client('juliet')
    const orchard = await verona.client('romeo', 'orchard')
    const street = await verona.client('romeo', 'street')
    const asleep = await verona.silentClient('romeo', 'asleep')
    juliet.send(message('romeo@xmpp.example', 'Hist!'))
    expect((await orchard.receive()).child('body')?.text()).toBe('Hist!')
    expect((await street.receive()).child('body')?.text()).toBe('Hist!')
    juliet.send(message('romeo@xmpp.example/asleep', 'Wake up'))
    expect((await asleep.receive()).child('body')?.text()).toBe('Wake up')
  })

  test('to a client that is gone goes to those that are there', async () => {
    const juliet = await verona.client('juliet')
    const orchard = await verona.client('romeo', 'orchard')
    juliet.send(message('romeo@xmpp.example/mantua', 'Where are you?'))
    expect((await orchard.receive()).child('body')?.text()).toBe('Where are you?')
  })

  test('keeps its order, a thousand of them', async () => {
    const juliet = await verona.client('juliet')
    const romeo = await verona.client('romeo')
    for (let i = 0; i < 1_000; i++) juliet.send(message('romeo@xmpp.example', String(i)))
    for (let i = 0; i < 1_000; i++) expect((await romeo.receive()).child('body')?.text()).toBe(String(i))
  })

  test('to an account with no device comes back as recipient-unavailable', async () => {
    const juliet = await verona.client('juliet')
    juliet.send(message('romeo@xmpp.example', 'Anybody there?', { id: 'm2' }))
    const back = await juliet.receive()
    expect(back.attr('id')).toBe('m2')
    expect(back.attr('from')).toBe('romeo@xmpp.example')
    expect(condition(back)).toBe('recipient-unavailable')
    expect(errorText(back)).not.toBe('')
  })

  test('to a client of negative priority comes back too', async () => {
    const juliet = await verona.client('juliet')
    const romeo = await verona.client('romeo')
    romeo.send(el('presence', NS_CLIENT, {}, el('priority', NS_CLIENT, {}, '-1')))
    romeo.send(el('iq', NS_CLIENT, { type: 'get', id: 'p', to: 'xmpp.example' }, el('ping', 'urn:xmpp:ping')))
    await romeo.receive()
    juliet.send(message('romeo@xmpp.example', 'Anybody there?'))
    expect(condition(await juliet.receive())).toBe('recipient-unavailable')
  })

  test('to a name nobody has comes back as service-unavailable', async () => {
    const juliet = await verona.client('juliet')
    juliet.send(message('mercutio@xmpp.example', 'Anybody there?'))
    expect(condition(await juliet.receive())).toBe('service-unavailable')
  })

  test('to a domain nobody knows a way to comes back as remote-server-not-found', async () => {
    const juliet = await verona.client('juliet')
    juliet.send(message('paris@mantua.example', 'Anybody there?'))
    expect(condition(await juliet.receive())).toBe('remote-server-not-found')
  })

  test('to an address that is none comes back as jid-malformed, and the stream goes on', async () => {
    const juliet = await verona.client('juliet')
    juliet.send(message('a@b@c', 'Anybody there?'))
    expect(condition(await juliet.receive())).toBe('jid-malformed')
    juliet.send(message('juliet@xmpp.example', 'Myself'))
    expect((await juliet.receive()).child('body')?.text()).toBe('Myself')
  })

  test('of type error is never answered, and one of type groupchat is refused', async () => {
    const juliet = await verona.client('juliet')
    juliet.send(message('romeo@xmpp.example', 'An error', { type: 'error' }))
    juliet.send(message('romeo@xmpp.example', 'A room?', { type: 'groupchat', id: 'g' }))
    const back = await juliet.receive()
    expect(back.attr('id')).toBe('g')
    expect(condition(back)).toBe('service-unavailable')
  })
})

describe('an iq', () => {
  const version = el('query', 'jabber:iq:version')

  test('asks another client for its version and brings the answer back', async () => {
    const juliet = await verona.client('juliet', 'balcony')
    const romeo = await verona.client('romeo', 'orchard')
    juliet.send(el('iq', NS_CLIENT, { type: 'get', id: 'v1', to: 'romeo@xmpp.example/orchard' }, version))
    const asked = await romeo.receive()
    expect(asked.attr('from')).toBe('juliet@xmpp.example/balcony')
    romeo.send(
      el(
        'iq',
        NS_CLIENT,
        { type: 'result', id: asked.attr('id'), to: asked.attr('from') },
        el('query', 'jabber:iq:version', {}, el('name', 'jabber:iq:version', {}, 'Lute')),
      ),
    )
    const answer = await juliet.receive()
    expect(answer.attr('type')).toBe('result')
    expect(answer.attr('id')).toBe('v1')
    expect(answer.attr('from')).toBe('romeo@xmpp.example/orchard')
    expect(answer.firstElement()?.child('name')?.text()).toBe('Lute')
  })

  test('A asks B while B asks A: both are answered', async () => {
    const juliet = await verona.client('juliet', 'balcony')
    const romeo = await verona.client('romeo', 'orchard')
    juliet.send(el('iq', NS_CLIENT, { type: 'get', id: 'same', to: 'romeo@xmpp.example/orchard' }, version))
    romeo.send(el('iq', NS_CLIENT, { type: 'get', id: 'same', to: 'juliet@xmpp.example/balcony' }, version))
    const [askedOfRomeo, askedOfJuliet] = [await romeo.receive(), await juliet.receive()]
    romeo.send(el('iq', NS_CLIENT, { type: 'result', id: 'same', to: askedOfRomeo.attr('from') }, version))
    juliet.send(el('iq', NS_CLIENT, { type: 'result', id: 'same', to: askedOfJuliet.attr('from') }, version))
    expect((await juliet.receive()).attr('type')).toBe('result')
    expect((await romeo.receive()).attr('type')).toBe('result')
  })

  test('that a client refuses comes back with the condition it gave', async () => {
    const juliet = await verona.client('juliet', 'balcony')
    const romeo = await verona.client('romeo', 'orchard')
    juliet.send(el('iq', NS_CLIENT, { type: 'set', id: 's', to: 'romeo@xmpp.example/orchard' }, el('q', 'urn:example:q')))
    const asked = await romeo.receive()
    const error = el(
      'error',
      NS_CLIENT,
      { type: 'modify' },
      el('not-acceptable', 'urn:ietf:params:xml:ns:xmpp-stanzas'),
      el('own', 'urn:example:errors'),
    )
    romeo.send(el('iq', NS_CLIENT, { type: 'error', id: 's', to: asked.attr('from') }, error))
    const back = await juliet.receive()
    expect(condition(back)).toBe('not-acceptable')
    expect(back.child('error')?.attr('type')).toBe('modify')
    expect(back.child('error')?.child('own', 'urn:example:errors')).toBeDefined()
  })

  test('whose client goes away before it answers comes back at once', async () => {
    const juliet = await verona.client('juliet', 'balcony')
    const romeo = await verona.client('romeo', 'orchard')
    juliet.send(el('iq', NS_CLIENT, { type: 'get', id: 'v2', to: 'romeo@xmpp.example/orchard' }, version))
    await romeo.receive()
    await romeo.close()
    expect(condition(await juliet.receive())).toBe('recipient-unavailable')
  })

  test('to a client that is not there, and to another account, is service-unavailable', async () => {
    const juliet = await verona.client('juliet')
    await verona.client('romeo', 'orchard')
    for (const to of ['romeo@xmpp.example/mantua', 'romeo@xmpp.example', 'mercutio@xmpp.example/street']) {
      juliet.send(el('iq', NS_CLIENT, { type: 'get', id: to, to }, version))
      const back = await juliet.receive()
      expect(back.attr('id')).toBe(to)
      expect(condition(back)).toBe('service-unavailable')
    }
  })

  test('to the domain is answered by it: ping, version, time and what it can', async () => {
    const juliet = await verona.client('juliet')
    const ask = async (payload: ReturnType<typeof el>, to = 'xmpp.example') => {
      juliet.send(el('iq', NS_CLIENT, { type: 'get', id: payload.ns, to }, payload))
      return juliet.receive()
    }
    expect((await ask(el('ping', 'urn:xmpp:ping'))).attr('type')).toBe('result')
    expect((await ask(version)).firstElement()?.child('name')?.text()).toBe('Stoxgate')
    expect((await ask(el('time', 'urn:xmpp:time'))).firstElement()?.child('tzo')?.text()).toBe('Z')
    const info = (await ask(el('query', 'http://jabber.org/protocol/disco#info'))).firstElement()
    expect(info?.child('identity')?.attr('category')).toBe('server')
    expect(info?.elements().map((one) => one.attr('var'))).toContain('urn:xmpp:ping')
    expect(condition(await ask(el('unheard', 'urn:example:of')))).toBe('service-unavailable')
  })

  test('without an id or with two payloads is a bad request', async () => {
    const juliet = await verona.client('juliet')
    juliet.send(el('iq', NS_CLIENT, { type: 'get', to: 'xmpp.example' }, el('ping', 'urn:xmpp:ping')))
    expect(condition(await juliet.receive())).toBe('bad-request')
    juliet.send(el('iq', NS_CLIENT, { type: 'get', id: '2', to: 'xmpp.example' }, el('ping', 'urn:xmpp:ping'), version))
    expect(condition(await juliet.receive())).toBe('bad-request')
  })
})
