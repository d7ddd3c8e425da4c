/** Memory of idle sessions: resident size before and after many log in and say nothing. */
import { setTimeout as pause } from 'node:timers/promises'
import { scram } from './chat.ts'
import { openMany, type Place } from './client.ts'
import { residentKiB } from './cost.ts'

export interface IdleLoad {
  readonly sessions: number
  /** Sessions that are there before the count begins, so that code, pools and heap have their working size. */
  readonly first: number
  readonly tls: boolean
  readonly settleSeconds: number
}

/** KiB for one session. */
export async function idle(pid: number, place: Place, load: IdleLoad): Promise<number> {
  const logins = Array.from({ length: load.first + load.sessions }, (_, n) => ({ user: `u${n}`, tls: load.tls, mechanisms: scram }))
  const first = await openMany(place, logins.slice(0, load.first))
  for (const client of first) client.send('<presence/>')
  await pause(load.settleSeconds * 1_000)
  const before = residentKiB(pid)
  const rest = await openMany(place, logins.slice(load.first))
  for (const client of rest) client.send('<presence/>')
  await pause(load.settleSeconds * 1_000)
  const after = residentKiB(pid)
  const ended = [...first, ...rest].filter((client) => client.ended)
  if (ended.length > 0) throw new Error(`${ended.length} of ${logins.length} sessions did not last`)
  await Promise.all([...first, ...rest].map((client) => client.close()))
  return (after - before) / load.sessions
}
