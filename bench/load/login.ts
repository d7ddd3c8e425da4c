/** Logins: connection, STARTTLS, SASL, binding, and the end of the session, each a full TLS handshake. */
import { setTimeout as pause } from 'node:timers/promises'
import { Client, type Place } from './client.ts'
import { cpuMicros } from './cost.ts'

export interface LoginLoad {
  readonly logins: number
  readonly mechanism: string
  /** How many are under way at a time. */
  readonly width: number
  readonly accounts: number
}

/** The server's CPU milliseconds for one. */
export async function logins(pid: number, place: Place, load: LoginLoad): Promise<number> {
  await many(place, load, Math.ceil(load.logins / 4))
  const before = cpuMicros(pid)
  await many(place, load, load.logins)
  await pause(300) // What ending the last sessions costs is counted too.
  return (cpuMicros(pid) - before) / 1_000 / load.logins
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
