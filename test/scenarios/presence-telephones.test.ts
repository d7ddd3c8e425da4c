/** Telephones of our own accounts as they are seen: registered, in a call, and as they publish themselves. */
import { afterEach, describe, expect, test } from 'vitest'
import { response, type SipResponse } from '../../src/sip/message.ts'
import type { Element } from '../../src/xml/element.ts'
import { befriend, online, presence, query, settled } from '../support/friends.ts'
import { pidf } from '../support/presence-agent.ts'
import { message } from '../support/stanzas.ts'
import { noted, notified, presenceFrom, publish, shown, subscribe } from '../support/telephone-watcher.ts'
import { type Town, type TownOptions, town } from '../support/town.ts'

const ROMEO = 'romeo@xmpp.example'
const JULIET = 'sip:juliet@xmpp.example'
/** Calls go through our own stack alone. */
const WITH_CALLS = { stack: 'embedded' } as const

const opened: Town[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.stop()
})

async function verona(options: TownOptions = {}) {
  const place = await town(options)
  opened.push(place)
  return place
}

/** juliet, who sees romeo; he has only a telephone from now on. */
async function watching(options: TownOptions = {}) {
  const place = await verona(options)
  const { juliet, romeo } = await befriend(place, 'romeo', 'juliet')
  romeo.send(presence({ type: 'unavailable' }))
  expect(shown(await presenceFrom(juliet, `${ROMEO}/home`))).toBe('unavailable')
  return { place, juliet, romeo }
}

const tagIn = (answer: SipResponse): string => answer.headers.get('SIP-ETag') ?? ''
const resourceOf = (stanza: Element): string => stanza.attr('from')?.split('/')[1] ?? ''

describe('a telephone that registers', () => {
  test('is a device that is available, is reached as such, and is gone when it unregisters', async () => {
    const { place, juliet } = await watching()
    const phone = await place.phone('romeo')
    const there = await presenceFrom(juliet, ROMEO)
    expect(shown(there)).toBe('available')
    expect(resourceOf(there)).toMatch(/^telephone-[\w-]{8}$/)
    juliet.send(message(there.attr('from') ?? '', 'but soft'))
    expect((await phone.received()).body.toString()).toBe('but soft')
    await phone.unregister()
    const gone = await presenceFrom(juliet, ROMEO)
    expect([shown(gone), resourceOf(gone)]).toEqual(['unavailable', resourceOf(there)])
  })

  test('that says which instance it is has that as its resource, and a refresh is no news', async () => {
    const { place, juliet } = await watching()
    const caller = await place.caller('romeo', {})
    await presenceFrom(juliet, ROMEO)
    await caller.register([], ';+sip.instance="<urn:uuid:00000000-0000-4000-8000-000000000001>"')
    const all = [await presenceFrom(juliet, ROMEO), await presenceFrom(juliet, ROMEO)].map((one) => `${shown(one)} ${resourceOf(one)}`)
    expect(all.toSorted()[0]).toBe('available urn:uuid:00000000-0000-4000-8000-000000000001')
    expect(all.toSorted()[1]).toMatch(/^unavailable telephone-/)
    await caller.register([], ';+sip.instance="<urn:uuid:00000000-0000-4000-8000-000000000001>"')
    expect((await settled(juliet)).filter(({ name }) => name === 'presence')).toEqual([])
  })

  test('is known to whoever logs in later, the account’s own clients among them', async () => {
    const { place } = await watching()
    await place.phone('romeo')
    const other = await place.silentClient('juliet', 'garden')
    other.send(query('get'))
    other.send(presence({}))
    expect(shown(await presenceFrom(other, `${ROMEO}/telephone-`))).toBe('available')
    const own = await place.silentClient('romeo', 'street')
    own.send(presence({}))
    expect(shown(await presenceFrom(own, `${ROMEO}/telephone-`))).toBe('available')
  })

  test('and that expires is gone', async () => {
    const { place, juliet } = await watching()
    await place.phone('romeo')
    await presenceFrom(juliet, ROMEO)
    const [binding] = place.house.registrations.flowsOf(ROMEO)
    if (!binding) throw new Error('nobody is registered')
    place.house.registrations.replace(ROMEO, [{ ...binding, expiresAt: Date.now() - 1 }])
    expect(shown(await presenceFrom(juliet, ROMEO))).toBe('unavailable')
  })

  test('is shown to nobody who may not see the account', async () => {
    const place = await verona()
    const nurse = await online(place, 'nurse', 'home')
    await place.phone('romeo')
    nurse.send(presence({ type: 'subscribe', to: ROMEO }))
    expect((await settled(nurse)).filter(({ name }) => name === 'presence')).toEqual([])
  })
})

