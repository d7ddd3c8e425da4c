/** Single looks, and what a restart leaves of subscriptions of ours. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SipUri } from '../../../src/address/sip-uri.ts'
import { MemoryStore } from '../../../src/store/memory.ts'
import { begin, end, house, statusOf, WATCH } from '../../support/subscriber-house.ts'
import { field, JULIET, notifyFor, pass, received, settled, watchOf } from '../../support/watching.ts'

beforeEach(begin)
afterEach(end)

describe('a single look', () => {
  test('is a SUBSCRIBE of no time in a dialog of its own, beside the subscription', async () => {
    const { outward, subscriber, told, notices, notify, subscribed, asked } = house()
    const first = await subscribed()
    await notify('active;expires=600')
    subscriber.fetch(WATCH)
    subscriber.fetch(WATCH)
    await settled()
    expect(asked()).toEqual(['3600', '0'])
    expect(field(outward.last, 'Call-ID')).not.toBe(field(first, 'Call-ID'))
    expect(await notify('terminated;reason=timeout')).toBe(200)
    expect(told).toEqual(['active', 'terminated timeout'])
    expect(notices[1]).toMatchObject({ isFetched: true })
    expect(subscriber.has(WATCH)).toBe(true)
    subscriber.fetch(WATCH)
    await settled()
    expect(asked()).toHaveLength(3)
  })

  test('that nobody answers is told, and not taken again', async () => {
    const { outward, subscriber, told } = house()
    outward.says = () => 'timeout'
    subscriber.fetch(WATCH)
    await settled()
    await pass(1_000)
    expect(told).toEqual(['refused 408'])
    expect(outward.sent).toHaveLength(1)
    subscriber.fetch(WATCH)
    await settled()
    expect(outward.sent).toHaveLength(2)
  })
})

describe('after a restart', () => {
  test('a dialog goes on: its NOTIFYs are heard, and its refresh has the next CSeq', async () => {
    const before = house()
    const first = await before.subscribed()
    await before.notify('active;expires=600', { CSeq: '4 NOTIFY' })
    before.subscriber.stop()
    const after = house({}, before.store)
    await after.subscriber.restore()
    expect(await after.notify('active;expires=500', { CSeq: '5 NOTIFY' }, undefined, first)).toBe(200)
    expect(after.told).toEqual(['active'])
    expect(statusOf(() => after.subscriber.inDialog(received(notifyFor(first, 'active', { CSeq: '4 NOTIFY' }))))).toBe(500)
    await pass(480)
    expect(field(after.outward.last, 'Call-ID')).toBe(field(first, 'Call-ID'))
    expect(Number.parseInt(field(after.outward.last, 'CSeq'), 10)).toBeGreaterThan(1)
  })

  test('who wants to know at once how it is asks in the dialog that was', async () => {
    const before = house()
    const first = await before.subscribed()
    await before.notify('active;expires=600')
    before.subscriber.stop()
    const after = house({}, before.store)
    await after.subscriber.restore()
    after.subscriber.refresh(WATCH)
    await pass(0.01)
    expect(after.asked()).toEqual(['3600'])
    expect(field(after.outward.last, 'Call-ID')).toBe(field(first, 'Call-ID'))
  })

  test('what expired meanwhile is begun anew, if it is wanted', async () => {
    const before = house()
    await before.subscribed()
    await before.notify('active;expires=600')
    before.subscriber.stop()
    await pass(700)
    const after = house({}, before.store)
    await after.subscriber.restore()
    await pass(1)
    expect(field(after.outward.last, 'To')).toBe('<sip:romeo@sip.example>')
  })

  test('dialogs that were the stack’s own affair are begun anew', async () => {
    const before = house({}, new MemoryStore(), false)
    const first = await before.subscribed()
    await before.notify('active;expires=600')
    before.subscriber.stop()
    const after = house({}, before.store, false)
    await after.subscriber.restore()
    await pass(1)
    expect(field(after.outward.last, 'Call-ID')).not.toBe(field(first, 'Call-ID'))
  })

  test('a thousand are not said at once', async () => {
    const before = house({}, new MemoryStore(), false)
    for (let at = 0; at < 1_000; at++) before.subscriber.subscribe(watchOf(JULIET, SipUri.parse(`sip:w${at}@sip.example`)))
    await settled()
    before.subscriber.stop()
    let asked = 0
    const after = house({}, before.store, false, () => (asked++ % 1_000) / 1_000)
    await after.subscriber.restore()
    await pass(1)
    expect(after.outward.sent.length).toBeLessThan(110)
    await pass(30)
    expect(after.outward.sent).toHaveLength(1_000)
  })

  test('one that was ended does not come back', async () => {
    const before = house()
    await before.subscribed()
    await before.notify('active;expires=600')
    before.subscriber.unsubscribe(WATCH)
    await settled()
    before.subscriber.stop()
    const after = house({}, before.store)
    await after.subscriber.restore()
    await pass(1_000)
    expect(after.outward.sent).toEqual([])
  })
})

test('no more than so many SUBSCRIBEs wait for their answer', async () => {
  const { outward, subscriber } = house({ underWayMax: 3 })
  const answers: ((status: number) => void)[] = []
  outward.says = () => new Promise((resolve) => answers.push(resolve))
  for (let at = 0; at < 10; at++) subscriber.subscribe(watchOf(JULIET, SipUri.parse(`sip:w${at}@sip.example`)))
  await settled()
  expect(outward.sent).toHaveLength(3)
  answers[0]?.(200)
  await settled()
  expect(outward.sent).toHaveLength(4)
})
