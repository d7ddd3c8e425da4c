/** How the dialogs in which our users watch somebody elsewhere go on and end: by the reasons of RFC 6665 §4.1.3, and with those who watch. */
import { describe, expect, test } from 'vitest'
import type { SipRequest } from '../../src/sip/message.ts'
import { online, presence, query, settled } from '../support/friends.ts'
import { PresenceAgent, pidf, stateOf } from '../support/presence-agent.ts'
import { JULIET, PBX, party, TYBALT, verona } from '../support/routed-town.ts'
import { presenceFrom, shown } from '../support/telephone-watcher.ts'
import type { Town } from '../support/town.ts'

const routes = [{ match: 'pbx.example', to: `sip:${PBX}` }]
const BARE = 'tybalt@pbx.example'
const AT_HIS_DESK = pidf(TYBALT, { id: 'desk', basic: 'open' })

async function place(): Promise<{ at: Town; tybalt: PresenceAgent }> {
  const at = await verona({ routes })
  return { at, tybalt: new PresenceAgent(await party(at), TYBALT, PBX) }
}

/** `local` sees tybalt's desk for so many seconds. */
async function watcher(at: Town, tybalt: PresenceAgent, local: string, seconds = 3_600) {
  const client = await online(at, local, 'home')
  client.send(presence({ type: 'subscribe', to: BARE }))
  const subscribe = await tybalt.next()
  await tybalt.notify(subscribe, `active;expires=${seconds}`, AT_HIS_DESK)
  expect(shown(await presenceFrom(client, BARE))).toBe('subscribed')
  expect(shown(await presenceFrom(client, BARE))).toBe('available')
  return { client, subscribe }
}

const fromOf = ({ headers }: SipRequest): string | undefined => /<sip:([^@]+)@/.exec(headers.get('From') ?? '')?.[1]
const callId = ({ headers }: SipRequest): string => headers.get('Call-ID') ?? ''

describe('a notifier that ends the dialog', () => {
  for (const reason of ['deactivated', 'timeout'])
    test(`as ${reason} is asked anew at once, with the leave he has given, and nothing is seen of it`, async () => {
      const { at, tybalt } = await place()
      const { client, subscribe } = await watcher(at, tybalt, 'juliet')
      await tybalt.notify(subscribe, `terminated;reason=${reason}`)
      const again = await tybalt.next()
      expect(callId(again)).not.toBe(callId(subscribe))
      await tybalt.notify(again, 'active;expires=3600', pidf(TYBALT, { id: 'desk', basic: 'open', note: 'Busy' }))
      expect(shown(await presenceFrom(client, BARE))).toBe('available · dnd · Busy')
    })

  test('because there is nobody any more takes his leave with it', async () => {
    const { at, tybalt } = await place()
    const { client, subscribe } = await watcher(at, tybalt, 'juliet')
    await tybalt.notify(subscribe, 'terminated;reason=noresource')
    expect([shown(await presenceFrom(client, BARE)), shown(await presenceFrom(client, BARE))]).toEqual(['unavailable', 'unsubscribed'])
  })

  test('because nothing will ever change is believed: he stays what he was, and is not asked again', async () => {
    const { at, tybalt } = await place()
    const { client, subscribe } = await watcher(at, tybalt, 'juliet')
    await tybalt.notify(subscribe, 'terminated;reason=invariant')
    expect((await settled(client)).filter(({ name }) => name === 'presence')).toEqual([])
    expect(tybalt.unread).toBe(0)
  })
})