describe('a telephone that publishes', () => {
  test('is what it says, through a refresh and a change, until it takes that back', async () => {
    const { place, juliet } = await watching()
    const phone = await place.phone('romeo')
    const resource = resourceOf(await presenceFrom(juliet, ROMEO))
    const first = await publish(phone, noted(phone, 'Out to lunch'))
    expect(first.status).toBe(200)
    const lunch = await presenceFrom(juliet, ROMEO)
    expect([shown(lunch), resourceOf(lunch)]).toEqual(['available · away · Out to lunch', resource])
    const refreshed = await publish(phone, '', tagIn(first))
    expect(refreshed.status).toBe(200)
    expect((await publish(phone, '', tagIn(first))).status).toBe(412)
    const changed = await publish(phone, noted(phone, 'Do not disturb'), tagIn(refreshed))
    expect(shown(await presenceFrom(juliet, ROMEO))).toBe('available · dnd · Do not disturb')
    await publish(phone, '', tagIn(changed), 0)
    expect(shown(await presenceFrom(juliet, ROMEO))).toBe('available')
  })

  test('that it is closed is not there, though it is registered', async () => {
    const { place, juliet } = await watching()
    const phone = await place.phone('romeo')
    await presenceFrom(juliet, ROMEO)
    await publish(phone, noted(phone, '', 'closed'))
    expect(shown(await presenceFrom(juliet, ROMEO))).toBe('unavailable')
  })

  test('is told apart from another of the account by where it stands, and takes its publication with it', async () => {
    const { place, juliet } = await watching()
    const one = await place.phone('romeo')
    const first = resourceOf(await presenceFrom(juliet, ROMEO))
    const other = await place.phone('romeo')
    const second = resourceOf(await presenceFrom(juliet, ROMEO))
    await publish(other, noted(other, 'Busy'))
    expect(resourceOf(await presenceFrom(juliet, ROMEO))).toBe(second)
    await publish(one, noted(one, 'Away'))
    expect(resourceOf(await presenceFrom(juliet, ROMEO))).toBe(first)
    await other.unregister()
    const gone = await presenceFrom(juliet, ROMEO)
    expect([shown(gone), resourceOf(gone)]).toEqual(['unavailable', second])
    expect((await settled(juliet)).filter(({ name }) => name === 'presence')).toEqual([])
  })

  test('several devices is the first, and the others are there beside it', async () => {
    const { place, juliet } = await watching()
    const phone = await place.phone('romeo')
    const resource = resourceOf(await presenceFrom(juliet, ROMEO))
    await publish(phone, pidf(phone.aor, { id: 'desk', basic: 'open', note: 'Busy' }, { id: 'pocket', basic: 'open' }))
    const all = [await presenceFrom(juliet, ROMEO), await presenceFrom(juliet, ROMEO)].map((one) => `${resourceOf(one)} ${shown(one)}`)
    expect(all).toEqual([`${resource} available · dnd · Busy`, 'pocket available'])
  })

  test('what nobody can read is told so, and stays what it was', async () => {
    const { place, juliet } = await watching()
    const phone = await place.phone('romeo')
    await presenceFrom(juliet, ROMEO)
    expect((await publish(phone, '<presence')).status).toBe(400)
    expect((await settled(juliet)).filter(({ name }) => name === 'presence')).toEqual([])
  })

  test('for somebody else is refused', async () => {
    const place = await verona()
    const phone = await place.phone('romeo')
    const headers = [
      ['Event', 'presence'],
      ['Expires', '3600'],
    ] as const
    const answer = await phone.request('PUBLISH', JULIET, { headers, contentType: 'application/pidf+xml', body: noted(phone, 'Busy') })
    expect(answer.status).toBe(403)
  })
})

