/** A component (XEP-0114) among clients and telephones: whoever can be reached reaches its users, and they him. */
import { afterEach, describe, expect, test } from 'vitest'
import { bestChallenge, DigestAnswers } from '../../src/sip/digest-client.ts'
import { newCallId, newTag } from '../../src/sip/identifier.ts'
import { Headers, response, SipRequest } from '../../src/sip/message.ts'
import { type Element, el } from '../../src/xml/element.ts'
import { type Client, NS_CLIENT } from '../support/client.ts'
import { bodyOf, component, components, connected, ICQ, NS_COMPONENT, saying } from '../support/component.ts'
import { keep, leave, until } from '../support/drachtio-place.ts'
import { condition, message } from '../support/stanzas.ts'
import { GATEWAY, PASSWORD, type Town, type TownOptions, town } from '../support/town.ts'

let at: Town
afterEach(async () => {
  await leave()
  await at.stop()
})

const USER = `hamlet@${ICQ}`
const JULIET = 'juliet@xmpp.example'
const NS_QUESTION = 'urn:example:question'

async function withComponent(options: TownOptions = {}): Promise<Client> {
  at = await town({ components: components(), ...options })
  return connected(at)
}

const presence = (attrs: Record<string, string>, ...children: Element[]): Element => el('presence', NS_CLIENT, attrs, ...children)
const question = (attrs: Record<string, string>): Element =>
  el('iq', NS_CLIENT, { type: 'get', id: 'q1', ...attrs }, el('question', NS_QUESTION))

/** The next presence from there; what else comes (roster pushes, one's own) is passed by. */
async function from(client: Client, sender: string): Promise<Element> {
  for (;;) {
    const stanza = await client.receive()
    if (stanza.name === 'presence' && stanza.attr('from')?.startsWith(sender)) return stanza
  }
}

describe('a client and a user of a component', () => {
  test('write to each other, with everything a stanza has', async () => {
    const icq = await withComponent()
    const juliet = await at.client('juliet')
    juliet.send(message(USER, 'Art thou there?', { id: 'm1' }, el('active', 'http://jabber.org/protocol/chatstates')))
    const heard = await icq.receive()
    expect([heard.ns, heard.attr('from'), heard.attr('to'), heard.attr('id'), bodyOf(heard)]).toEqual([
      NS_COMPONENT,
      `${JULIET}/balcony`,
      USER,
      'm1',
      'Art thou there?',
    ])
    expect(heard.child('active', 'http://jabber.org/protocol/chatstates')).toBeDefined()
    icq.send(saying(`${USER}/castle`, `${JULIET}/balcony`, 'Ay'))
    const back = await juliet.receive()
    expect([back.ns, back.attr('from'), bodyOf(back)]).toEqual([NS_CLIENT, `${USER}/castle`, 'Ay'])
  })

  test('an error about a message comes back to who wrote it', async () => {
    const icq = await withComponent()
    const juliet = await at.client('juliet')
    juliet.send(message(USER, 'hello', { id: 'm1' }))
    await icq.receive()
    icq.say(
      `<message type='error' id='m1' from='${USER}' to='${JULIET}/balcony'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
    )
    const error = await juliet.receive()
    expect([condition(error), error.attr('id')]).toEqual(['item-not-found', 'm1'])
  })

  test('ask each other, and each has the answer; the same id of two users is no confusion', async () => {
    const icq = await withComponent()
    const juliet = await at.client('juliet')
    juliet.send(question({ to: USER }))
    const asked = await icq.receive()
    icq.send(
      el('iq', NS_CLIENT, { type: 'result', id: 'q1', from: USER, to: asked.attr('from') ?? '' }, el('answer', NS_QUESTION, {}, 'yes')),
    )
    expect((await juliet.receive()).child('answer', NS_QUESTION)?.text()).toBe('yes')

    for (const user of ['a', 'b']) icq.send(question({ from: `${user}@${ICQ}`, to: `${JULIET}/balcony` }))
    for (const user of ['a', 'b']) {
      const heard = await juliet.receive()
      expect(heard.attr('from')).toBe(`${user}@${ICQ}`)
      juliet.send(el('iq', NS_CLIENT, { type: 'result', id: 'q1', to: `${user}@${ICQ}` }, el('answer', NS_QUESTION, {}, user)))
      const answer = await icq.receive()
      expect([answer.attr('to'), answer.child('answer', NS_QUESTION)?.text()]).toEqual([`${user}@${ICQ}`, user])
    }
  })

  test('a question that is refused is an error with the sender that was asked', async () => {
    const icq = await withComponent()
    const juliet = await at.client('juliet')
    juliet.send(question({ to: ICQ }))
    const asked = await icq.receive()
    icq.say(
      `<iq type='error' id='q1' from='${ICQ}' to='${asked.attr('from')}'><error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    )
    const error = await juliet.receive()
    expect([condition(error), error.attr('from')]).toEqual(['forbidden', ICQ])
    icq.send(question({ from: USER, to: `${JULIET}/nowhere` }))
    expect(condition(await icq.receive())).toBe('service-unavailable')
  })

  test('an answer that takes its time follows later, to a client and to another component', async () => {
    const two = { components: [component(), component({ domain: 'irc.xmpp.example' })], limits: { answerSeconds: 0.05 } }
    const icq = await withComponent({ components: two })
    const irc = await connected(at, 'irc.xmpp.example')
    const juliet = await at.client('juliet')
    for (const [asker, ask] of [
      [juliet, question({ to: USER })],
      [irc, question({ from: 'x@irc.xmpp.example', to: USER })],
    ] as const) {
      asker.send(ask)
      const asked = await icq.receive()
      // By now its own transaction has ended with 202.
      await new Promise((resolve) => setTimeout(resolve, 120))
      icq.send(
        el(
          'iq',
          NS_CLIENT,
          { type: 'result', id: 'q1', from: USER, to: asked.attr('from') ?? '' },
          el('answer', NS_QUESTION, {}, 'at last'),
        ),
      )
      expect((await asker.receive()).child('answer', NS_QUESTION)?.text()).toBe('at last')
    }
  })

  test('when the component goes away whoever asked hears so', async () => {
    const icq = await withComponent()
    const juliet = await at.client('juliet')
    juliet.send(question({ to: USER }))
    await icq.receive()
    await icq.close()
    expect(condition(await juliet.receive())).toBe('recipient-unavailable')
  })
})

