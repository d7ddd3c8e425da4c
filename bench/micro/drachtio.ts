/** CPU time of a message through the drachtio adapter, either way, with the double in another process: `npx tsx bench/micro/drachtio.ts`. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { silent } from '../../src/log/log.ts'
import { DrachtioStack } from '../../src/sip/drachtio/stack.ts'
import { response } from '../../src/sip/message.ts'
import { inLanes, oneMessage } from './sip-load.ts'

const MESSAGES = 10_000
const ROUNDS = 3

const child = fork(fileURLToPath(new URL('drachtio-server.ts', import.meta.url)), [], { execArgv: process.execArgv })
const [{ admin, peer }] = await once(child, 'message')
const stack = new DrachtioStack({ host: '127.0.0.1', port: admin, secret: 'cymru' }, silent)
await stack.start(() => response(200))
const toPeer = { transport: 'tcp', host: '127.0.0.1', port: peer } as const

async function tell(what: unknown): Promise<{ readonly micros: number; readonly faults: readonly string[] }> {
  const told = once(child, 'message')
  child.send(JSON.parse(JSON.stringify(what)))
  return (await told)[0]
}

async function measured(what: string, run: () => Promise<unknown>): Promise<void> {
  const ours: number[] = []
  const rates: number[] = []
  for (let round = -1; round < ROUNDS; round++) {
    await tell('cpu')
    const [before, begun] = [process.cpuUsage(), performance.now()]
    await run()
    const { user, system } = process.cpuUsage(before)
    if (round < 0) continue
    ours.push((user + system) / MESSAGES)
    rates.push((MESSAGES / (performance.now() - begun)) * 1_000)
  }
  const [micros, rate] = [ours, rates].map((of) => of.toSorted((a, b) => a - b)[ROUNDS >> 1] ?? 0)
  const perSecond = Math.round(1_000_000 / (micros ?? 1))
  console.log(
    `${what.padEnd(40)} ${micros?.toFixed(1).padStart(6)} µs, ${perSecond} a CPU-second; ${Math.round(rate ?? 0)} a second as it ran`,
  )
}

for (const inFlight of [1, 16, 64]) {
  await measured(`${inFlight} in flight: sent, answer taken`, () => inLanes(MESSAGES, inFlight, () => stack.send(oneMessage(), toPeer)))
  await measured(`${inFlight} in flight: taken, answer sent`, () => tell({ send: MESSAGES, inFlight }))
}
const { faults } = await tell('cpu')
if (faults.length > 0) throw new Error(faults.join('\n'))
child.send('end')
await stack.stop(0)