describe('a call', () => {
  test('is seen as it rings, as it is answered, and no longer when it is over', async () => {
    const { place, juliet } = await watching(WITH_CALLS)
    const romeo = await place.caller('romeo')
    const nurse = await place.caller('nurse')
    await presenceFrom(juliet, ROMEO)
    const call = await nurse.call('sip:romeo@xmpp.example')
    const rung = await romeo.rung()
    rung.ring()
    await call.progress(180)
    const rings = await presenceFrom(juliet, ROMEO)
    expect(shown(rings)).toBe('available · away · Ringing')
    rung.answer()
    const caller = await call.answered()
    await rung.talking()
    const talks = await presenceFrom(juliet, ROMEO)
    expect(shown(talks)).toBe('available · dnd · On the phone')
    for (const one of [rings, talks]) expect(one.children.join('') + one.attrs.join('')).not.toContain('nurse')
    const bye = caller.bye()
    await rung.side.hungUp()
    await bye
    expect(shown(await presenceFrom(juliet, ROMEO))).toBe('available')
  })

  test('of who calls is seen as soon as it rings there, and a refused one ends it', async () => {
    const { place, juliet } = await watching(WITH_CALLS)
    const romeo = await place.caller('romeo')
    const nurse = await place.caller('nurse')
    await presenceFrom(juliet, ROMEO)
    const call = await romeo.call('sip:nurse@xmpp.example')
    const rung = await nurse.rung()
    rung.ring()
    await call.progress(180)
    expect(shown(await presenceFrom(juliet, ROMEO))).toBe('available · dnd · On the phone')
    await rung.refuse(486)
    await call.refused()
    expect(shown(await presenceFrom(juliet, ROMEO))).toBe('available')
  })

  test('is told in the dialog package: to others without the other side, to the account with it', async () => {
    const place = await verona(WITH_CALLS)
    const juliet = await place.phone('juliet')
    const own = await place.phone('romeo', { transport: 'tcp' })
    own.answer = ({ method }) => response(method === 'INVITE' ? 480 : 200)
    const romeo = await place.caller('romeo')
    const nurse = await place.caller('nurse')
    expect((await subscribe(juliet, 'sip:romeo@xmpp.example', 'dialog')).status).toBe(200)
    const client = await place.silentClient('romeo', 'home')
    client.send(presence({ type: 'subscribed', to: 'juliet@xmpp.example' }))
    client.send(presence({}))
    await notified(juliet, 'dialog', (body) => body.includes('terminated'))
    expect((await subscribe(own, 'sip:romeo@xmpp.example', 'dialog')).status).toBe(200)
    await notified(own, 'dialog', (body) => body.includes('terminated'))
    const call = await nurse.call('sip:romeo@xmpp.example')
    const rung = await romeo.rung()
    rung.ring()
    await call.progress(180)
    const seen = (await notified(juliet, 'dialog', (body) => body.includes('early'))).body.toString()
    expect(seen).not.toContain('nurse')
    expect(seen).not.toContain('call-id')
    expect((await notified(own, 'dialog', (body) => body.includes('early'))).body.toString()).toContain('sip:nurse@xmpp.example')
    await call.cancel()
    await rung.cancelled()
    const over = (await notified(juliet, 'dialog', (body) => !body.includes('early'))).body.toString()
    expect(Number(/version='(\d+)'/.exec(over)?.[1])).toBeGreaterThan(Number(/version='(\d+)'/.exec(seen)?.[1]))
  }, 20_000)
})

describe('accounts that have telephones alone', () => {
  test('see each other when each watches the other: nobody can be asked', async () => {
    const place = await verona()
    const juliet = await place.phone('juliet')
    const romeo = await place.phone('romeo')
    expect((await subscribe(juliet, 'sip:romeo@xmpp.example')).status).toBe(200)
    await notified(juliet, 'presence', (_, { headers }) => headers.get('Subscription-State')?.startsWith('pending') === true)
    expect((await subscribe(romeo, JULIET)).status).toBe(200)
    expect((await notified(romeo, 'presence', (body) => body.includes('open'))).headers.get('Subscription-State')).toMatch(/^active/)
    await notified(juliet, 'presence', (body) => body.includes('open'))
  }, 20_000)

  test('are asked through their client where they have one', async () => {
    const place = await verona()
    const client = await online(place, 'romeo', 'home')
    const romeo = await place.phone('romeo')
    await subscribe(romeo, JULIET)
    await notified(romeo, 'presence', () => true)
    const juliet = await online(place, 'juliet', 'home')
    juliet.send(presence({ type: 'subscribe', to: ROMEO }))
    expect(shown(await presenceFrom(client, 'juliet@xmpp.example'))).toBe('subscribe')
  })

  test('see who watches them, and who has asked (presence.winfo); nobody else does', async () => {
    const place = await verona()
    const romeo = await place.phone('romeo')
    expect((await subscribe(romeo, 'sip:romeo@xmpp.example', 'presence.winfo')).status).toBe(200)
    await notified(romeo, 'presence.winfo', (body) => body.includes('<watcher-list'))
    const juliet = await online(place, 'juliet', 'home')
    juliet.send(presence({ type: 'subscribe', to: ROMEO }))
    const { body } = await notified(romeo, 'presence.winfo', (text) => text.includes('juliet'))
    expect(body.toString()).toMatch(/status='pending'[^>]*>sip:juliet@xmpp\.example</)
    const nosy = await place.phone('nurse')
    expect((await subscribe(nosy, 'sip:romeo@xmpp.example', 'presence.winfo')).status).toBe(403)
  }, 20_000)
})
