/** What goes out in the dialogs of those who watch one of ours: when, how often, and what becomes of it (RFC 6665 §4.2.2, RFC 3856 §6.10, RFC 6446). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SipUri } from '../../../src/address/sip-uri.ts'
import type { View } from '../../../src/core/subscriptions/port.ts'
import { response, type SipRequest } from '../../../src/sip/message.ts'
import { tagOf } from '../../../src/sip/name-addr.ts'
import { begin, end, house, seen, told } from '../../support/notifier-house.ts'
import { field, JULIET, pass, ROMEO, settled, watchOf } from '../../support/watching.ts'

beforeEach(begin)
afterEach(end)

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
