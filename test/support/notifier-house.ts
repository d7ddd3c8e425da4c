/** A notifier alone, with a way out that tests look into. */
import { expect, vi } from 'vitest'
import { RefusedError } from '../../src/core/port.ts'
import { NOTIFIER_DEFAULTS, type NotifierLimits } from '../../src/core/subscriptions/limits.ts'
import { Notifier } from '../../src/core/subscriptions/notifier.ts'
import { PACKAGES } from '../../src/core/subscriptions/packages.ts'
import type { View, Watch } from '../../src/core/subscriptions/port.ts'
import { MemoryStore } from '../../src/store/memory.ts'
import { field, listening, requestOf, settled, signalOf, stopTime, TestOutward, watchOf } from './watching.ts'

const document = (text: string) => ({ contentType: 'application/pidf+xml', body: Buffer.from(text) })
export const seen = (text: string): View => ({ state: 'active', document: document(text) })
export const told: string[] = []
const { log, mistakes } = listening()
const running: Notifier[] = []

/** Before each test, and after it. */
export const begin = stopTime
export function end(): void {
  for (const one of running.splice(0)) one.stop()
  vi.useRealTimers()
  told.length = 0
  expect(mistakes.splice(0)).toEqual([])
}

export function house(limits: Partial<NotifierLimits> = {}, store = new MemoryStore(), keepsDialogs = true) {
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

export function refusal(work: () => unknown): { status: number; headers: Record<string, string> } {
  try {
    work()
  } catch (cause) {
    if (cause instanceof RefusedError) return { status: cause.status, headers: Object.fromEntries(cause.headers) }
    throw cause
  }
  throw new Error('it was not refused')
}
