/** Somebody elsewhere watches one of ours over SIP (RFC 6665 §4.2): his dialogs, how they begin and end. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SipUri } from '../../../src/address/sip-uri.ts'
import { begin, end, house, refusal, told } from '../../support/notifier-house.ts'
import { field, following, JULIET, pass, ROMEO, received, requestOf, settled, signalOf, watchOf } from '../../support/watching.ts'

beforeEach(begin)
afterEach(end)

describe('a watcher', () => {
  test('gets 200 with the time, a Contact and a tag, and the state at once', async () => {
    const { outward, subscribe } = house()
    const { request, answer, to } = await subscribe({ Expires: '600' })
    expect(answer.status).toBe(200)
    expect(answer.header('Expires')).toBe('600')
    expect(answer.header('Contact')).toBe('<sip:juliet@192.0.2.1>')
    const [notify, more] = outward.sent
    expect(more).toBeUndefined()
    expect(notify?.uri).toBe('sip:romeo@192.0.2.7')
    expect(outward.nexts[0]?.uri.toString()).toBe('sip:romeo@192.0.2.7')
    expect(notify && field(notify, 'From')).toBe(to)
    expect(notify && field(notify, 'To')).toBe(field(request, 'From'))
    expect(notify && field(notify, 'CSeq')).toBe('1 NOTIFY')
    expect(notify && field(notify, 'Event')).toBe('presence')
    expect(notify && field(notify, 'Subscription-State')).toBe('active;expires=600')
    expect(notify?.body.toString()).toBe('<at-home/>')
    expect(told).toEqual(['begun romeo'])
  })

  test('who names no time gets an hour, and who wants a year gets a day', async () => {
    const { subscribe } = house()
    expect((await subscribe()).answer.header('Expires')).toBe('3600')
    expect((await subscribe({ Expires: '31536000' })).answer.header('Expires')).toBe('86400')
  })

  test('who may not see anything yet is told so, without a body', async () => {
    const { outward, views, subscribe } = house()
    views.view = () => ({ state: 'pending' })
    await subscribe()
    expect(field(outward.last, 'Subscription-State')).toBe('pending;expires=3600')
    expect(outward.last.body).toHaveLength(0)
    expect(field(outward.last, 'Content-Type')).toBe('')
  })

  test('who was rejected hears it as his last NOTIFY, and nothing of what was to be seen', async () => {
    const { outward, notifier, subscribe } = house()
    await subscribe()
    notifier.terminate(watchOf(), 'rejected')
    await settled()
    expect(field(outward.last, 'Subscription-State')).toBe('terminated;reason=rejected')
    expect(outward.last.body).toHaveLength(0)
    expect(told).toEqual(['begun romeo', 'ended romeo'])
    expect(notifier.dialogs).toBe(0)
  })

  test('behind proxies hears us through them, and they are repeated in the answer', async () => {
    const { outward, subscribe } = house()
    const { answer } = await subscribe({ 'Record-Route': '<sip:p1.example;lr>, <sip:p2.example;lr>' })
    expect(outward.last.headers.all('Route')).toEqual(['<sip:p1.example;lr>', '<sip:p2.example;lr>'])
    expect(outward.nexts[0]?.uri.toString()).toBe('sip:p1.example;lr')
    expect(answer.header('Record-Route')).toBe('<sip:p1.example;lr>, <sip:p2.example;lr>')
  })

  test('behind a strict router finds it as the Request-URI', async () => {
    const { outward, subscribe } = house()
    await subscribe({ 'Record-Route': '<sip:old.example>, <sip:p2.example;lr>' })
    expect(outward.last.uri).toBe('sip:old.example')
    expect(outward.last.headers.all('Route')).toEqual(['<sip:p2.example;lr>', '<sip:romeo@192.0.2.7>'])
  })

  test('behind an address translator is reached where he was heard from', async () => {
    const { outward, subscribe } = house()
    await subscribe({ Contact: '<sip:romeo@10.0.0.5:5062>' })
    expect(outward.last.uri).toBe('sip:romeo@10.0.0.5:5062')
    expect(outward.nexts[0]?.hop).toMatchObject({ host: '192.0.2.7', port: 5_060 })
  })

  test('with an id in Event gets it back', async () => {
    const { outward, subscribe } = house()
    await subscribe({ Event: 'presence;id=7' })
    expect(field(outward.last, 'Event')).toBe('presence;id=7')
  })

  test('who only looks gets one NOTIFY and no dialog', async () => {
    const { outward, notifier, subscribe } = house()
    const { answer } = await subscribe({ Expires: '0' })
    expect(answer.header('Expires')).toBe('0')
    expect(field(outward.last, 'Subscription-State')).toBe('terminated;reason=timeout')
    expect(outward.last.body.toString()).toBe('<at-home/>')
    expect(notifier.dialogs).toBe(0)
    expect(told).toEqual([])
  })

  for (const [what, fields, status, headers] of [
    ['of a package we do not have', { Event: 'message-summary' }, 489, { 'Allow-Events': 'presence, dialog, presence.winfo' }],
    ['without an Event', { Event: undefined }, 489, {}],
    ['of documents we do not write', { Accept: 'application/xpidf+xml' }, 406, { Accept: 'application/pidf+xml' }],
    ['for half a minute', { Expires: '30' }, 423, { 'Min-Expires': '60' }],
    ['without a Contact', { Contact: undefined }, 400, {}],
    ['with a Contact that is no SIP URI', { Contact: '<tel:+1555>' }, 400, {}],
  ] as const) {
    test(`a SUBSCRIBE ${what} is refused with ${status}`, () => {
      const { notifier } = house()
      const found = refusal(() => notifier.subscribe(signalOf(requestOf('SUBSCRIBE', fields)), watchOf()))
      expect(found).toEqual({ status, headers })
      expect(notifier.dialogs).toBe(0)
    })
  }

  test('who takes several types, or any, is served', async () => {
    const { subscribe } = house()
    expect((await subscribe({ Accept: 'application/cpim-pidf+xml, application/pidf+xml;q=0.5' })).answer.status).toBe(200)
    expect((await subscribe({ Accept: 'application/*' })).answer.status).toBe(200)
  })
})

describe('in a dialog', () => {
  test('a refresh gets 200 and the state, whatever was told a moment ago', async () => {
    const { outward, notifier, subscribe } = house()
    const { request, to } = await subscribe({ Expires: '600' })
    await pass(500)
    const answer = await notifier.inDialog(received(following(request, to, 2, { Expires: '600' })))
    await settled()
    expect(answer.status).toBe(200)
    expect(answer.headers.get('Expires')).toBe('600')
    expect(outward.sent).toHaveLength(2)
    expect(field(outward.last, 'CSeq')).toBe('2 NOTIFY')
    await pass(590)
    expect(notifier.dialogs).toBe(1)
    await pass(11)
    expect(field(outward.last, 'Subscription-State')).toBe('terminated;reason=timeout')
    expect(notifier.dialogs).toBe(0)
    expect(told).toEqual(['begun romeo', 'ended romeo'])
  })

  test('a SUBSCRIBE older than the last one is 500 and turns nothing back', async () => {
    const { notifier, subscribe } = house()
    const { request, to } = await subscribe({ CSeq: '5 SUBSCRIBE' })
    expect(refusal(() => notifier.inDialog(received(following(request, to, 4, { Expires: '0' })))).status).toBe(500)
    expect(notifier.dialogs).toBe(1)
  })

  test('Expires: 0 ends it with a last NOTIFY, and then it is 481', async () => {
    const { outward, notifier, subscribe } = house()
    const { request, to } = await subscribe()
    await notifier.inDialog(received(following(request, to, 2, { Expires: '0' })))
    await settled()
    expect(field(outward.last, 'Subscription-State')).toBe('terminated;reason=timeout')
    expect(refusal(() => notifier.inDialog(received(following(request, to, 3)))).status).toBe(481)
    expect(notifier.has(watchOf())).toBe(false)
  })

  test('a watcher who moved is told where he is now', async () => {
    const { outward, notifier, subscribe } = house()
    const { request, to } = await subscribe()
    await notifier.inDialog(received(following(request, to, 2, { Contact: '<sip:romeo@192.0.2.99:5070>' })))
    await settled()
    expect(outward.last.uri).toBe('sip:romeo@192.0.2.99:5070')
  })

  test('another Event is no business of it', async () => {
    const { notifier, subscribe } = house()
    const { request, to } = await subscribe()
    expect(refusal(() => notifier.inDialog(received(following(request, to, 2, { Event: 'dialog' })))).status).toBe(489)
  })

  test('its tags have to be right, both of them', async () => {
    const { notifier, subscribe } = house()
    const { request, to } = await subscribe()
    expect(notifier.ownerOf(following(request, to, 2))).toMatchObject({ host: '192.0.2.7' })
    expect(notifier.ownerOf(following(request, to, 2, { From: '<sip:romeo@sip.example>;tag=guessed' }))).toBeUndefined()
    expect(notifier.ownerOf(following(request, `<${JULIET}>;tag=guessed`, 2))).toBeUndefined()
  })
})

describe('a watcher with two telephones', () => {
  test('begins once and ends with the last of them', async () => {
    const { notifier, subscribe } = house()
    const first = await subscribe()
    const second = await subscribe({ Contact: '<sip:romeo@192.0.2.8>' })
    await notifier.inDialog(received(following(first.request, first.to, 2, { Expires: '0' })))
    await settled()
    expect(told).toEqual(['begun romeo'])
    expect(notifier.watchersOf(JULIET, 'presence')).toHaveLength(1)
    await notifier.inDialog(received(following(second.request, second.to, 2, { Expires: '0' })))
    await settled()
    expect(told).toEqual(['begun romeo', 'ended romeo'])
  })

  test('who is restarted again and again leaves no more than sixteen behind', async () => {
    const { notifier, subscribe } = house()
    for (let start = 0; start < 20; start++) await subscribe()
    expect(notifier.dialogs).toBe(16)
    expect(told).toEqual(['begun romeo'])
  })
})

test('an account that is gone is watched by nobody, and watches nobody', async () => {
  const { outward, notifier, store } = house()
  const paris = SipUri.parse('sip:paris@xmpp.example')
  await notifier.subscribe(signalOf(requestOf('SUBSCRIBE')), watchOf())
  await notifier.subscribe(signalOf(requestOf('SUBSCRIBE'), undefined, JULIET), watchOf(JULIET, paris))
  await notifier.subscribe(signalOf(requestOf('SUBSCRIBE')), watchOf(ROMEO, paris))
  notifier.forget(JULIET)
  await settled()
  expect(outward.sent.map((one) => field(one, 'Subscription-State')).filter((state) => state.startsWith('terminated'))).toEqual([
    'terminated;reason=noresource',
    'terminated;reason=noresource',
  ])
  expect(notifier.dialogs).toBe(1)
  expect(await store.kept('notifier').load(Date.now())).toHaveLength(1)
})
