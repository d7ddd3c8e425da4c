/** Somebody of ours watches over SIP (RFC 6665 §4.1, RFC 8048 §4): how his subscription begins and ends, and what its NOTIFYs bring. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SipUri } from '../../../src/address/sip-uri.ts'
import { RefusedError } from '../../../src/core/port.ts'
import { begin, end, house, statusOf, WATCH } from '../../support/subscriber-house.ts'
import { field, JULIET, notifyFor, pass, ROMEO, received, settled, watchOf } from '../../support/watching.ts'

beforeEach(begin)
afterEach(end)

describe('a subscription', () => {
  test('begins as a SUBSCRIBE for an hour to where the way begins', async () => {
    const { outward, subscriber, subscribed } = house()
    const subscribe = await subscribed()
    expect(subscribe.method).toBe('SUBSCRIBE')
    expect(subscribe.uri).toBe('sip:romeo@sip.example')
    expect(field(subscribe, 'From')).toMatch(/^<sip:juliet@xmpp\.example>;tag=/)
    expect(field(subscribe, 'To')).toBe('<sip:romeo@sip.example>')
    expect(field(subscribe, 'Event')).toBe('presence')
    expect(field(subscribe, 'Accept')).toBe('application/pidf+xml')
    expect(field(subscribe, 'Expires')).toBe('3600')
    expect(field(subscribe, 'Contact')).toBe('<sip:juliet@192.0.2.1>')
    expect(outward.nexts[0]?.uri.toString()).toBe('sip:pbx.example')
    subscriber.subscribe(WATCH)
    await settled()
    expect(outward.sent).toHaveLength(1)
  })

  test('to a registered telephone goes to its contact, by its path', async () => {
    const { outward, subscribed } = house()
    const contact = SipUri.parse('sip:romeo@10.0.0.5')
    outward.start = {
      target: contact,
      routes: ['<sip:edge.example;lr>'],
      next: { uri: contact, hop: undefined, local: JULIET, remote: ROMEO },
    }
    const subscribe = await subscribed()
    expect(subscribe.uri).toBe('sip:romeo@10.0.0.5')
    expect(field(subscribe, 'Route')).toBe('<sip:edge.example;lr>')
  })

  test('is pending, then active, and each NOTIFY is told with its document', async () => {
    const { told, notices, notify, subscribed } = house()
    await subscribed()
    expect(told).toEqual([])
    expect(await notify('pending;expires=3600', { CSeq: '1 NOTIFY' }, '')).toBe(200)
    expect(await notify('active;expires=3590', { CSeq: '2 NOTIFY', 'Content-Language': 'it' })).toBe(200)
    expect(told).toEqual(['pending', 'active'])
    expect(notices[0]?.document).toBeUndefined()
    expect(notices[1]?.document?.body.toString()).toBe('<presence/>')
    expect(notices[1]).toMatchObject({ language: 'it', isFetched: false })
  })

  test('is there when its NOTIFY comes before the answer to SUBSCRIBE', async () => {
    const { outward, told, notify, subscribed, asked } = house()
    let answer: (status: number) => void = () => {}
    outward.says = () => new Promise((resolve) => (answer = resolve))
    await subscribed()
    expect(await notify('active;expires=600')).toBe(200)
    answer(200)
    await settled()
    outward.says = () => 200
    expect(told).toEqual(['active'])
    await pass(560)
    expect(asked()).toEqual(['3600', '3600'])
  })

  test('even where that answer never comes', async () => {
    const { outward, told, notify, subscribed } = house()
    let fail: (why: 'timeout') => void = () => {}
    outward.says = () => new Promise((resolve) => (fail = resolve))
    await subscribed()
    await notify('active;expires=600')
    fail('timeout')
    await pass(60)
    expect(told).toEqual(['active'])
    expect(outward.sent).toHaveLength(1)
  })

  test('is refreshed in its dialog before it expires', async () => {
    const { outward, notify, subscribed } = house()
    const first = await subscribed()
    await notify('active;expires=1000', { Contact: '<sip:romeo@192.0.2.7:5070>', 'Record-Route': '<sip:p.example;lr>' })
    await pass(800)
    expect(outward.sent).toHaveLength(1)
    await pass(100)
    const refresh = outward.last
    expect(outward.sent).toHaveLength(2)
    expect(refresh.uri).toBe('sip:romeo@192.0.2.7:5070')
    expect(field(refresh, 'Route')).toBe('<sip:p.example;lr>')
    expect(field(refresh, 'Call-ID')).toBe(field(first, 'Call-ID'))
    expect(field(refresh, 'From')).toBe(field(first, 'From'))
    expect(field(refresh, 'To')).toBe('<sip:romeo@sip.example>;tag=there')
    expect(field(refresh, 'CSeq')).toBe('2 SUBSCRIBE')
    expect(outward.nexts[1]?.uri.toString()).toBe('sip:p.example;lr')
  })

  test('ends instead of being refreshed where nobody wants it any more', async () => {
    const { outward, subscriber, wanted, notify, subscribed, asked } = house()
    await subscribed()
    await notify('active;expires=600')
    wanted.is = false
    await pass(600)
    expect(asked()).toEqual(['3600', '0'])
    expect(subscriber.has(WATCH)).toBe(false)
    await pass(3_600)
    expect(outward.sent).toHaveLength(2)
  })

  test('ends by a SUBSCRIBE of no time, and its last NOTIFY is heard', async () => {
    const { outward, subscriber, told, notify, subscribed, asked } = house()
    const first = await subscribed()
    await notify('active;expires=600')
    subscriber.unsubscribe(WATCH)
    await settled()
    expect(asked()).toEqual(['3600', '0'])
    expect(subscriber.has(WATCH)).toBe(false)
    expect(await notify('terminated;reason=timeout', { CSeq: '2 NOTIFY' }, '', first)).toBe(200)
    expect(told).toEqual(['active', 'terminated timeout'])
    expect(statusOf(() => subscriber.inDialog(received(notifyFor(first, 'active', { CSeq: '3 NOTIFY' }))))).toBe(481)
    await pass(4_000)
    expect(outward.sent).toHaveLength(2)
  })

  test('that is given up before it was answered is ended as soon as there is a dialog', async () => {
    const { outward, subscriber, notify, subscribed, asked } = house()
    outward.says = () => 'never'
    const first = await subscribed()
    subscriber.unsubscribe(WATCH)
    outward.says = () => 200
    await notify('active;expires=600', {}, undefined, first)
    expect(asked()).toEqual(['3600', '0'])
  })

  test('that was ended and asked for again hears no last word of the one before', async () => {
    const { subscriber, told, notify, subscribed } = house()
    const first = await subscribed()
    await notify('active;expires=600')
    subscriber.unsubscribe(WATCH)
    await subscribed()
    await notify('active;expires=600')
    await notify('terminated;reason=timeout', { CSeq: '2 NOTIFY' }, '', first)
    expect(told).toEqual(['active', 'active'])
    expect(subscriber.has(WATCH)).toBe(true)
  })
})

describe('a NOTIFY', () => {
  test('that comes late never turns presence back', async () => {
    const { subscriber, told, notify, subscribed } = house()
    const first = await subscribed()
    await notify('active;expires=600', { CSeq: '7 NOTIFY' })
    for (const cseq of ['6 NOTIFY', '7 NOTIFY'])
      expect(statusOf(() => subscriber.inDialog(received(notifyFor(first, 'active;expires=600', { CSeq: cseq }))))).toBe(500)
    expect(told).toEqual(['active'])
  })

  for (const [what, fields, status] of [
    ['without a Subscription-State', { 'Subscription-State': undefined }, 400],
    ['of another package', { Event: 'dialog' }, 489],
    ['with a document that nobody reads', { 'Content-Type': 'text/plain' }, 415],
    ['of no subscription', { 'Call-ID': 'unheard-of' }, 481],
    ['with a tag that was guessed', { To: '<sip:juliet@xmpp.example>;tag=guessed' }, 481],
  ] as const) {
    test(`${what} is ${status}`, async () => {
      const { subscriber, told, subscribed } = house()
      const first = await subscribed()
      expect(statusOf(() => subscriber.inDialog(received(notifyFor(first, 'active', fields))))).toBe(status)
      expect(told).toEqual([])
    })
  }

  test('whose document cannot be read is refused as its reader says, and the dialog lives', async () => {
    const { subscriber, wanted, notify, subscribed, told } = house()
    const first = await subscribed()
    wanted.hear = () => {
      throw new RefusedError(400, 'That is no PIDF')
    }
    expect(statusOf(() => subscriber.inDialog(received(notifyFor(first, 'active;expires=600', { CSeq: '1 NOTIFY' }))))).toBe(400)
    wanted.hear = () => {}
    expect(await notify('active;expires=600', { CSeq: '2 NOTIFY' })).toBe(200)
    expect(told).toEqual(['active'])
  })

  test('that never comes within 32 s after the 2xx means there is no subscription: told once, and tried again', async () => {
    const { told, subscribed, asked, notify } = house()
    await subscribed()
    await pass(33)
    expect(told).toEqual(['refused 408'])
    await pass(6)
    expect(asked()).toEqual(['3600', '3600'])
    await pass(120)
    expect(told).toEqual(['refused 408'])
    await notify('active;expires=600')
    expect(told).toEqual(['refused 408', 'active'])
  })
})

describe('a forked SUBSCRIBE', () => {
  test('for presence has one dialog: the first; others hear 481 (RFC 3856 §6.9)', async () => {
    const { subscriber, notify, subscribed, told } = house()
    const first = await subscribed()
    await notify('active;expires=600', { From: '<sip:romeo@sip.example>;tag=a' })
    expect(statusOf(() => subscriber.inDialog(received(notifyFor(first, 'active', { From: '<sip:romeo@sip.example>;tag=b' }))))).toBe(481)
    expect(told).toEqual(['active'])
  })

  test('for dialogs has as many as there are telephones, each refreshed and told apart (RFC 4235 §3.9)', async () => {
    const { subscriber, outward, notify, notices, subscribed } = house()
    const watch = watchOf(JULIET, ROMEO, 'dialog')
    const first = await subscribed(watch)
    const info = { Event: 'dialog', 'Content-Type': 'application/dialog-info+xml' }
    await notify('active;expires=600', { ...info, From: '<sip:romeo@sip.example>;tag=a', Contact: '<sip:a@192.0.2.7>' }, undefined, first)
    await notify('active;expires=600', { ...info, From: '<sip:romeo@sip.example>;tag=b', Contact: '<sip:b@192.0.2.7>' }, undefined, first)
    expect(new Set(notices.map(({ dialog }) => dialog)).size).toBe(2)
    await pass(560)
    expect(outward.sent.slice(1).map(({ uri }) => uri)).toEqual(['sip:a@192.0.2.7', 'sip:b@192.0.2.7'])
    const late = { ...info, From: '<sip:romeo@sip.example>;tag=c' }
    expect(statusOf(() => subscriber.inDialog(received(notifyFor(first, 'active', late))))).toBe(481)
    await notify('terminated;reason=noresource', { ...info, From: '<sip:romeo@sip.example>;tag=a', CSeq: '2 NOTIFY' }, '', first)
    expect(subscriber.has(watch)).toBe(true)
  })
})

test('an account that is gone watches nobody', async () => {
  const { subscriber, notify, subscribed, asked, store } = house()
  await subscribed()
  await notify('active;expires=600')
  subscriber.forget(JULIET)
  await settled()
  expect(asked()).toEqual(['3600', '0'])
  expect(subscriber.has(WATCH)).toBe(false)
  expect(await store.kept('subscriber').load(Date.now())).toEqual([])
})
