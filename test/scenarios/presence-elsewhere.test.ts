import { describe, expect, test } from 'vitest'
import type { SipRequest } from '../../src/sip/message.ts'
import { type Element, el } from '../../src/xml/element.ts'
import { type Client, NS_CLIENT } from '../support/client.ts'
import { PresenceAgent, pidf, stateOf } from '../support/presence-agent.ts'
import { JULIET, PBX, party, TYBALT, verona } from '../support/routed-town.ts'
import { condition } from '../support/stanzas.ts'
import type { Town } from '../support/town.ts'

const routes = [{ match: 'pbx.example', to: `sip:${PBX}` }]
const BARE = 'tybalt@pbx.example'

const presence = (type: string | undefined, to?: string, ...children: Element[]): Element =>
  el('presence', NS_CLIENT, { type, to }, ...children)

async function withTybalt(): Promise<{ at: Town; tybalt: PresenceAgent }> {
  const at = await verona({ routes })
  return { at, tybalt: new PresenceAgent(await party(at), TYBALT, PBX) }
}

/** Who has asked for the list of contacts hears of every change to it (RFC 6121 §2.2). */
async function interested(at: Town, resource = 'balcony'): Promise<Client> {
  const juliet = await at.silentClient('juliet', resource)
  juliet.send(el('iq', NS_CLIENT, { type: 'get', id: 'roster' }, el('query', 'jabber:iq:roster')))
  await juliet.receive()
  juliet.send(presence(undefined))
  return juliet
}

/** The next presence from there; what else comes (roster pushes, one's own) is passed by. */
async function from(client: Client, bare: string): Promise<Element> {
  for (;;) {
    const stanza = await client.receive()
    if (stanza.name === 'presence' && stanza.attr('from')?.startsWith(bare)) return stanza
  }
}

/** Juliet has asked to see him, and he has not answered yet. */
async function asking(): Promise<{ at: Town; tybalt: PresenceAgent; juliet: Client; subscribe: SipRequest }> {
  const { at, tybalt } = await withTybalt()
  const juliet = await interested(at)
  juliet.send(presence('subscribe', BARE))
  return { at, tybalt, juliet, subscribe: await tybalt.next() }
}

/** She may, and has heard so, and that he is at his desk. */
async function seeing(): ReturnType<typeof asking> {
  const asked = await asking()
  await asked.tybalt.notify(asked.subscribe, 'active;expires=3600', pidf(TYBALT, { id: 'desk', basic: 'open' }))
  await from(asked.juliet, BARE)
  await from(asked.juliet, BARE)
  return asked
}

const said = (stanza: Element): string => `${stanza.attr('type') ?? 'available'} ${stanza.child('show')?.text() ?? ''}`.trim()

describe('juliet watches a telephone behind a route', () => {
  test('her request is a SUBSCRIBE, its consent is "subscribed", and its state is presence', async () => {
    const { tybalt, juliet, subscribe } = await asking()
    expect(subscribe.method).toBe('SUBSCRIBE')
    expect(subscribe.uri).toBe(TYBALT)
    expect(subscribe.headers.get('Event')).toBe('presence')
    expect(subscribe.headers.get('Accept')).toContain('application/pidf+xml')
    expect(subscribe.headers.get('From')).toMatch(/^<sip:juliet@xmpp\.example>;tag=/)
    expect(Number(subscribe.headers.get('Expires'))).toBe(3_600)
    expect((await tybalt.notify(subscribe, 'pending;expires=3600')).status).toBe(200)
    expect((await tybalt.notify(subscribe, 'active;expires=3600', pidf(TYBALT, { id: 'desk', basic: 'open' }))).status).toBe(200)
    expect(said(await from(juliet, BARE))).toBe('subscribed')
    const there = await from(juliet, BARE)
    expect([said(there), there.attr('from')]).toEqual(['available', `${BARE}/desk`])
    await tybalt.notify(subscribe, 'active;expires=3500', pidf(TYBALT, { id: 'desk', basic: 'closed' }))
    expect(said(await from(juliet, BARE))).toBe('unavailable')
  })

  test('a device that vanished from the document is gone', async () => {
    const { tybalt, juliet, subscribe } = await asking()
    const both = pidf(TYBALT, { id: 'desk', basic: 'open' }, { id: 'pocket', basic: 'open' })
    await tybalt.notify(subscribe, 'active;expires=3600', both)
    expect(said(await from(juliet, BARE))).toBe('subscribed')
    const devices = [await from(juliet, BARE), await from(juliet, BARE)].map((stanza) => stanza.attr('from'))
    expect(devices).toEqual([`${BARE}/desk`, `${BARE}/pocket`])
    await tybalt.notify(subscribe, 'active;expires=3600', pidf(TYBALT, { id: 'pocket', basic: 'open' }))
    const first = await from(juliet, BARE)
    const second = await from(juliet, BARE)
    expect([first, second].map((stanza) => `${said(stanza)} ${stanza.attr('from')}`)).toContain(`unavailable ${BARE}/desk`)
  })

  for (const status of [403, 489, 603])
    test(`a telephone that answers ${status} has refused for good`, async () => {
      const { at, tybalt } = await withTybalt()
      tybalt.answer = status
      const juliet = await interested(at)
      juliet.send(presence('subscribe', BARE))
      expect(said(await from(juliet, BARE))).toBe('unsubscribed')
    })

  test('somebody who is not there at all is an error, and the request stays', async () => {
    const { at, tybalt } = await withTybalt()
    tybalt.answer = 404
    const juliet = await interested(at)
    juliet.send(presence('subscribe', BARE))
    expect(condition(await from(juliet, BARE))).toBe('item-not-found')
  })

  test('a refusal in words of RFC 6665 is "unsubscribed"', async () => {
    const { at, tybalt } = await withTybalt()
    const juliet = await interested(at)
    juliet.send(presence('subscribe', BARE))
    await tybalt.notify(await tybalt.next(), 'terminated;reason=rejected')
    expect(said(await from(juliet, BARE))).toBe('unsubscribed')
  })

  test('when she takes it back, the dialog ends and he is seen no more', async () => {
    const { tybalt, juliet, subscribe } = await seeing()
    juliet.send(presence('unsubscribe', BARE))
    const end = await tybalt.next()
    expect([end.headers.get('Expires'), end.headers.get('Call-ID')]).toEqual(['0', subscribe.headers.get('Call-ID')])
    expect(said(await from(juliet, BARE))).toBe('unavailable')
  })

  test('coming back she sees what he is now', async () => {
    const { at, juliet } = await seeing()
    await juliet.close()
    const again = await interested(at, 'garden')
    expect(said(await from(again, BARE))).toBe('available')
  })
})

