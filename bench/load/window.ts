/** One measured window of a running load: what the server spent, divided by what was done. */
import { setTimeout as pause } from 'node:timers/promises'
import { cpuMicros, monotonicMicros } from './cost.ts'

export interface Window {
  readonly warmSeconds: number
  readonly seconds: number
}

export interface Measured {
  readonly microsEach: number
  readonly perSecond: number
  readonly count: number
  /** Cores that the server used, and the load. Where the load is near 1 the server could have done more. */
  readonly serverCores: number
  readonly loadCores: number
  /** When the window began and ended, in microseconds of CLOCK_MONOTONIC, as V8's profiles count. */
  readonly between: readonly [number, number]
}

/** `done` counts what has arrived so far. */
export async function measure(pid: number, done: () => number, window: Window): Promise<Measured> {
  await pause(window.warmSeconds * 1_000)
  const before = { cpu: cpuMicros(pid), own: process.cpuUsage(), count: done(), at: monotonicMicros() }
  await pause(window.seconds * 1_000)
  const after = { cpu: cpuMicros(pid), own: process.cpuUsage(before.own), count: done(), at: monotonicMicros() }
  const count = after.count - before.count
  const micros = after.at - before.at
  if (count === 0) throw new Error('nothing arrived while it was measured')
  return {
    microsEach: (after.cpu - before.cpu) / count,
    perSecond: (count * 1e6) / micros,
    count,
    serverCores: (after.cpu - before.cpu) / micros,
    loadCores: (after.own.user + after.own.system) / micros,
    between: [before.at, after.at],
  }
}

/** How long what is on the way may take to arrive: Timer F of SIP is the longest (RFC 3261 §17.1.2.2). */
const drainMs = 35_000

/** Waits until nothing is on the way any more, and throws where something stays away. */
export async function drain(missing: () => number): Promise<void> {
  const until = performance.now() + drainMs
  while (missing() > 0 && performance.now() < until) await pause(20)
  if (missing() !== 0) throw new Error(`${missing()} messages did not arrive`)
}
