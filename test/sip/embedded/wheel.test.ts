/** The clock of all transactions. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Timed, Wheel } from '../../../src/sip/embedded/wheel.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

class Bell extends Timed {
  readonly rung: number[] = []

  constructor(readonly then: () => void = () => {}) {
    super()
  }

  expire(): void {
    this.rung.push(performance.now())
    this.then()
  }
}

function wheel() {
  const failures: unknown[] = []
  return { failures, wheel: new Wheel((cause) => failures.push(cause)), begun: performance.now() }
}

test('rings when it is time, never before, and at most a tick later', () => {
  const { wheel: clock, begun } = wheel()
  const delays = [0, 1, 9, 10, 11, 499, 500, 5_119, 5_120, 5_121, 32_000, 100_000]
  const bells = delays.map((ms) => {
    const bell = new Bell()
    clock.start(bell, ms)
    return bell
  })
  vi.advanceTimersByTime(200_000)
  bells.forEach((bell, n) => {
    expect(bell.rung).toHaveLength(1)
    const late = (bell.rung[0] ?? 0) - begun - (delays[n] ?? 0)
    expect(late).toBeGreaterThanOrEqual(0)
    expect(late).toBeLessThanOrEqual(20)
  })
  expect(vi.getTimerCount()).toBe(0)
})

test('what was stopped is silent, what was started again rings once', () => {
  const { wheel: clock, begun } = wheel()
  const [stopped, moved] = [new Bell(), new Bell()]
  clock.start(stopped, 100)
  clock.start(moved, 100)
  clock.stop(stopped)
  clock.stop(stopped)
  clock.start(moved, 1_000)
  expect(clock.size).toBe(1)
  vi.advanceTimersByTime(5_000)
  expect(stopped.rung).toEqual([])
  expect(moved.rung).toHaveLength(1)
  expect((moved.rung[0] ?? 0) - begun).toBeGreaterThanOrEqual(1_000)
})

test('who rings may stop and start others, himself among them', () => {
  const { wheel: clock } = wheel()
  const victim = new Bell()
  const later = new Bell()
  const killer: Bell = new Bell(() => {
    clock.stop(victim)
    clock.start(later, 50)
    if (killer.rung.length < 3) clock.start(killer, 100)
  })
  clock.start(victim, 100)
  clock.start(killer, 100)
  vi.advanceTimersByTime(2_000)
  expect([victim.rung.length, killer.rung.length, later.rung.length]).toEqual([0, 3, 3])
})

test('after a stall everything that is due rings, once', () => {
  const { wheel: clock } = wheel()
  const bells = Array.from({ length: 1_000 }, () => new Bell())
  for (const [n, bell] of bells.entries()) clock.start(bell, n * 20)
  vi.setSystemTime(Date.now() + 30_000)
  const now = performance.now()
  vi.spyOn(performance, 'now').mockImplementation(() => now + 60_000)
  vi.advanceTimersByTime(10)
  expect(bells.every((bell) => bell.rung.length === 1)).toBe(true)
  vi.restoreAllMocks()
})

test('one that fails does not keep the others from ringing', () => {
  const { wheel: clock, failures } = wheel()
  const broken = new Bell(() => {
    throw new Error('a mistake of ours')
  })
  const fine = [new Bell(), new Bell()]
  for (const bell of [fine[0], broken, fine[1]]) if (bell) clock.start(bell, 30)
  vi.advanceTimersByTime(100)
  expect(failures).toHaveLength(1)
  expect(fine.map((bell) => bell.rung.length)).toEqual([1, 1])
})
