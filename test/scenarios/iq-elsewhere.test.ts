/** What a client asks of SIP users who are no accounts of ours: answered for them, to who may see them, of what their side says to OPTIONS. */
import { describe, expect, test } from 'vitest'
import { response } from '../../src/sip/message.ts'
import { el } from '../../src/xml/element.ts'
import { NS_CLIENT } from '../support/client.ts'
import { presence, settled } from '../support/friends.ts'
import { PresenceAgent, pidf } from '../support/presence-agent.ts'
import { ABOUT, ask, formIn, methodsTo, NS, payload } from '../support/questions.ts'
import { PBX, party, TYBALT, verona } from '../support/routed-town.ts'
import { condition, errorText } from '../support/stanzas.ts'
import { DOMAIN } from '../support/town.ts'

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
