/** Towns with a Router's table, and the parties its next hops lead to; all of them end with the test. */
import { afterEach } from 'vitest'
import { NextHopParty } from './next-hop.ts'
import { GATEWAY, type Town, type TownOptions, town } from './town.ts'

export const PBX = '192.0.2.200'
export const OTHER = '192.0.2.201'
export const JULIET = 'sip:juliet@xmpp.example'
export const TYBALT = 'sip:tybalt@pbx.example'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

export async function verona(options: TownOptions): Promise<Town> {
  const made = await town(options)
  closing.push(() => made.stop())
  return made
}

export async function party(at: Town, host = PBX, transport: 'udp' | 'tcp' = 'udp'): Promise<NextHopParty> {
  const made = await NextHopParty.on(at.network.join({ host, timers: { t1Ms: 10 } }), { transport, ...GATEWAY })
  closing.push(() => made.stop())
  return made
}
