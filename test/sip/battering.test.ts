/** A short run of what `npm run fuzz` plays for longer. */
import { expect, test } from 'vitest'
import { Random } from '../xml/random.ts'
import { batteredGateway } from './battering.ts'

test('4,000 damaged messages over UDP and TCP leave a gateway that serves its telephones', async () => {
  const gateway = await batteredGateway()
  await gateway.batter(new Random(4475), 4_000)
  expect(await gateway.end()).toEqual([])
  expect(gateway.answered).toBeGreaterThan(400)
}, 60_000)
