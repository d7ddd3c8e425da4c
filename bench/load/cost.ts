/** What a server costs: CPU time and resident memory of a process with all its threads and children, from /proc. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).trim())

/** The fields of /proc/PID/stat after the command's name, which may contain anything: [0] is the state, field 3 of proc(5). */
function stat(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined // It ended meanwhile.
  }
}

/** The process and its descendants. */
export function tree(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const parent = Number(stat(pid)?.[1])
    if (Number.isNaN(parent)) continue
    const siblings = children.get(parent)
    if (siblings) siblings.push(pid)
    else children.set(parent, [pid])
  }
  const found = [root]
  for (const pid of found) found.push(...(children.get(pid) ?? []))
  return found
}

/** User and system time of the whole tree in microseconds, ended children that were waited for included. The kernel counts in ticks of 10 ms. */
export function cpuMicros(root: number): number {
  let ticks = 0
  for (const pid of tree(root)) {
    const fields = stat(pid)
    if (fields) for (const at of [11, 12, 13, 14]) ticks += Number(fields[at])
  }
  return (ticks * 1e6) / ticksPerSecond
}

export function monotonicMicros(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}

/** Resident memory of the whole tree in KiB. */
export function residentKiB(root: number): number {
  let sum = 0
  for (const pid of tree(root)) {
    try {
      sum += Number(/^Rss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
    } catch {
      // It ended meanwhile, and holds nothing.
    }
  }
  return sum
}
