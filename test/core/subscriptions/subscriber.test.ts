/** Somebody of ours watches over SIP (RFC 6665 §4.1, RFC 8048 §4): how his subscription begins, goes on and ends. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SipUri } from '../../../src/address/sip-uri.ts'
import { RefusedError } from '../../../src/core/port.ts'
import { SUBSCRIBER_DEFAULTS, type SubscriberLimits } from '../../../src/core/subscriptions/limits.ts'
import { PACKAGES } from '../../../src/core/subscriptions/packages.ts'
import type { Notice, Watch } from '../../../src/core/subscriptions/port.ts'
import { Subscriber } from '../../../src/core/subscriptions/subscriber.ts'
import { response, type SipRequest } from '../../../src/sip/message.ts'
import { MemoryStore } from '../../../src/store/memory.ts'
import {
  field,
  JULIET,
  listening,
  notifyFor,
  pass,
  ROMEO,
  received,
  settled,
  stopTime,
  TestOutward,
  watchOf,
} from '../../support/watching.ts'

const WATCH = watchOf(JULIET, ROMEO)
const { log, mistakes } = listening()
const running: Subscriber[] = []

beforeEach(stopTime)
afterEach(() => {
  for (const one of running.splice(0)) one.stop()
  vi.useRealTimers()
  expect(mistakes.splice(0)).toEqual([])
})

function house(limits: Partial<SubscriberLimits> = {}, store = new MemoryStore(), keepsDialogs = true, random = () => 0.5) {
  const outward = new TestOutward()
  const told: string[] = []
  const notices: Notice[] = []
  const wanted = { is: true, hear: (_notice: Notice) => {} }
  const subscriber = new Subscriber({
    outward,
    notices: {
      noticed: (_watch: Watch, notice: Notice) => {
        notices.push(notice)
        wanted.hear(notice)
        told.push(notice.state === 'terminated' ? `terminated ${notice.reason}` : notice.state)
      },
      refused: (_watch, status) => told.push(`refused ${status}`),
      isWanted: () => wanted.is,
    },
    kept: store.kept('subscriber'),
    packages: PACKAGES,
    keepsDialogs,
    now: Date.now,
    random,
    log,
    limits: { ...SUBSCRIBER_DEFAULTS, ...limits },
  })
  running.push(subscriber)
  const notify = async (state: string, fields = {}, body?: string, subscribe: SipRequest = outward.last) => {
    const answer = await subscriber.inDialog(received(notifyFor(subscribe, state, fields, body)))
    await settled()
    return answer.status
  }
  const subscribed = async (watch = WATCH) => {
    subscriber.subscribe(watch)
    await settled()
    return outward.last
  }
  /** What was asked for, in the order it went: the seconds. */
  const asked = () => outward.sent.map((one) => field(one, 'Expires'))
  return { outward, subscriber, told, notices, wanted, notify, subscribed, asked, store }
}

function statusOf(work: () => unknown): number {
  try {
    work()
  } catch (cause) {
    if (cause instanceof RefusedError) return cause.status
    throw cause
  }
  return 200
}

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