describe('presence', () => {
  test('a client subscribes to a user of a component, and sees it', async () => {
    const icq = await withComponent()
    const juliet = await at.silentClient('juliet')
    // Who has asked for the list of contacts hears of consent (RFC 6121 §2.2).
    juliet.send(el('iq', NS_CLIENT, { type: 'get', id: 'roster' }, el('query', 'jabber:iq:roster')))
    await juliet.receive()
    juliet.send(presence({}))
    juliet.send(presence({ type: 'subscribe', to: USER }))
    const asked = await from(icq, JULIET)
    expect([asked.attr('type'), asked.attr('from'), asked.attr('to')]).toEqual(['subscribe', JULIET, USER])
    icq.send(presence({ type: 'subscribed', from: USER, to: JULIET }))
    icq.send(presence({ from: `${USER}/castle`, to: JULIET }, el('show', NS_CLIENT, {}, 'away')))
    expect((await from(juliet, USER)).attr('type')).toBe('subscribed')
    const seen = await from(juliet, USER)
    expect([seen.attr('from'), seen.child('show')?.text()]).toEqual([`${USER}/castle`, 'away'])
    icq.send(presence({ type: 'unavailable', from: `${USER}/castle`, to: JULIET }))
    expect((await from(juliet, USER)).attr('type')).toBe('unavailable')
    juliet.send(presence({ type: 'unsubscribe', to: USER }))
    expect((await from(icq, JULIET)).attr('type')).toBe('unsubscribe')
  })

  test('a user of a component subscribes to a client, and sees it; a probe is answered', async () => {
    const icq = await withComponent()
    const juliet = await at.silentClient('juliet')
    juliet.send(presence({}))
    icq.send(presence({ type: 'subscribe', from: USER, to: JULIET }))
    expect((await from(juliet, USER)).attr('type')).toBe('subscribe')
    juliet.send(presence({ type: 'subscribed', to: USER }))
    expect((await from(icq, JULIET)).attr('type')).toBe('subscribed')
    expect((await from(icq, JULIET)).attr('from')).toBe(`${JULIET}/balcony`)
    icq.send(presence({ type: 'probe', from: USER, to: JULIET }))
    const probed = await from(icq, JULIET)
    expect([probed.attr('type'), probed.attr('to')]).toEqual([undefined, USER])
    juliet.send(presence({ type: 'unavailable' }))
    expect((await from(icq, JULIET)).attr('type')).toBe('unavailable')
  })

  test('is directed to a room of a component, which refuses it', async () => {
    const icq = await withComponent()
    const juliet = await at.silentClient('juliet')
    juliet.send(presence({ to: `#verona@${ICQ}/juliet`, id: 'join' }, el('x', 'http://jabber.org/protocol/muc')))
    const joining = await from(icq, JULIET)
    expect(joining.child('x', 'http://jabber.org/protocol/muc')).toBeDefined()
    icq.say(
      `<presence type='error' id='join' from='#verona@${ICQ}/juliet' to='${JULIET}/balcony'><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>`,
    )
    const refused = await from(juliet, `#verona@${ICQ}`)
    expect([condition(refused), refused.attr('id')]).toEqual(['conflict', 'join'])
  })
})

