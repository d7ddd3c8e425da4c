/** A subscriber alone, with a way out that tests look into. */
import { expect, vi } from 'vitest'
import { RefusedError } from '../../src/core/port.ts'
import { SUBSCRIBER_DEFAULTS, type SubscriberLimits } from '../../src/core/subscriptions/limits.ts'
import { PACKAGES } from '../../src/core/subscriptions/packages.ts'
import type { Notice, Watch } from '../../src/core/subscriptions/port.ts'
import { Subscriber } from '../../src/core/subscriptions/subscriber.ts'
import type { SipRequest } from '../../src/sip/message.ts'
import { MemoryStore } from '../../src/store/memory.ts'
import { field, JULIET, listening, notifyFor, ROMEO, received, settled, stopTime, TestOutward, watchOf } from './watching.ts'

export const WATCH = watchOf(JULIET, ROMEO)
const { log, mistakes } = listening()
const running: Subscriber[] = []

/** Before each test, and after it. */
export const begin = stopTime
export function end(): void {
  for (const one of running.splice(0)) one.stop()
  vi.useRealTimers()
  expect(mistakes.splice(0)).toEqual([])
}

export function house(limits: Partial<SubscriberLimits> = {}, store = new MemoryStore(), keepsDialogs = true, random = () => 0.5) {
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

export function statusOf(work: () => unknown): number {
  try {
    work()
  } catch (cause) {
    if (cause instanceof RefusedError) return cause.status
    throw cause
  }
  return 200
}
