/** Rosters, subscriptions and presence between the clients of one gateway, as RFC 6121 tells it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Jid } from '../../src/address/jid.ts'
import { type Element, el } from '../../src/xml/element.ts'
import { NS_CLIENT } from '../support/client.ts'
import { befriend, online, presence, query, rosterPush, rosterSet, settled } from '../support/friends.ts'
import { condition, message } from '../support/stanzas.ts'
import { type Town, town } from '../support/town.ts'

let verona: Town
beforeEach(async () => {
  verona = await town()
})
afterEach(() => verona.stop())

const said = (xml: Element): readonly (string | undefined)[] => [xml.attr('type'), xml.attr('from'), xml.attr('to')]

describe('asking somebody', () => {
  test('brings the request, the approval, and then the presence of every device (§3.1)', async () => {
    const romeo = await online(verona, 'romeo', 'orchard')
    const juliet = await online(verona, 'juliet', 'balcony')
    const chamber = await online(verona, 'juliet', 'chamber', el('show', NS_CLIENT, {}, 'away'))
    await settled(juliet)

    const nick = el('nick', 'http://jabber.org/protocol/nick', {}, 'Romeo')
    romeo.send(presence({ type: 'subscribe', to: 'juliet@xmpp.example/balcony', id: 'xk3h1v69' }, nick))
    expect(rosterPush(await romeo.receive())).toEqual({ jid: 'juliet@xmpp.example', subscription: 'none', ask: 'subscribe' })
    for (const client of [juliet, chamber]) {
      const request = await client.receive()
      expect(said(request)).toEqual(['subscribe', 'romeo@xmpp.example', 'juliet@xmpp.example'])
      expect(request.attr('id')).toBe('xk3h1v69')
      expect(request.child('nick', nick.ns)?.text()).toBe('Romeo')
    }

    juliet.send(presence({ type: 'subscribed', to: 'romeo@xmpp.example', id: 'h4v1c4kj' }))
    expect(rosterPush(await juliet.receive())).toEqual({ jid: 'romeo@xmpp.example', subscription: 'from' })
    expect(rosterPush(await chamber.receive())).toEqual({ jid: 'romeo@xmpp.example', subscription: 'from' })
    const approval = await romeo.receive()
    expect(said(approval)).toEqual(['subscribed', 'juliet@xmpp.example', 'romeo@xmpp.example'])
    expect(approval.attr('id')).toBe('h4v1c4kj')
    expect(rosterPush(await romeo.receive())).toEqual({ jid: 'juliet@xmpp.example', subscription: 'to' })
    expect(said(await romeo.receive())).toEqual([undefined, 'juliet@xmpp.example/balcony', 'romeo@xmpp.example'])
    const away = await romeo.receive()
    expect(away.attr('from')).toBe('juliet@xmpp.example/chamber')
    expect(away.child('show')?.text()).toBe('away')
  })

  test('and being refused, the request is gone (§3.2)', async () => {
    const romeo = await online(verona, 'romeo', 'orchard')
    const juliet = await online(verona, 'juliet', 'balcony')
    romeo.send(presence({ type: 'subscribe', to: 'juliet@xmpp.example' }))
    await romeo.receive()
    await juliet.receive()
    juliet.send(presence({ type: 'unsubscribed', to: 'romeo@xmpp.example' }))
    expect(said(await romeo.receive())).toEqual(['unsubscribed', 'juliet@xmpp.example', 'romeo@xmpp.example'])
    expect(rosterPush(await romeo.receive())).toEqual({ jid: 'juliet@xmpp.example', subscription: 'none' })
    expect(await settled(juliet)).toEqual([])
  })

  test('who is not there waits for him, once, with everything that was said, until he answers', async () => {
    const romeo = await online(verona, 'romeo', 'orchard')
    romeo.send(presence({ type: 'subscribe', to: 'juliet@xmpp.example' }, el('status', NS_CLIENT, {}, 'I would be your friend')))
    romeo.send(presence({ type: 'subscribe', to: 'juliet@xmpp.example' }, el('status', NS_CLIENT, {}, 'Please')))
    await settled(romeo)
    for (const resource of ['balcony', 'chamber']) {
      const juliet = await verona.silentClient('juliet', resource)
      juliet.send(query('get'))
      expect((await juliet.receive()).child('query', 'jabber:iq:roster')?.elements()).toEqual([])
      juliet.send(presence({}))
      const heard = await settled(juliet)
      const requests = heard.filter((xml) => xml.attr('type') === 'subscribe')
      expect(requests.map((xml) => xml.child('status')?.text())).toEqual(['I would be your friend'])
      await juliet.close()
    }
    const juliet = await verona.silentClient('juliet', 'balcony')
    juliet.send(presence({ type: 'unsubscribed', to: 'romeo@xmpp.example' }))
    juliet.send(presence({}))
    expect((await settled(juliet)).filter((xml) => xml.attr('type') === 'subscribe')).toEqual([])
  })

  test('somebody who has approved already is answered for him', async () => {
    const { romeo, juliet } = await befriend(verona, 'romeo', 'juliet')
    romeo.send(presence({ type: 'subscribe', to: 'juliet@xmpp.example' }))
    const heard = await settled(romeo)
    // That he is subscribed is no news for him.
    expect(heard.map(said)).toEqual([[undefined, 'juliet@xmpp.example/home', 'romeo@xmpp.example']])
    expect((await settled(juliet)).filter((xml) => xml.attr('type') === 'subscribe')).toEqual([])
  })

  test('somebody who has approved beforehand needs nobody to say yes (§3.4)', async () => {
    const juliet = await online(verona, 'juliet', 'balcony')
    juliet.send(presence({ type: 'subscribed', to: 'romeo@xmpp.example' }))
    expect(rosterPush(await juliet.receive())).toEqual({ jid: 'romeo@xmpp.example', subscription: 'none', approved: 'true' })
    const romeo = await online(verona, 'romeo', 'orchard')
    expect(await settled(romeo)).toEqual([])
    romeo.send(presence({ type: 'subscribe', to: 'juliet@xmpp.example' }))
    expect(rosterPush(await juliet.receive())).toEqual({ jid: 'romeo@xmpp.example', subscription: 'from', approved: 'true' })
    expect((await settled(romeo)).map((xml) => xml.attr('type') ?? xml.name)).toEqual(['set', 'subscribed', 'set', 'presence'])
  })

  test('nobody, or a name nobody has, or oneself, comes back with the reason', async () => {
    const romeo = await online(verona, 'romeo', 'orchard')
    romeo.send(presence({ type: 'subscribe', id: 'n' }))
    romeo.send(presence({ type: 'subscribe', id: 'm', to: 'romeo@xmpp.example' }))
    romeo.send(presence({ type: 'subscribe', id: 'o', to: 'mercutio@xmpp.example' }))
    romeo.send(presence({ type: 'subscribe', id: 'p', to: 'paris@mantua.example' }))
    const errors = (await settled(romeo)).filter((xml) => xml.attr('type') === 'error')
    expect(errors.map((xml) => [xml.attr('id'), condition(xml)])).toEqual([
      ['n', 'bad-request'],
      ['m', 'not-allowed'],
      ['o', 'service-unavailable'],
      ['p', 'remote-server-not-found'],
    ])
  })
})

describe('ending it', () => {
  test('by who is seen: he goes offline for the other, and is gone (§3.2.2)', async () => {
    const { romeo, juliet } = await befriend(verona, 'romeo', 'juliet')
    juliet.send(presence({ type: 'unsubscribed', to: 'romeo@xmpp.example', id: 'ij5b1v7g' }))
    expect(said(await romeo.receive())).toEqual(['unavailable', 'juliet@xmpp.example/home', 'romeo@xmpp.example'])
    expect(said(await romeo.receive())).toEqual(['unsubscribed', 'juliet@xmpp.example', 'romeo@xmpp.example'])
    expect(rosterPush(await romeo.receive())).toEqual({ jid: 'juliet@xmpp.example', subscription: 'from' })
    expect(rosterPush(await juliet.receive())).toEqual({ jid: 'romeo@xmpp.example', subscription: 'to' })
    juliet.send(presence({}, el('show', NS_CLIENT, {}, 'dnd')))
    expect(await settled(romeo)).toEqual([])
  })

  test('by who sees: he hears no more (§3.3)', async () => {
    const { romeo, juliet } = await befriend(verona, 'romeo', 'juliet')
    romeo.send(presence({ type: 'unsubscribe', to: 'juliet@xmpp.example' }))
    expect(said(await juliet.receive())).toEqual(['unsubscribe', 'romeo@xmpp.example', 'juliet@xmpp.example'])
    expect(rosterPush(await juliet.receive())).toEqual({ jid: 'romeo@xmpp.example', subscription: 'to' })
    const heard = await settled(romeo)
    expect(heard.filter(({ name }) => name === 'iq').map(rosterPush)).toEqual([{ jid: 'juliet@xmpp.example', subscription: 'from' }])
    juliet.send(presence({}, el('show', NS_CLIENT, {}, 'dnd')))
    await settled(juliet)
    expect(await settled(romeo)).toEqual([])
  })

  test('by taking the other off the list, which ends both (§2.5)', async () => {
    const { romeo, juliet } = await befriend(verona, 'romeo', 'juliet')
    juliet.send(rosterSet({ jid: 'romeo@xmpp.example', subscription: 'remove' }))
    expect(rosterPush(await juliet.receive())).toEqual({ jid: 'romeo@xmpp.example', subscription: 'remove' })
    expect((await settled(juliet)).filter(({ name }) => name === 'iq').map((xml) => xml.attr('type'))).toEqual(['result'])
    const heard = await settled(romeo)
    expect(heard.filter(({ name }) => name === 'presence').map((xml) => xml.attr('type'))).toEqual([
      'unsubscribe',
      'unavailable',
      'unsubscribed',
    ])
    expect(
      heard
        .filter(({ name }) => name === 'iq')
        .map(rosterPush)
        .at(-1),
    ).toEqual({ jid: 'juliet@xmpp.example', subscription: 'none' })
    expect(verona.store.rosters.load(Jid.parse('juliet@xmpp.example')).contacts).toEqual([])
  })
})

describe('a client that comes', () => {
  test('sees its contacts and is seen by them, and by its other devices (§4.2)', async () => {
    const { romeo, juliet } = await befriend(verona, 'romeo', 'juliet')
    const chamber = await verona.silentClient('juliet', 'chamber')
    const caps = el('c', 'http://jabber.org/protocol/caps', { hash: 'sha-1', node: 'urn:example', ver: 'x' })
    chamber.send(
      presence({ id: 'first', 'xml:lang': 'it' }, el('status', NS_CLIENT, {}, 'Eccomi'), el('priority', NS_CLIENT, {}, '-1'), caps),
    )
    const heard = await settled(chamber)
    expect(heard.map((xml) => [xml.attr('type'), xml.attr('from')])).toEqual([
      [undefined, 'juliet@xmpp.example/chamber'],
      [undefined, 'juliet@xmpp.example/home'],
      [undefined, 'romeo@xmpp.example/home'],
    ])
    const [seen] = (await settled(romeo)).filter(({ name }) => name === 'presence')
    expect(seen && said(seen)).toEqual([undefined, 'juliet@xmpp.example/chamber', 'romeo@xmpp.example'])
    expect([seen?.attr('id'), seen?.attr('xml:lang')]).toEqual(['first', 'it'])
    expect(seen?.children).toEqual([el('status', NS_CLIENT, {}, 'Eccomi'), el('priority', NS_CLIENT, {}, '-1'), caps])
    expect((await settled(juliet)).map((xml) => xml.attr('from'))).toContain('juliet@xmpp.example/chamber')
  })

  test('hears of those who are not there since when', async () => {
    const { romeo, juliet } = await befriend(verona, 'romeo', 'juliet')
    romeo.send(presence({ type: 'unavailable' }))
    await settled(romeo)
    await settled(juliet)
    const chamber = await verona.silentClient('juliet', 'chamber')
    chamber.send(presence({}))
    const absence = (await settled(chamber)).find((xml) => xml.attr('from') === 'romeo@xmpp.example')
    expect(absence?.attr('type')).toBe('unavailable')
    expect(absence?.child('delay', 'urn:xmpp:delay')?.attr('stamp')).toMatch(/^\d{4}-/)
  })

  test('and changes what it says, in order with what it writes', async () => {
    const { romeo, juliet } = await befriend(verona, 'romeo', 'juliet')
    for (let i = 0; i < 100; i++) {
      juliet.send(presence({}, el('status', NS_CLIENT, {}, String(i))))
      juliet.send(message('romeo@xmpp.example', String(i)))
    }
    for (let i = 0; i < 100; i++) {
      expect((await romeo.receive()).child('status')?.text()).toBe(String(i))
      expect((await romeo.receive()).child('body')?.text()).toBe(String(i))
    }
  })
})

describe('a client that goes', () => {
  test('says so to everybody, with its last words (§4.5)', async () => {
    const { romeo, juliet } = await befriend(verona, 'romeo', 'juliet')
    juliet.send(presence({ type: 'unavailable' }, el('status', NS_CLIENT, {}, 'Good night')))
    const gone = await romeo.receive()
    expect(said(gone)).toEqual(['unavailable', 'juliet@xmpp.example/home', 'romeo@xmpp.example'])
    expect(gone.child('status')?.text()).toBe('Good night')
    expect(said(await juliet.receive())).toEqual(['unavailable', 'juliet@xmpp.example/home', 'juliet@xmpp.example'])
  })

  test('without a word is gone for everybody all the same', async () => {
    const { romeo, juliet } = await befriend(verona, 'romeo', 'juliet')
    juliet.hangUp()
    expect(said(await romeo.receive())).toEqual(['unavailable', 'juliet@xmpp.example/home', 'romeo@xmpp.example'])
  })

  test('whose resource is taken by another connection goes, and comes', async () => {
    const { romeo, juliet } = await befriend(verona, 'romeo', 'juliet')
    const newer = await verona.silentClient('juliet', 'home')
    expect((await juliet.receiveStreamError()).condition).toBe('conflict')
    newer.send(presence({}))
    expect((await romeo.receive()).attr('type')).toBe('unavailable')
    expect((await romeo.receive()).attr('type')).toBeUndefined()
  })
})

describe('directed presence', () => {
  test('reaches whom it names and nobody else, and ends when the client goes (§4.6)', async () => {
    const juliet = await online(verona, 'juliet', 'balcony')
    const romeo = await online(verona, 'romeo', 'orchard')
    const nurse = await online(verona, 'nurse', 'kitchen')
    juliet.send(presence({ to: 'romeo@xmpp.example/orchard' }, el('status', NS_CLIENT, {}, 'Here I am')))
    juliet.send(presence({ to: 'nurse@xmpp.example' }))
    juliet.send(presence({ to: 'nurse@xmpp.example', type: 'unavailable' }))
    juliet.send(presence({}, el('show', NS_CLIENT, {}, 'away')))
    expect((await romeo.receive()).child('status')?.text()).toBe('Here I am')
    expect(said(await nurse.receive())).toEqual([undefined, 'juliet@xmpp.example/balcony', 'nurse@xmpp.example'])
    expect((await nurse.receive()).attr('type')).toBe('unavailable')
    juliet.hangUp()
    expect(said(await romeo.receive())).toEqual(['unavailable', 'juliet@xmpp.example/balcony', 'romeo@xmpp.example/orchard'])
    expect(await settled(nurse)).toEqual([])
  })

  test('of a client that is not there otherwise ends like that too', async () => {
    const juliet = await verona.silentClient('juliet', 'balcony')
    const romeo = await online(verona, 'romeo', 'orchard')
    juliet.send(presence({ to: 'romeo@xmpp.example' }))
    expect((await romeo.receive()).attr('from')).toBe('juliet@xmpp.example/balcony')
    await juliet.close()
    expect((await romeo.receive()).attr('type')).toBe('unavailable')
  })

  test('answers a probe of whom it named, and of nobody else (§4.6.6)', async () => {
    const juliet = await online(verona, 'juliet', 'balcony', el('show', NS_CLIENT, {}, 'away'))
    const romeo = await online(verona, 'romeo', 'orchard')
    const probe = presence({ type: 'probe', to: 'juliet@xmpp.example/balcony', id: 'probe1' })
    romeo.send(probe)
    expect(await settled(romeo)).toEqual([])
    juliet.send(presence({ to: 'romeo@xmpp.example/orchard' }))
    await romeo.receive()
    romeo.send(probe)
    const answer = await romeo.receive()
    expect(said(answer)).toEqual([undefined, 'juliet@xmpp.example/balcony', 'romeo@xmpp.example/orchard'])
    expect(answer.children).toEqual([])
  })
})

describe('presence of a type that', () => {
  test('there is not comes back as bad-request', async () => {
    const juliet = await online(verona, 'juliet', 'balcony')
    juliet.send(presence({ type: 'invisible', id: 'x' }))
    juliet.send(presence({ type: 'available', id: 'y', to: 'romeo@xmpp.example' }))
    for (const id of ['x', 'y']) {
      const back = await juliet.receive()
      expect([back.attr('id'), condition(back)]).toEqual([id, 'bad-request'])
    }
  })

  test('is an error goes nowhere and is not answered', async () => {
    const juliet = await online(verona, 'juliet', 'balcony')
    const romeo = await online(verona, 'romeo', 'orchard')
    juliet.send(presence({ type: 'error', to: 'romeo@xmpp.example/orchard' }))
    juliet.send(presence({ type: 'error' }))
    expect(await settled(juliet)).toEqual([])
    expect(await settled(romeo)).toEqual([])
  })

  test('goes to the domain itself is not answered, unless it asks for something', async () => {
    const juliet = await online(verona, 'juliet', 'balcony')
    juliet.send(presence({ to: 'xmpp.example' }))
    juliet.send(presence({ type: 'probe', to: 'xmpp.example' }))
    juliet.send(presence({ type: 'subscribe', to: 'xmpp.example', id: 's' }))
    const errors = (await settled(juliet)).filter(({ name }) => name === 'presence')
    expect(errors.map((xml) => [xml.attr('id'), condition(xml)])).toEqual([['s', 'service-unavailable']])
  })
})
