/** Logins: connection, STARTTLS, SASL, binding, and the end of the session, each a full TLS handshake. */
import { setTimeout as pause } from 'node:timers/promises'
import { Client, type Place } from './client.ts'
import { cpuMicros, monotonicMicros } from './cost.ts'

export interface LoginLoad {
  readonly logins: number
  readonly mechanism: string
  /** How many are under way at a time. */
  readonly width: number
  readonly accounts: number
}

export interface Logins {
  /** The server's CPU time for one. */
  readonly millisEach: number
  readonly count: number
  /** In microseconds of CLOCK_MONOTONIC. */
  readonly between: readonly [number, number]
}

export async function logins(pid: number, place: Place, load: LoginLoad): Promise<Logins> {
  await many(place, load, Math.ceil(load.logins / 4))
  const begun = monotonicMicros()
  const before = cpuMicros(pid)
  await many(place, load, load.logins)
  await pause(300) // What ending the last sessions costs is counted too.
  return { millisEach: (cpuMicros(pid) - before) / 1_000 / load.logins, count: load.logins, between: [begun, monotonicMicros()] }
}

async function many(place: Place, load: LoginLoad, count: number): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) {
      const client = await Client.open(place, { user: `u${next++ % load.accounts}`, tls: true, mechanisms: [load.mechanism] })
      await client.close()
    }
  }
  await Promise.all(Array.from({ length: load.width }, worker))
}
