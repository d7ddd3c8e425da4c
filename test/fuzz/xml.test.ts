/** Random streams without end: our parser against libxml2 and saxes. STOXGATE_FUZZ_SEED and STOXGATE_FUZZ_COUNT choose what is played. */
import { expect, test } from 'vitest'
import { Random } from '../xml/random.ts'
import { judge } from '../xml/referees.ts'

const seed = Number(process.env.STOXGATE_FUZZ_SEED ?? Date.now() % 1_000_000)
const count = Number(process.env.STOXGATE_FUZZ_COUNT ?? 200_000)

test(`${count} random streams from seed ${seed} give the same tree or the same refusal in our parser, in libxml2 and in saxes`, () => {
  const { complaints, accepted, refused } = judge(new Random(seed), count)
  expect(complaints).toEqual([])
  expect(Math.min(accepted, refused)).toBeGreaterThan(count / 5)
})
