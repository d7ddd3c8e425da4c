import { describe, expect, test } from 'vitest'
import { Guesses } from '../../src/stream/sasl/guesses.ts'
import { Client } from '../support/client.ts'
import { Refused } from '../support/sasl-answers.ts'
import { DOMAIN, PASSWORD, streamHouse } from '../support/stream-house.ts'

const LIMITS = { failuresPerAccount: 3, pendingPerAccount: 5, failuresPerAddress: 6, windowSeconds: 60, rows: 10 }

function guesses(limits: Partial<typeof LIMITS> = {}) {
  const clock = { now: 0 }
  const table = new Guesses({ ...LIMITS, ...limits }, () => clock.now)
  const fail = (account: string, place: string) => {
    const may = table.begin(account, place)
    if (may) table.ended(account, place, 'failed')
    return may
  }
  const succeed = (account: string, place: string) => {
    const may = table.begin(account, place)
    if (may) table.ended(account, place, 'succeeded')
    return may
  }
  return { table, clock, fail, succeed }
}

describe('wrong guesses', () => {
  test('at a name as long as an address can be count like any other', () => {
    const { fail } = guesses()
    const long = 'x'.repeat(1023)
    expect(['a', 'b', 'c', 'd'].map((place) => fail(long, place))).toEqual([true, true, true, false])
    expect(fail(`${long.slice(1)}y`, 'a')).toBe(true)
  })

  test('at one account close it until the minute is over', () => {
    const { clock, fail, succeed } = guesses()
    expect(['a', 'b', 'c'].map((place) => fail('juliet', place))).toEqual([true, true, true])
    expect(succeed('juliet', 'd')).toBe(false)
    expect(succeed('romeo', 'a')).toBe(true)
    clock.now = 60_000
    expect(succeed('juliet', 'd')).toBe(true)
  })

  test('of strangers do not keep her out where she has been before', () => {
    const { fail, succeed } = guesses()
    succeed('juliet', 'home')
    for (const place of ['a', 'b', 'c', 'd']) fail('juliet', place)
    expect(succeed('juliet', 'elsewhere')).toBe(false)
    expect(succeed('juliet', 'home')).toBe(true)
    for (let i = 0; i < 3; i++) expect(fail('juliet', 'home')).toBe(true)
    expect(fail('juliet', 'home')).toBe(false)
  })

  test('from one place at many accounts close that place', () => {
    const { fail } = guesses()
    for (let i = 0; i < 6; i++) expect(fail(`account${i}`, 'there')).toBe(true)
    expect(fail('another', 'there')).toBe(false)
    expect(fail('another', 'here')).toBe(true)
  })

  test('many at once are still many', () => {
    const { table } = guesses()
    for (let i = 0; i < 5; i++) expect(table.begin('juliet', `place${i}`)).toBe(true)
    expect(table.begin('juliet', 'another')).toBe(false)
    table.ended('juliet', 'place0', 'dropped')
    expect(table.begin('juliet', 'another')).toBe(true)
  })

  test('that were never finished are none', () => {
    const { table, succeed } = guesses()
    for (let i = 0; i < 20; i++) {
      table.begin('juliet', 'there')
      table.ended('juliet', 'there', 'dropped')
    }
    expect(succeed('juliet', 'there')).toBe(true)
  })

  test('at names without end cost no memory without end, and the oldest are forgotten', () => {
    const { fail } = guesses({ failuresPerAccount: 1, failuresPerAddress: 1_000_000 })
    for (let i = 0; i < 1000; i++) expect(fail(`name${i}`, 'there')).toBe(true)
    expect(fail('name999', 'there')).toBe(false)
    expect(fail('name0', 'there')).toBe(true)
  })
})

test('a client that guessed too often is told to wait, with the right password too, and the log says so', async () => {
  const house = await streamHouse({ guesses: { failuresPerAccount: 2 } })
  const condition = async (password: string, user = 'juliet') => {
    const client = await Client.connect(house.port)
    await client.open({ to: DOMAIN })
    await client.startTls()
    const outcome: unknown = await client.scram({ user, password }).then(
      () => 'in',
      (cause: unknown) => cause,
    )
    client.destroy()
    return outcome instanceof Refused ? outcome.condition : outcome
  }
  expect(await condition('wrong')).toBe('not-authorized')
  expect(await condition('wrong')).toBe('not-authorized')
  expect(await condition(PASSWORD)).toBe('temporary-auth-failure')
  expect(await condition(PASSWORD, 'romeo')).toBe('in')
  expect(house.log.of('login_refused')[0]).toMatchObject({ level: 'problems', account: `juliet@${DOMAIN}` })
  // A name nobody has is closed just the same, so that nothing is learnt from it.
  expect(await condition('wrong', 'nobody')).toBe('not-authorized')
  expect(await condition('wrong', 'nobody')).toBe('not-authorized')
  expect(await condition('wrong', 'nobody')).toBe('temporary-auth-failure')
  await house.stop()
})
