/** Memory of idle sessions: how resident size grows with the number of sessions that say nothing. */
import { setTimeout as pause } from 'node:timers/promises'
import { scram } from './chat.ts'
import { type Client, openMany, type Place } from './client.ts'
import { residentKiB } from './cost.ts'

export interface IdleLoad {
  /** Sessions of each step. The first step only brings code, pools and heap to their working size. */
  readonly step: number
  readonly steps: number
  readonly tls: boolean
  readonly settleSeconds: number
}

/** KiB for one session: the slope of the line that fits all steps best, because a heap with a garbage collector grows in jumps. */
export async function idle(pid: number, place: Place, load: IdleLoad): Promise<number> {
  const clients: Client[] = []
  const points: [sessions: number, kib: number][] = []
  for (let n = 0; n < load.steps; n++) {
    const logins = Array.from({ length: load.step }, (_, k) => ({ user: `u${n * load.step + k}`, tls: load.tls, mechanisms: scram }))
    const opened = await openMany(place, logins)
    for (const client of opened) client.send('<presence/>')
    clients.push(...opened)
    await pause(load.settleSeconds * 1_000)
    points.push([clients.length, residentKiB(pid)])
  }
  const ended = clients.filter((client) => client.ended)
  if (ended.length > 0) throw new Error(`${ended.length} of ${clients.length} sessions did not last`)
  await Promise.all(clients.map((client) => client.close()))
  return slope(points)
}

/** Least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (at: 0 | 1): number => points.reduce((sum, point) => sum + point[at], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  let [above, below] = [0, 0]
  for (const [px, py] of points) {
    above += (px - x) * (py - y)
    below += (px - x) ** 2
  }
  return above / below
}
