/** Damaged SIP without end. STOXGATE_FUZZ_SEED and STOXGATE_FUZZ_COUNT choose what is played. */
import { expect, test } from 'vitest'
import { play } from '../sip/mutation.ts'
import { Random } from '../xml/random.ts'
import { footprint } from './footprint.ts'

const seed = Number(process.env.STOXGATE_FUZZ_SEED ?? Date.now() % 1_000_000)
const count = Number(process.env.STOXGATE_FUZZ_COUNT ?? 1_000_000)

/** What a run may leave in memory, however long it was. */
const GROWTH_MAX_BYTES = 10_000_000

test(`${count} damaged messages from seed ${seed} harm neither the codec nor a stack, and leave nothing behind`, async () => {
  await play(new Random(seed), 1_000)
  const before = footprint()
  const { complaints, accepted, refused } = await play(new Random(seed), count)
  expect(complaints).toEqual([])
  expect(Math.min(accepted, refused)).toBeGreaterThan(count / 10)
  const after = footprint()
  expect(after.heapBytes - before.heapBytes).toBeLessThan(GROWTH_MAX_BYTES)
  expect(after.handles).toBeLessThanOrEqual(before.handles)
})
