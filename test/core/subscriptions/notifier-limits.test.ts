/** How many may watch, and what a restart leaves of them. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SipUri } from '../../../src/address/sip-uri.ts'
import { MemoryStore } from '../../../src/store/memory.ts'
import { begin, end, house, refusal, told } from '../../support/notifier-house.ts'
import { field, following, JULIET, pass, ROMEO, received, requestOf, settled, signalOf, watchOf } from '../../support/watching.ts'

beforeEach(begin)
afterEach(end)

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

  test('who has his turn later is not told before, whatever changes meanwhile', async () => {
    const before = house()
    for (let n = 0; n < 3; n++) await before.subscribe({ Expires: '600' }, watchOf(SipUri.parse(`sip:w${n}@sip.example`)))
    before.notifier.stop()
    const after = house({ returnsPerSecond: 1 }, before.store)
    await after.notifier.restore()
    after.notifier.changed(JULIET)
    await pass(0.5)
    expect(after.outward.sent).toHaveLength(1)
    await pass(2)
    expect(after.outward.sent).toHaveLength(3)
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
