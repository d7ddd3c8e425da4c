/** Ten thousand random streams, half of them damaged, judged by our parser and by parsers nobody here wrote. `npm run fuzz` goes on from here. */
import { expect, test } from 'vitest'
import { Random } from './random.ts'
import { judge } from './referees.ts'

test('10,000 random streams give the same tree or the same refusal in our parser and in libxml2', { timeout: 60_000 }, () => {
  const { complaints, accepted, refused } = judge(new Random(20_11), 10_000)
  expect(complaints).toEqual([])
  expect(accepted).toBeGreaterThan(2_000)
  expect(refused).toBeGreaterThan(2_000)
})
