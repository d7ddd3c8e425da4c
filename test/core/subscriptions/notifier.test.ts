/** Somebody elsewhere watches one of ours over SIP (RFC 6665 §4.2): his dialogs, and what goes out in them. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SipUri } from '../../../src/address/sip-uri.ts'
import { RefusedError } from '../../../src/core/port.ts'
import { NOTIFIER_DEFAULTS, type NotifierLimits } from '../../../src/core/subscriptions/limits.ts'
import { Notifier } from '../../../src/core/subscriptions/notifier.ts'
import { PACKAGES } from '../../../src/core/subscriptions/packages.ts'
import type { View, Watch } from '../../../src/core/subscriptions/port.ts'
import { response, type SipRequest } from '../../../src/sip/message.ts'
import { tagOf } from '../../../src/sip/name-addr.ts'
import { MemoryStore } from '../../../src/store/memory.ts'
import {
  field,
  following,
  JULIET,
  listening,
  pass,
  ROMEO,
  received,
  requestOf,
  settled,
  signalOf,
  stopTime,
  TestOutward,
  watchOf,
} from '../../support/watching.ts'

const document = (text: string) => ({ contentType: 'application/pidf+xml', body: Buffer.from(text) })
const seen = (text: string): View => ({ state: 'active', document: document(text) })
const told: string[] = []
const { log, mistakes } = listening()
const running: Notifier[] = []

beforeEach(stopTime)
afterEach(() => {
  for (const one of running.splice(0)) one.stop()
  vi.useRealTimers()
  told.length = 0
  expect(mistakes.splice(0)).toEqual([])
})

function house(limits: Partial<NotifierLimits> = {}, store = new MemoryStore(), keepsDialogs = true) {
  const outward = new TestOutward()
  const views: { view: (watch: Watch) => View | Promise<View> } = { view: () => seen('<at-home/>') }
  const notifier = new Notifier({
    outward,
    views: {
      viewFor: (watch) => views.view(watch),
      begun: (watch) => told.push(`begun ${watch.watcher.user}`),
      ended: (watch) => told.push(`ended ${watch.watcher.user}`),
    },
    kept: store.kept('notifier'),
    packages: PACKAGES,
    keepsDialogs,
    now: Date.now,
    log,
    limits: { ...NOTIFIER_DEFAULTS, ...limits },
  })
  running.push(notifier)
  const subscribe = async (fields: Parameters<typeof requestOf>[1] = {}, watch = watchOf()) => {
    const request = requestOf('SUBSCRIBE', fields)
    const answer = await notifier.subscribe(signalOf(request), watch)
    await settled()
    return { request, answer, to: answer.header('To') ?? '' }
  }
  return { outward, views, notifier, subscribe, store, states: () => outward.sent.map((one) => field(one, 'Subscription-State')) }
}

function refusal(work: () => unknown): { status: number; headers: Record<string, string> } {
  try {
    work()
  } catch (cause) {
    if (cause instanceof RefusedError) return { status: cause.status, headers: Object.fromEntries(cause.headers) }
    throw cause
  }
  throw new Error('it was not refused')
}

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

describe('what changes', () => {
  test('goes out at once, then at most every five seconds, and then the latest', async () => {
    const { outward, views, notifier, subscribe } = house()
    await subscribe()
    await pass(60)
    for (const state of ['<a/>', '<b/>', '<c/>']) {
      views.view = () => seen(state)
      notifier.changed(JULIET)
      await settled()
    }
    expect(outward.sent.map(({ body }) => body.toString())).toEqual(['<at-home/>', '<a/>'])
    await pass(4)
    expect(outward.sent).toHaveLength(2)
    await pass(1.1)
    expect(outward.sent.map(({ body }) => body.toString())).toEqual(['<at-home/>', '<a/>', '<c/>'])
    await pass(60)
    expect(outward.sent).toHaveLength(3)
  })

  test('waits for the answer to the NOTIFY before it', async () => {
    const { outward, notifier, subscribe } = house()
    let answer: (status: number) => void = () => {}
    outward.says = () => new Promise((resolve) => (answer = resolve))
    await subscribe()
    await pass(10)
    notifier.changed(JULIET)
    await pass(10)
    expect(outward.sent).toHaveLength(1)
    answer(200)
    await settled()
    expect(outward.sent).toHaveLength(2)
  })

  test('is told to each watcher as he may see it, and to no other', async () => {
    const { outward, views, notifier, subscribe } = house()
    const paris = watchOf(SipUri.parse('sip:paris@sip.example'))
    views.view = ({ watcher }) => (watcher.user === 'paris' ? { state: 'pending' } : seen('<for-romeo/>'))
    await subscribe()
    await subscribe({ From: '<sip:paris@sip.example>;tag=p', Contact: '<sip:paris@192.0.2.8>' }, paris)
    await pass(10)
    outward.sent.length = 0
    notifier.changed(JULIET)
    await settled()
    const byTarget = Object.fromEntries(outward.sent.map((one) => [one.uri, one.body.toString()]))
    expect(byTarget).toEqual({ 'sip:romeo@192.0.2.7': '<for-romeo/>', 'sip:paris@192.0.2.8': '' })
    outward.sent.length = 0
    await pass(10)
    notifier.changed(JULIET, ROMEO)
    await settled()
    expect(outward.sent.map(({ uri }) => uri)).toEqual(['sip:romeo@192.0.2.7'])
  })

  test('of one package leaves the others alone', async () => {
    const { outward, notifier, subscribe } = house()
    await subscribe()
    await subscribe({ Event: 'dialog' }, watchOf(ROMEO, JULIET, 'dialog'))
    await pass(10)
    outward.sent.length = 0
    notifier.changed(JULIET, undefined, 'dialog')
    await settled()
    expect(outward.sent.map((one) => field(one, 'Event'))).toEqual(['dialog'])
  })

  test('comes as seldom as a watcher asks (RFC 6446 max-rate)', async () => {
    const { outward, notifier, subscribe } = house()
    await subscribe({ Event: 'presence;max-rate=0.05' })
    notifier.changed(JULIET)
    await pass(19)
    expect(outward.sent).toHaveLength(1)
    await pass(2)
    expect(outward.sent).toHaveLength(2)
  })

  test('or does not change, and is told again as often as a watcher asks (min-rate), but not every second', async () => {
    const { outward, subscribe } = house()
    await subscribe({ Event: 'presence;min-rate=1' })
    await pass(61)
    expect(outward.sent).toHaveLength(3)
  })

  test('while the state is looked up is in it or told after it', async () => {
    const { outward, views, notifier, subscribe } = house()
    let show: (view: View) => void = () => {}
    views.view = () => new Promise((resolve) => (show = resolve))
    await subscribe()
    notifier.changed(JULIET)
    show(seen('<early/>'))
    await settled()
    views.view = () => seen('<late/>')
    await pass(6)
    expect(outward.sent.map(({ body }) => body.toString())).toEqual(['<early/>', '<late/>'])
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

describe('a NOTIFY', () => {
  for (const status of [481, 404, 410, 489, 604]) {
    test(`that gets ${status} ends its dialog`, async () => {
      const { outward, notifier, subscribe } = house()
      outward.says = () => status
      await subscribe()
      expect(notifier.dialogs).toBe(0)
      expect(told).toEqual(['begun romeo', 'ended romeo'])
      expect(outward.sent).toHaveLength(1)
    })
  }

  for (const why of ['timeout', 'transport', 408, 500] as const) {
    test(`that is lost (${why}) is said once more: one lost packet does not blind a watcher for an hour`, async () => {
      const { outward, notifier, subscribe } = house()
      const answers = [why, 200] as const
      outward.says = () => answers[outward.sent.length - 1] ?? 200
      await subscribe()
      expect(notifier.dialogs).toBe(1)
      await pass(2)
      expect(outward.sent).toHaveLength(2)
      expect(outward.last.body.toString()).toBe('<at-home/>')
      expect(notifier.dialogs).toBe(1)
    })
  }

  test('that is lost twice ends its dialog', async () => {
    const { outward, notifier, subscribe } = house()
    outward.says = () => 'timeout'
    await subscribe()
    await pass(2)
    expect(outward.sent).toHaveLength(2)
    expect(notifier.dialogs).toBe(0)
    await pass(100)
    expect(outward.sent).toHaveLength(2)
  })

  test('to who is busy is said again when he wants it', async () => {
    const { outward, subscribe } = house()
    outward.says = () => (outward.sent.length === 1 ? response(503, undefined, [['Retry-After', '30']]) : 200)
    await subscribe()
    await pass(29)
    expect(outward.sent).toHaveLength(1)
    await pass(2)
    expect(outward.sent).toHaveLength(2)
  })

  test('whose challenge was answered is followed by the number after that', async () => {
    const { outward, notifier, subscribe } = house()
    const counted = (request: SipRequest) => {
      request.headers.set('CSeq', '2 NOTIFY')
      return 200
    }
    outward.says = (request) => (outward.sent.length === 1 ? counted(request) : 200)
    await subscribe()
    await pass(10)
    notifier.changed(JULIET)
    await settled()
    expect(field(outward.last, 'CSeq')).toBe('3 NOTIFY')
  })
})

describe('too many', () => {
  test('dialogs of one watcher are refused for now', async () => {
    const { notifier, subscribe } = house({ perWatcherMax: 1 })
    await subscribe()
    const other = watchOf(ROMEO, SipUri.parse('sip:nurse@xmpp.example'))
    expect(refusal(() => notifier.subscribe(signalOf(requestOf('SUBSCRIBE')), other))).toEqual({
      status: 480,
      headers: { 'Retry-After': '60' },
    })
  })

  test('dialogs about one address are refused for now', async () => {
    const { notifier, subscribe } = house({ perWatchedMax: 1 })
    await subscribe()
    const other = watchOf(SipUri.parse('sip:paris@sip.example'))
    expect(refusal(() => notifier.subscribe(signalOf(requestOf('SUBSCRIBE')), other)).status).toBe(480)
  })

  test('dialogs altogether are 503', async () => {
    const { notifier, subscribe } = house({ totalMax: 1 })
    await subscribe()
    const other = watchOf(SipUri.parse('sip:paris@sip.example'), SipUri.parse('sip:nurse@xmpp.example'))
    expect(refusal(() => notifier.subscribe(signalOf(requestOf('SUBSCRIBE')), other)).status).toBe(503)
  })

  test('looks that nobody answers are 503', async () => {
    const { outward, notifier, subscribe } = house({ fetchesMax: 1 })
    outward.says = () => 'never'
    await subscribe({ Expires: '0' })
    expect(refusal(() => notifier.subscribe(signalOf(requestOf('SUBSCRIBE', { Expires: '0' })), watchOf())).status).toBe(503)
  })
})

describe('after a restart', () => {
  test('a dialog goes on with a higher CSeq, the state as it is now, and the time it had', async () => {
    const before = house()
    const { request, to } = await before.subscribe({ Expires: '600', Event: 'presence;id=3' })
    for (let change = 0; change < 30; change++) {
      before.notifier.changed(JULIET)
      await pass(5)
    }
    const lastCSeq = Number.parseInt(field(before.outward.last, 'CSeq'), 10)
    before.notifier.stop()
    const after = house({}, before.store)
    await after.notifier.restore()
    await pass(1)
    expect(after.outward.sent).toHaveLength(1)
    expect(Number.parseInt(field(after.outward.last, 'CSeq'), 10)).toBeGreaterThan(lastCSeq)
    expect(field(after.outward.last, 'To')).toBe(field(request, 'From'))
    expect(field(after.outward.last, 'From')).toBe(to)
    expect(field(after.outward.last, 'Event')).toBe('presence;id=3')
    expect(told).toEqual(['begun romeo', 'begun romeo'])
    const refreshed = await after.notifier.inDialog(received(following(request, to, 2, { Expires: '600', Event: 'presence;id=3' })))
    expect(refreshed.status).toBe(200)
    await pass(300)
    expect(after.notifier.dialogs).toBe(1)
  })

  test('not each NOTIFY writes to the store', async () => {
    const { store, notifier, subscribe } = house()
    const put = vi.spyOn(store.kept('notifier'), 'put')
    await subscribe()
    for (let change = 0; change < 50; change++) {
      notifier.changed(JULIET)
      await pass(5)
    }
    expect(put.mock.calls.length).toBeLessThanOrEqual(2)
  })

  test('what expired meanwhile is forgotten', async () => {
    const before = house()
    await before.subscribe({ Expires: '600' })
    before.notifier.stop()
    await pass(601)
    const after = house({}, before.store)
    await after.notifier.restore()
    await pass(1)
    expect(after.notifier.dialogs).toBe(0)
  })

  test('dialogs that were the stack’s own affair are gone, and their watchers hear 481', async () => {
    const before = house({}, new MemoryStore(), false)
    const { request, to } = await before.subscribe()
    before.notifier.stop()
    const after = house({}, before.store, false)
    await after.notifier.restore()
    expect(refusal(() => after.notifier.inDialog(received(following(request, to, 2)))).status).toBe(481)
  })

  test('one that was ended does not come back', async () => {
    const before = house()
    const { request, to } = await before.subscribe()
    await before.notifier.inDialog(received(following(request, to, 2, { Expires: '0' })))
    await settled()
    const after = house({}, before.store)
    await after.notifier.restore()
    expect(after.notifier.dialogs).toBe(0)
  })
})

test('a thousand watchers are told in many turns, so that nobody else waits', async () => {
  const { outward, notifier, subscribe } = house()
  for (let at = 0; at < 1_000; at++) await subscribe({}, watchOf(SipUri.parse(`sip:w${at}@sip.example`)))
  await pass(10)
  outward.sent.length = 0
  notifier.changed(JULIET)
  await new Promise((resolve) => setImmediate(resolve))
  expect(outward.sent.length).toBeGreaterThan(0)
  expect(outward.sent.length).toBeLessThan(200)
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(outward.sent).toHaveLength(1_000)
  expect(new Set(outward.sent.map((one) => tagOf(field(one, 'From')))).size).toBe(1_000)
})