test('a dialog is refreshed only while its watcher is there; his leave outlives it', async () => {
  const { at, tybalt } = await place()
  const { client } = await watcher(at, tybalt, 'juliet', 5)
  await client.close()
  const nurse = await watcher(at, tybalt, 'nurse', 5)
  // Hers is due first, and ends.
  const [end, refresh] = [await tybalt.next(), await tybalt.next()]
  expect([fromOf(end), end.headers.get('Expires')]).toEqual(['juliet', '0'])
  expect([fromOf(refresh), refresh.headers.get('Expires'), callId(refresh)]).toEqual(['nurse', '3600', callId(nurse.subscribe)])
  expect(tybalt.unread).toBe(0)
  await tybalt.notify(refresh, 'active;expires=3600', AT_HIS_DESK)
  const again = await online(at, 'juliet', 'home')
  const anew = await tybalt.next()
  expect([fromOf(anew), anew.headers.get('Expires')]).toEqual(['juliet', '3600'])
  await tybalt.notify(anew, 'active;expires=3600', AT_HIS_DESK)
  // Nobody says "subscribed" a second time.
  expect(shown(await presenceFrom(again, BARE))).toBe('available')
}, 15_000)

test('what nobody trusts in a NOTIFY is not read: its document counts, and its P-XMPP-Data does not', async () => {
  const { at, tybalt } = await place()
  const { client, subscribe } = await watcher(at, tybalt, 'juliet')
  const data = `<presence xmlns='jabber:client' from='nurse@xmpp.example/x' to='juliet@xmpp.example'><show>dnd</show></presence>`
  const body = pidf('pres:nurse@xmpp.example', { id: 'desk', basic: 'open', note: 'Away' })
  await tybalt.notify(subscribe, 'active;expires=3600', body, [['P-XMPP-Data', data]])
  const heard = (await settled(client)).filter(({ name }) => name === 'presence')
  expect(heard.map((xml) => [xml.attr('from'), shown(xml)])).toEqual([[`${BARE}/desk`, 'available · away · Away']])
})

test('a telephone elsewhere with two dialogs is one watcher: the first to end takes nothing from the other', async () => {
  const { at, tybalt } = await place()
  const juliet = await online(at, 'juliet', 'balcony')
  const one = await tybalt.watch(JULIET)
  await tybalt.next()
  juliet.send(presence({ type: 'subscribed', to: BARE }))
  while (!(await tybalt.next()).body.includes('open'));
  const other = await tybalt.watch(JULIET)
  expect((await tybalt.next()).body.toString()).toContain('open')
  const asked = (await settled(juliet)).filter((xml) => xml.attr('type') === 'subscribe')
  expect(asked).toHaveLength(1)
  await one.subscribe(0)
  expect(stateOf(await tybalt.next())).toBe('terminated timeout')
  expect((await settled(juliet)).filter((xml) => xml.attr('type') === 'unavailable')).toEqual([])
  await other.subscribe(0)
  expect(stateOf(await tybalt.next())).toBe('terminated timeout')
  expect([shown(await presenceFrom(juliet, BARE))]).toEqual(['unavailable'])
}, 15_000)

test('a telephone of romeo’s that watches no more takes nothing from his list', async () => {
  const at = await verona({})
  const romeo = await online(at, 'romeo', 'home')
  const juliet = await online(at, 'juliet', 'home')
  romeo.send(presence({ type: 'subscribe', to: 'juliet@xmpp.example' }))
  await settled(romeo)
  juliet.send(presence({ type: 'subscribed', to: 'romeo@xmpp.example' }))
  await settled(juliet)
  const phone = await at.phone('romeo')
  const dialog = {
    callId: 'watching-juliet',
    headers: [
      ['Event', 'presence'],
      ['Contact', `<${phone.contact}>`],
    ] as const,
  }
  await phone.request('SUBSCRIBE', JULIET, { ...dialog, headers: [...dialog.headers, ['Expires', '3600']] })
  const notify = await phone.received()
  expect(stateOf(notify)).toBe('active')
  phone.answer = 481
  juliet.send(presence({ type: 'unavailable' }))
  await phone.received()
  await settled(juliet)
  romeo.send(query('get'))
  let list = await romeo.receive()
  while (list.attr('type') !== 'result' || !list.child('query', 'jabber:iq:roster')) list = await romeo.receive()
  expect(list.child('query', 'jabber:iq:roster')?.child('item')?.attr('subscription')).toBe('to')
  expect((await settled(juliet)).map((xml) => xml.attr('type'))).not.toContain('unsubscribe')
}, 15_000)
