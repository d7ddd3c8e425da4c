/** Damaged SIP into a whole gateway, over real sockets. STOXGATE_FUZZ_SEED and STOXGATE_FUZZ_COUNT (a tenth of it) choose what is played. */
import { expect, test } from 'vitest'
import { batteredGateway } from '../sip/battering.ts'
import { Random } from '../xml/random.ts'
import { footprint } from './footprint.ts'

const seed = Number(process.env.STOXGATE_FUZZ_SEED ?? Date.now() % 1_000_000)
const count = Number(process.env.STOXGATE_FUZZ_COUNT ?? 1_000_000) / 10

/** Of what is kept for a while: transactions of the last second, nonces, fields whose names were seen. */
const GROWTH_MAX_BYTES = 20_000_000
const HANDLES_MAX = 20

test(`${count} damaged messages from seed ${seed}, over UDP and TCP, leave a gateway that serves its telephones, and nothing behind`, async () => {
  const gateway = await batteredGateway()
  await gateway.batter(new Random(seed + 1), count / 5)
  const before = footprint()
  await gateway.batter(new Random(seed), count)
  const after = footprint()
  const { answered } = gateway
  expect(await gateway.end()).toEqual([])
  expect(answered).toBeGreaterThan(count / 10)
  expect(after.heapBytes - before.heapBytes).toBeLessThan(GROWTH_MAX_BYTES)
  expect(after.handles - before.handles).toBeLessThan(HANDLES_MAX)
})