describe('a telephone and a user of a component', () => {
  test('write to each other', async () => {
    const icq = await withComponent()
    const phone = await at.phone('romeo')
    const answer = phone.message(`sip:${USER}`, 'Hello from the corridor')
    const heard = await icq.receive()
    expect([heard.attr('from'), heard.attr('to'), bodyOf(heard)]).toEqual([
      expect.stringMatching(/^romeo@xmpp\.example/),
      USER,
      'Hello from the corridor',
    ])
    expect((await answer).status).toBe(200)
    icq.send(saying(USER, heard.attr('from') ?? '', 'To be'))
    const request = await phone.received()
    expect(request.headers.get('From')).toContain(`<sip:${USER}`)
    expect(request.body.toString()).toBe('To be')
  })

  test('a busy telephone comes back to the user who wrote', async () => {
    const icq = await withComponent()
    const phone = await at.phone('romeo')
    phone.answer = 486
    icq.send(saying(USER, 'romeo@xmpp.example', 'To be'))
    const error = await icq.receive()
    expect([condition(error), error.attr('to')]).toEqual(['recipient-unavailable', USER])
  })

  test('cannot call each other: 404; what is asked in general is answered', async () => {
    await withComponent()
    expect((await (await at.phone('romeo')).options(`sip:${USER}`)).status).toBe(200)
    // Calls are forwarded by our own stack alone.
    if (at.drachtio) return
    const juliet = await at.caller('juliet')
    expect((await (await juliet.call(`sip:${USER}`)).refused()).status).toBe(404)
  })

  test('it watches him: what the component says is told in its dialog', async () => {
    const icq = await withComponent()
    const phone = keep(at.network.join({ host: '192.0.2.9' }))
    const heard: SipRequest[] = []
    await phone.start(({ request }) => {
      heard.push(request)
      return response(200)
    })
    const [callId, tag] = [newCallId(), newTag()]
    const list = ['Max-Forwards', '70', 'From', `<sip:romeo@xmpp.example>;tag=${tag}`, 'To', `<sip:${USER}>`, 'Call-ID', callId]
    list.push('CSeq', '1 SUBSCRIBE', 'Event', 'presence', 'Expires', '600', 'Contact', '<sip:romeo@192.0.2.9>')
    list.push('Accept', 'application/pidf+xml')
    const request = new SipRequest('SUBSCRIBE', `sip:${USER}`, new Headers(list), Buffer.alloc(0))
    const hop = { transport: 'udp', ...GATEWAY } as const
    const challenge = bestChallenge((await phone.send(request, hop)).headers.all('Proxy-Authenticate'))
    if (!challenge) throw new Error('nobody asked for a password')
    request.headers.set('CSeq', '2 SUBSCRIBE')
    request.headers.set('Proxy-Authorization', new DigestAnswers(challenge, 'romeo', PASSWORD).answer('SUBSCRIBE', request.uri))
    expect((await phone.send(request, hop)).status).toBe(200)
    const asked = await from(icq, 'romeo@xmpp.example')
    expect([asked.attr('type'), asked.attr('to')]).toEqual(['subscribe', USER])
    icq.send(presence({ type: 'subscribed', from: USER, to: 'romeo@xmpp.example' }))
    icq.send(presence({ from: `${USER}/castle`, to: 'romeo@xmpp.example' }, el('status', NS_CLIENT, {}, 'mad')))
    await until(() => heard.some(({ body }) => body.toString().includes('mad')))
    const told = heard.at(-1)
    expect(told?.headers.get('Subscription-State')).toMatch(/^active/)
    expect(told?.body.toString()).toContain('<basic>open</basic>')
    icq.send(presence({ type: 'unsubscribed', from: USER, to: 'romeo@xmpp.example' }))
    await until(() => heard.some(({ headers }) => headers.get('Subscription-State')?.startsWith('terminated') === true))
  })
})

describe('discovery', () => {
  test('of the domain names its components that are there, and what else an operator wants', async () => {
    const settings = {
      components: [component(), component({ domain: 'irc.elsewhere.example' }), component({ domain: 'gone.xmpp.example' })],
      discoItems: [{ jid: 'transports.example' }, { jid: 'help@xmpp.example', node: 'commands', name: 'Help desk' }],
      limits: { awaySeconds: 0.05 },
    }
    await withComponent({ components: settings })
    await connected(at, 'irc.elsewhere.example')
    await until(() => at.house.components.domains.find('gone.xmpp.example')?.isExpected === false)
    const juliet = await at.client('juliet')
    juliet.send(el('iq', NS_CLIENT, { type: 'get', id: 'd1', to: 'xmpp.example' }, el('query', 'http://jabber.org/protocol/disco#items')))
    const items = (await juliet.receive()).firstElement()?.elements() ?? []
    expect(items.map((item) => [item.attr('jid'), item.attr('node'), item.attr('name')])).toEqual([
      [ICQ, undefined, undefined],
      ['irc.elsewhere.example', undefined, undefined],
      ['transports.example', undefined, undefined],
      ['help@xmpp.example', 'commands', 'Help desk'],
    ])
  })

  test('of the component is its own affair', async () => {
    const icq = await withComponent()
    const juliet = await at.client('juliet')
    juliet.send(el('iq', NS_CLIENT, { type: 'get', id: 'd1', to: ICQ }, el('query', 'http://jabber.org/protocol/disco#info')))
    expect((await icq.receive()).child('query', 'http://jabber.org/protocol/disco#info')).toBeDefined()
  })
})
