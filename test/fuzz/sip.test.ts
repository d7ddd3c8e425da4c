/** Damaged SIP without end. STOXGATE_FUZZ_SEED and STOXGATE_FUZZ_COUNT choose what is played. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { play } from '../sip/mutation.ts'
import { Random } from '../xml/random.ts'

const seed = Number(process.env.STOXGATE_FUZZ_SEED ?? Date.now() % 1_000_000)
const count = Number(process.env.STOXGATE_FUZZ_COUNT ?? 200_000)

/** What a run may leave in memory, however long it was. */
const GROWTH_MAX_BYTES = 10_000_000

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

function heapBytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

test(`${count} damaged messages from seed ${seed} harm neither the codec nor a stack, and leave nothing behind`, async () => {
  await play(new Random(seed), 1_000)
  const before = heapBytes()
  const { complaints, accepted, refused } = await play(new Random(seed), count)
  expect(complaints).toEqual([])
  expect(Math.min(accepted, refused)).toBeGreaterThan(count / 10)
  expect(heapBytes() - before).toBeLessThan(GROWTH_MAX_BYTES)
})
