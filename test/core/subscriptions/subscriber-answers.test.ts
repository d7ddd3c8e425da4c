/** What is made of the answers to our SUBSCRIBEs, and of the end that a notifier sets to a subscription (RFC 6665 §4.1.2, §4.1.3). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { response } from '../../../src/sip/message.ts'
import { begin, end, house, WATCH } from '../../support/subscriber-house.ts'
import { field, pass, settled } from '../../support/watching.ts'

beforeEach(begin)
afterEach(end)

describe('a SUBSCRIBE that gets', () => {
  for (const status of [403, 404, 405, 406, 489, 501, 603, 604, 401, 407]) {
    test(`${status} is told, and not said again`, async () => {
      const { outward, subscriber, told, subscribed } = house()
      outward.says = () => status
      await subscribed()
      expect(told).toEqual([`refused ${status}`])
      expect(subscriber.has(WATCH)).toBe(false)
      await pass(10_000)
      expect(outward.sent).toHaveLength(1)
    })
  }

  test('423 asks for as long as it is wanted, and so does each one after it', async () => {
    const { outward, told, notify, subscribed, asked } = house()
    outward.says = () => (outward.sent.length === 1 ? response(423, undefined, [['Min-Expires', '7200']]) : 200)
    await subscribed()
    expect(asked()).toEqual(['3600', '7200'])
    expect(field(outward.last, 'CSeq')).toBe('2 SUBSCRIBE')
    await notify('active;expires=7200')
    await pass(7_000)
    expect(asked()).toEqual(['3600', '7200', '7200'])
    expect(told).toEqual(['active'])
  })

  test('423 for a year is refused', async () => {
    const { outward, told, subscribed } = house()
    outward.says = () => response(423, undefined, [['Min-Expires', '31536000']])
    await subscribed()
    expect(told).toHaveLength(1)
    await pass(1)
    expect(outward.sent).toHaveLength(1)
  })

  for (const [said, status] of [
    ['timeout', 408],
    ['transport', 503],
    [408, 408],
    [503, 503],
    [500, 503],
    [480, 503],
  ] as const) {
    test(`${said} is told once as ${status}, and said again less and less often`, async () => {
      const { outward, told, subscribed } = house()
      outward.says = () => said
      await subscribed()
      expect(told).toEqual([`refused ${status}`])
      await pass(6)
      expect(outward.sent).toHaveLength(2)
      await pass(11)
      expect(outward.sent).toHaveLength(3)
      await pass(3_600)
      expect(outward.sent.length).toBeLessThan(14)
      expect(told).toHaveLength(1)
      expect(new Set(outward.sent.map((one) => field(one, 'Call-ID'))).size).toBe(outward.sent.length)
    })
  }

  test('503 with Retry-After waits so long', async () => {
    const { outward, subscribed } = house()
    outward.says = () => response(503, undefined, [['Retry-After', '120']])
    await subscribed()
    await pass(119)
    expect(outward.sent).toHaveLength(1)
    await pass(2)
    expect(outward.sent).toHaveLength(2)
  })

  test('no way at all is told as 404', async () => {
    const { outward, told, subscribed } = house()
    outward.start = undefined
    subscribed().catch(() => {})
    await settled()
    expect(told).toEqual(['refused 404'])
  })
})

describe('a refresh that gets', () => {
  test('481 begins a new dialog at once', async () => {
    const { outward, told, notify, subscribed, asked } = house()
    const first = await subscribed()
    await notify('active;expires=600')
    outward.says = () => (outward.sent.length === 2 ? 481 : 200)
    await pass(520)
    expect(asked()).toEqual(['3600', '3600', '3600'])
    expect(field(outward.last, 'Call-ID')).not.toBe(field(first, 'Call-ID'))
    expect(field(outward.last, 'To')).toBe('<sip:romeo@sip.example>')
    await notify('active;expires=600')
    expect(told).toEqual(['active', 'active'])
  })

  test('no answer is said again while the subscription lasts, and nobody is disturbed', async () => {
    const { outward, told, notify, subscribed } = house()
    await subscribed()
    await notify('active;expires=600')
    outward.says = () => (outward.sent.length === 2 ? 'timeout' : 200)
    await pass(600)
    expect(outward.sent).toHaveLength(3)
    expect(told).toEqual(['active'])
    expect(Number.parseInt(field(outward.last, 'CSeq'), 10)).toBeGreaterThan(3)
  })

  test('no answer until it has expired is told, and begun anew', async () => {
    const { outward, told, notify, subscribed } = house()
    await subscribed()
    await notify('active;expires=600')
    outward.says = () => 'timeout'
    await pass(900)
    expect(told).toEqual(['active', 'refused 408'])
    outward.says = () => 200
    await pass(900)
    expect(field(outward.last, 'To')).toBe('<sip:romeo@sip.example>')
    await notify('active;expires=600')
    expect(told).toEqual(['active', 'refused 408', 'active'])
  })

  test('403 is told, and not said again', async () => {
    const { outward, subscriber, told, notify, subscribed } = house()
    await subscribed()
    await notify('active;expires=600')
    outward.says = () => 403
    await pass(600)
    expect(told).toEqual(['active', 'refused 403'])
    expect(subscriber.has(WATCH)).toBe(false)
  })
})

describe('a subscription that is terminated', () => {
  test('as deactivated is begun anew at once', async () => {
    const { notify, subscribed, asked, told } = house()
    await subscribed()
    await notify('active;expires=600')
    await notify('terminated;reason=deactivated', { CSeq: '2 NOTIFY' }, '')
    await pass(0)
    expect(asked()).toEqual(['3600', '3600'])
    expect(told).toEqual(['active', 'terminated deactivated'])
  })

  test('as deactivated again and again is begun anew less and less often', async () => {
    const { outward, notify, subscribed } = house()
    await subscribed()
    for (let at = 0; at < 5; at++) {
      await notify('terminated;reason=deactivated', {}, '')
      await pass(at === 0 ? 0 : 20 * 2 ** at)
    }
    const before = outward.sent.length
    expect(before).toBe(6)
    await notify('terminated;reason=deactivated', {}, '')
    await pass(60)
    expect(outward.sent).toHaveLength(before)
  })

  for (const reason of ['probation', 'giveup']) {
    test(`for ${reason} is begun anew when that is wished`, async () => {
      const { notify, subscribed, asked } = house()
      await subscribed()
      await notify(`terminated;reason=${reason};retry-after=100`, {}, '')
      await pass(99)
      expect(asked()).toHaveLength(1)
      await pass(2)
      expect(asked()).toHaveLength(2)
    })
  }

  test('for timeout is begun anew if it is still wanted', async () => {
    const one = house()
    await one.subscribed()
    await one.notify('terminated;reason=timeout', {}, '')
    await pass(1)
    expect(one.asked()).toHaveLength(2)
    const other = house()
    await other.subscribed()
    other.wanted.is = false
    await other.notify('terminated;reason=timeout', {}, '')
    await pass(100)
    expect(other.asked()).toHaveLength(1)
    expect(other.subscriber.has(WATCH)).toBe(false)
  })

  for (const reason of ['rejected', 'noresource', 'invariant']) {
    test(`as ${reason} is told and over`, async () => {
      const { subscriber, notify, subscribed, asked, told } = house()
      await subscribed()
      await notify(`terminated;reason=${reason};retry-after=1`, {}, '')
      await pass(10_000)
      expect(asked()).toHaveLength(1)
      expect(told).toEqual([`terminated ${reason}`])
      expect(subscriber.has(WATCH)).toBe(false)
    })
  }

  test('for a reason nobody knows is begun anew', async () => {
    const { notify, subscribed, asked, told } = house()
    await subscribed()
    await notify('terminated;reason=moonphase', {}, '')
    await pass(1)
    expect(asked()).toHaveLength(2)
    expect(told).toEqual(['terminated undefined'])
  })
})
