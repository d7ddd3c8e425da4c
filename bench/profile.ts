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

export interface Share {
  readonly name: string
  /** Of the time that was not idle. */
  readonly share: number
}

export interface Shares {
  readonly functions: readonly Share[]
  readonly files: readonly Share[]
}

/** `between`: microseconds of CLOCK_MONOTONIC, which is what V8 counts in. */
export function shares(directory: string, between: readonly (readonly [number, number])[]): Shares {
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
      if (!frame || frame.functionName === '(idle)' || !between.some(([begin, end]) => at >= begin && at <= end)) continue
      const file = short(frame.url)
      busy += delta
      add(files, file === '' ? frame.functionName : file, delta)
      add(functions, `${frame.functionName || '(anonymous)'} ${file}:${frame.lineNumber + 1}`, delta)
    }
  }
  return { functions: ordered(functions, busy), files: ordered(files, busy) }
}

function add(sums: Map<string, number>, key: string, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value)
}

function ordered(sums: Map<string, number>, all: number): Share[] {
  return [...sums].map(([name, sum]) => ({ name, share: sum / all })).sort((a, b) => b.share - a.share)
}

function short(url: string): string {
  if (!url.startsWith('file:')) return url
  return fileURLToPath(url).replace(/^.*\/(?=dist\/|node_modules\/)/, '')
}
