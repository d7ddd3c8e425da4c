/** Presence of our own accounts where it is seldom looked at: their telephones as watchers, their lists after a reconnect, their end, and their PBX. */
import { afterEach, describe, expect, test } from 'vitest'
import { Jid } from '../../src/address/jid.ts'
import { response, type SipRequest } from '../../src/sip/message.ts'
import { el } from '../../src/xml/element.ts'
import { NS_CLIENT } from '../support/client.ts'
import { befriend, online, presence, query, rosterSet, settled } from '../support/friends.ts'
import { PbxParty } from '../support/pbx.ts'
import type { Phone } from '../support/phone.ts'
import { PresenceAgent, pidf, stateOf } from '../support/presence-agent.ts'
import { PBX, party, TYBALT, verona } from '../support/routed-town.ts'
import { notified, presenceFrom, publish, shown, subscribe } from '../support/telephone-watcher.ts'
import { DOMAIN, PASSWORD, type Town, town } from '../support/town.ts'

const JULIET = 'sip:juliet@xmpp.example'
const ROMEO = 'romeo@xmpp.example'
const NS_ROSTER = 'jabber:iq:roster'
const routes = [{ match: 'pbx.example', to: `sip:${PBX}` }]

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

const state = ({ headers }: SipRequest): string => headers.get('Subscription-State') ?? ''

/** One look. */
const fetch = (phone: Phone, whom: string) =>
  phone.request('SUBSCRIBE', whom, {
    headers: [
      ['Event', 'presence'],
      ['Expires', '0'],
      ['Contact', `<${phone.contact}>`],
    ],
  })

describe('a list of contacts', () => {
  test('that a client has kept is not sent again when it comes back, and what it missed is', async () => {
    const at = await verona({})
    const juliet = await at.silentClient('juliet', 'balcony')
    juliet.send(rosterSet({ jid: ROMEO }))
    juliet.send(query('get', { ver: '' }))
    const [, full] = [await juliet.receive(), await juliet.receive()]
    const ver = full.child('query', NS_ROSTER)?.attr('ver') ?? ''
    expect(ver).not.toBe('')
    await juliet.close()
    const again = await at.silentClient('juliet', 'balcony')
    again.send(query('get', { ver }))
    expect((await again.receive()).children).toEqual([])
    await again.close()
    const other = await at.silentClient('juliet', 'chamber')
    other.send(rosterSet({ jid: 'nurse@xmpp.example' }))
    await other.receive()
    const third = await at.silentClient('juliet', 'balcony')
    third.send(query('get', { ver }))
    const items = (await third.receive()).child('query', NS_ROSTER)?.elements() ?? []
    expect(items.map((item) => item.attr('jid')).toSorted()).toEqual(['nurse@xmpp.example', ROMEO])
  })
})

describe('a telephone of an account', () => {
  test('that its account may see looks once, and sees without a dialog; one that may not sees nothing', async () => {
    const at = await verona({})
    const { juliet } = await befriend(at, 'romeo', 'juliet')
    juliet.send(presence({}, el('status', NS_CLIENT, {}, 'on the balcony')))
    await settled(juliet)
    const phone = await at.phone('romeo')
    expect((await fetch(phone, JULIET)).status).toBe(200)
    const told = await notified(phone, 'presence', () => true)
    expect(state(told)).toMatch(/^terminated;reason=timeout/)
    expect(told.body.toString()).toContain('on the balcony')
    const nosy = await at.phone('nurse')
    expect((await fetch(nosy, JULIET)).status).toBe(200)
    const nothing = await notified(nosy, 'presence', () => true)
    expect([state(nothing).split(';')[0], nothing.body.length]).toEqual(['terminated', 0])
  })

  test('watches another account that has a telephone alone: it comes, says what it is, and goes', async () => {
    const at = await verona({})
    const { romeo, juliet } = await befriend(at, 'romeo', 'juliet')
    await juliet.close()
    await settled(romeo)
    await romeo.close()
    const watcher = await at.phone('romeo')
    const watched = await at.phone('juliet')
    expect((await subscribe(watcher, JULIET)).status).toBe(200)
    await notified(watcher, 'presence', (body) => body.includes('<basic>open</basic>'))
    await publish(watched, pidf(watched.aor, { id: 't', basic: 'open', note: 'Out to lunch' }))
    await notified(watcher, 'presence', (body) => body.includes('Out to lunch'))
    await watched.unregister()
    await notified(watcher, 'presence', (body) => body.includes('closed') && !body.includes('<basic>open</basic>'))
  }, 30_000)

  test('says nothing by P-XMPP-Data in a SUBSCRIBE', async () => {
    const at = await verona({})
    const juliet = await online(at, 'juliet', 'balcony')
    const phone = await at.phone('romeo')
    const data = `<presence xmlns='jabber:client' from='nurse@xmpp.example' to='juliet@xmpp.example' type='unsubscribe'><status>forged</status></presence>`
    const headers = [
      ['Event', 'presence'],
      ['Expires', '3600'],
      ['Contact', `<${phone.contact}>`],
      ['P-XMPP-Data', data],
    ] as const
    expect((await phone.request('SUBSCRIBE', JULIET, { headers })).status).toBe(200)
    const heard = (await settled(juliet)).filter(({ name }) => name === 'presence')
    expect(heard.map((xml) => [xml.attr('from'), xml.attr('type'), xml.child('status')])).toEqual([[ROMEO, 'subscribe', undefined]])
  })
})