describe('a telephone behind a route watches juliet', () => {
  test('it waits until she says yes, then sees all her devices', async () => {
    const { at, tybalt } = await withTybalt()
    const juliet = await interested(at)
    const watching = await tybalt.watch(JULIET)
    expect(watching.last.status).toBe(200)
    const pending = await tybalt.next()
    expect([stateOf(pending), pending.body.length]).toEqual(['pending', 0])
    expect(said(await from(juliet, BARE))).toBe('subscribe')
    juliet.send(presence('subscribed', BARE))
    const active = await tybalt.next()
    expect(stateOf(active)).toBe('active')
    const state = active.body.length > 0 ? active : await tybalt.next()
    expect(state.body.toString()).toContain('<basic>open</basic>')
  })

  test('her away is told with its words, and her going as closed', async () => {
    const { at, tybalt } = await withTybalt()
    const juliet = await interested(at)
    await tybalt.watch(JULIET)
    await tybalt.next()
    await from(juliet, BARE)
    juliet.send(presence('subscribed', BARE))
    let last = await tybalt.next()
    juliet.send(presence(undefined, undefined, el('show', NS_CLIENT, {}, 'away'), el('status', NS_CLIENT, {}, 'on the balcony')))
    while (!last.body.toString().includes('on the balcony')) last = await tybalt.next()
    expect(last.body.toString()).toContain('away')
    juliet.send(presence('unavailable'))
    while (!last.body.toString().includes('closed')) last = await tybalt.next()
    expect(last.body.toString()).not.toContain('<basic>open</basic>')
  }, 15_000)

  test('her no ends the dialog as rejected', async () => {
    const { at, tybalt } = await withTybalt()
    const juliet = await interested(at)
    await tybalt.watch(JULIET)
    await tybalt.next()
    await from(juliet, BARE)
    juliet.send(presence('unsubscribed', BARE))
    expect(stateOf(await tybalt.next())).toBe('terminated rejected')
  })

  test('it may look once without being told anything it may not know', async () => {
    const { at, tybalt } = await withTybalt()
    await interested(at)
    const looking = await tybalt.watch(JULIET, { expires: 0 })
    expect(looking.last.status).toBe(200)
    const notify = await tybalt.next()
    expect(stateOf(notify)).toMatch(/^terminated/)
    expect(notify.body.toString()).not.toContain('open')
  })

  test('a name nobody has, and a package nobody serves', async () => {
    const { tybalt } = await withTybalt()
    expect((await tybalt.watch('sip:nobody@xmpp.example')).last.status).toBe(404)
    const odd = await tybalt.watch(JULIET, { event: 'message-summary' })
    expect(odd.last.status).toBe(489)
  })

  test('one watcher’s permission shows another nothing', async () => {
    const { at, tybalt } = await withTybalt()
    const juliet = await interested(at)
    await tybalt.watch(JULIET)
    await tybalt.next()
    await from(juliet, BARE)
    juliet.send(presence('subscribed', BARE))
    while ((await tybalt.next()).body.length === 0);
    const paris = await tybalt.watch(JULIET, { as: 'sip:paris@pbx.example' })
    expect(paris.last.status).toBe(200)
    const told = await tybalt.next()
    expect([stateOf(told), told.body.length]).toEqual(['pending', 0])
  })

  test('a refresh keeps the dialog and is told the state again; the end is told as such', async () => {
    const { at, tybalt } = await withTybalt()
    const juliet = await interested(at)
    const watching = await tybalt.watch(JULIET)
    await tybalt.next()
    await from(juliet, BARE)
    juliet.send(presence('subscribed', BARE))
    while ((await tybalt.next()).body.length === 0);
    expect((await watching.subscribe(3_600)).status).toBe(200)
    expect((await tybalt.next()).body.toString()).toContain('open')
    expect((await watching.subscribe(0)).status).toBe(200)
    expect(stateOf(await tybalt.next())).toMatch(/^terminated/)
    // He is not there any more, as far as she is told.
    expect(said(await from(juliet, BARE))).toBe('unavailable')
    expect((await watching.subscribe(3_600)).status).toBe(481)
  }, 15_000)
})
