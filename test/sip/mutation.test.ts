/** A short run of what `npm run fuzz` plays for longer. */
import { expect, test } from 'vitest'
import { Random } from '../xml/random.ts'
import { play } from './mutation.ts'

test('20,000 damaged messages harm neither the codec nor a stack', async () => {
  const { complaints, accepted, refused } = await play(new Random(4475), 20_000)
  expect(complaints).toEqual([])
  expect(Math.min(accepted, refused)).toBeGreaterThan(2_000)
}, 60_000)
