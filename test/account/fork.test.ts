import { expect, test } from 'vitest'
import { bestOf } from '../../src/account/fork.ts'
import { OK, PlainAnswer } from '../../src/core/answer.ts'
import type { Answer } from '../../src/core/port.ts'

const saying = (...statuses: number[]): Promise<Answer>[] => statuses.map(async (status) => new PlainAnswer(status, ''))
const silent = async (): Promise<Answer> => new PlainAnswer(408, '', [], 'timeout')

test('the first telephone that takes a message answers for all', async () => {
  const never = new Promise<Answer>(() => {})
  expect(await bestOf([never, Promise.resolve(OK)])).toBe(OK)
})

for (const [said, best] of [
  [[486, 500], 486],
  [[404, 603], 603],
  [[500, 480], 480],
  [[503, 486, 415], 415],
  [[480, 480], 480],
] as const) {
  test(`of ${said.join(' and ')} the sender hears ${best}`, async () => {
    const answer = await bestOf(saying(...said))
    expect(answer.status).toBe(best)
  })
}

test('a telephone that spoke counts before one that was silent', async () => {
  expect((await bestOf([silent(), ...saying(486)])).status).toBe(486)
})

test('a failure of our own is told only when no telephone answered', async () => {
  const broken = Promise.reject(new Error('ours'))
  expect((await bestOf([broken, ...saying(486)])).status).toBe(486)
  await expect(bestOf([Promise.reject(new Error('ours')), Promise.reject(new Error('ours too'))])).rejects.toThrow('ours')
})
