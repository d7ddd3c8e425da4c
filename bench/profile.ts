/** Where the gateway's time goes: self time by function and by file in a CPU profile that V8 wrote, cut to the measured windows. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const profile = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() }),
      children: z.array(z.number()).optional(),
    }),
  ),
  startTime: z.number(),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
})

/** One measured window: its bounds in microseconds of CLOCK_MONOTONIC, which is what V8 counts in, and what was done in it. */
export interface Counted {
  readonly between: readonly [number, number]
  readonly count: number
}

export interface Share {
  readonly name: string
  readonly microsEach: number
}

export interface Shares {
  /** All that the main thread did in JavaScript and in what JavaScript called. Reads and polling of the event loop are not in it: V8 counts them as idle. It samples the clock, so that on a busy machine waiting for a core is counted too. */
  readonly microsEach: number
  readonly functions: readonly Share[]
  readonly files: readonly Share[]
}

export function shares(directory: string, windows: readonly Counted[]): Shares {
  const functions = new Map<string, number>()
  const files = new Map<string, number>()
  let busy = 0
  for (const name of readdirSync(directory).filter((file) => file.endsWith('.cpuprofile'))) {
    const { nodes, startTime, samples, timeDeltas } = profile.parse(JSON.parse(readFileSync(join(directory, name), 'utf8')))
    const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
    let at = startTime
    for (const [index, id] of samples.entries()) {
      const delta = timeDeltas[index] ?? 0
      at += delta
      const frame = frames.get(id)
      if (!frame || frame.functionName === '(idle)' || !windows.some(({ between }) => at >= between[0] && at <= between[1])) continue
      const file = short(frame.url)
      busy += delta
      add(files, file === '' ? frame.functionName : file, delta)
      add(functions, `${frame.functionName || '(anonymous)'} ${file}:${frame.lineNumber + 1}`, delta)
    }
  }
  const count = windows.reduce((sum, window) => sum + window.count, 0)
  return { microsEach: busy / count, functions: ordered(functions, count), files: ordered(files, count) }
}

function add(sums: Map<string, number>, key: string, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value)
}

function ordered(sums: Map<string, number>, count: number): Share[] {
  return [...sums].map(([name, sum]) => ({ name, microsEach: sum / count })).sort((a, b) => b.microsEach - a.microsEach)
}

function short(url: string): string {
  if (!url.startsWith('file:')) return url
  return fileURLToPath(url).replace(/^.*\/(?=dist\/|node_modules\/)/, '')
}