describe('the device that stands for all of them', () => {
  for (const [aggregate, first] of [
    ['most-available', 'balcony'],
    ['busy-wins', 'chamber'],
  ] as const)
    test(`is the first in a document, and busy or free as the domain says: ${aggregate}`, async () => {
      const at = await verona({ aggregate })
      const { juliet } = await befriend(at, 'romeo', 'juliet')
      const balcony = await online(at, 'juliet', 'balcony')
      const chamber = await online(at, 'juliet', 'chamber', el('show', NS_CLIENT, {}, 'dnd'))
      juliet.send(presence({ type: 'unavailable' }))
      await settled(juliet)
      await settled(balcony)
      await settled(chamber)
      const phone = await at.phone('romeo')
      await fetch(phone, JULIET)
      const body = (await notified(phone, 'presence', () => true)).body.toString()
      expect(/<tuple id=['"]([^'"]+)/.exec(body)?.[1]).toBe(`ID-${first}`)
      expect(body.includes('busy/>')).toBe(aggregate === 'busy-wins')
    })
})

describe('an account that is', () => {
  /** tybalt and juliet see each other. */
  async function acquainted(): Promise<{ at: Town; tybalt: PresenceAgent; watched: SipRequest }> {
    const at = await verona({ routes })
    const tybalt = new PresenceAgent(await party(at), TYBALT, PBX)
    const juliet = await online(at, 'juliet', 'balcony')
    juliet.send(presence({ type: 'subscribe', to: 'tybalt@pbx.example' }))
    const watched = await tybalt.next()
    await tybalt.notify(watched, 'active;expires=3600', pidf(TYBALT, { id: 'desk', basic: 'open' }))
    await presenceFrom(juliet, 'tybalt@pbx.example')
    await tybalt.watch(JULIET)
    await tybalt.next()
    await settled(juliet)
    juliet.send(presence({ type: 'subscribed', to: 'tybalt@pbx.example' }))
    while (!(await tybalt.next()).body.includes('open'));
    return { at, tybalt, watched }
  }

  test('removed is watched by nobody, watches nobody, and was never there', async () => {
    const { at, tybalt, watched } = await acquainted()
    const jid = Jid.parse('juliet@xmpp.example')
    at.store.accounts.remove(jid)
    await at.house.endAccount(jid)
    const last = new Map<string, SipRequest>()
    while (!last.has('SUBSCRIBE') || !/^terminated/.test(state(last.get('NOTIFY') ?? watched))) {
      const request = await tybalt.next()
      last.set(request.method, request)
    }
    expect([last.get('SUBSCRIBE')?.headers.get('Expires'), last.get('SUBSCRIBE')?.headers.get('Call-ID')]).toEqual([
      '0',
      watched.headers.get('Call-ID'),
    ])
    expect(stateOf(last.get('NOTIFY') ?? watched)).toBe('terminated noresource')
    expect((await tybalt.watch(JULIET)).last.status).toBe(404)
  }, 15_000)

  test('given another password is watched as before, and watches as before', async () => {
    const { at, tybalt } = await acquainted()
    await at.house.endAccount(Jid.parse('juliet@xmpp.example'))
    // She is offline, since whoever is logged in has to log in again.
    let told = await tybalt.next()
    while (told.method !== 'NOTIFY' || !told.body.includes('closed')) told = await tybalt.next()
    expect(state(told)).toMatch(/^active/)
    const juliet = await online(at, 'juliet', 'garden')
    juliet.send(presence({}, el('status', NS_CLIENT, {}, 'back again')))
    while (told.method !== 'NOTIFY' || !told.body.includes('back again')) told = await tybalt.next()
    expect(state(told)).toMatch(/^active/)
  }, 20_000)

  test('given another password has no telephone that still watches by the old one', async () => {
    const at = await verona({})
    const { juliet } = await befriend(at, 'romeo', 'juliet')
    const phone = await at.phone('romeo')
    expect(shown(await presenceFrom(juliet, `${ROMEO}/telephone-`))).toBe('available')
    await subscribe(phone, JULIET)
    await notified(phone, 'presence', (body) => body.includes('<basic>open</basic>'))
    await at.house.endAccount(Jid.parse(ROMEO))
    const last = await notified(phone, 'presence', (_, notify) => state(notify).startsWith('terminated'))
    expect(stateOf(last)).toBe('terminated deactivated')
    expect(shown(await presenceFrom(juliet, `${ROMEO}/telephone-`))).toBe('unavailable')
  }, 15_000)
})

test('at a PBX where every extension registers, presence is published with its password, and taken back at the logout', async () => {
  const at = await town({ accounts: [], presence: 'publish', pbx: { uri: `sip:${PBX}` } })
  closing.push(() => at.stop())
  const pbx = await PbxParty.on(at.network.join({ host: PBX, timers: { t1Ms: 10 } }), { domain: DOMAIN, passwords: { juliet: PASSWORD } })
  closing.push(() => pbx.stop())
  const published: SipRequest[] = []
  const fork = pbx.fork.bind(pbx)
  pbx.fork = async (request, uri) => {
    if (request.method !== 'PUBLISH') return fork(request, uri)
    published.push(request)
    const fields = [
      ['SIP-ETag', `tag${published.length}`],
      ['Expires', request.headers.get('Expires') ?? ''],
    ] as const
    return response(200, undefined, fields)
  }
  const juliet = await at.client('juliet')
  await pbx.until(() => published.length === 1)
  expect(published[0]?.uri).toBe(JULIET)
  expect(published[0]?.headers.has('Proxy-Authorization')).toBe(true)
  expect(published[0]?.body.toString()).toContain('<basic>open</basic>')
  await juliet.close()
  await pbx.until(() => published.length === 2)
  const last = published[1]
  expect([last?.headers.get('Expires'), last?.headers.get('SIP-If-Match'), last?.body.length]).toEqual(['0', 'tag1', 0])
})
