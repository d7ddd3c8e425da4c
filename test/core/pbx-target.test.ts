import { describe, expect, test } from 'vitest'
import { PbxTarget } from '../../src/core/pbx/target.ts'
import type { NextHop } from '../../src/sip/port.ts'

const hop = (host: string, priority?: number, transport: NextHop['transport'] = 'tcp'): NextHop => ({
  transport,
  host,
  port: 5_060,
  ...(priority === undefined ? {} : { priority }),
})

function target(steadyAnswers = 2) {
  const moves: string[] = []
  const made = new PbxTarget(steadyAnswers, 2, (to) => moves.push(to.host))
  const hosts = (hops: readonly NextHop[]): string[] => made.order(hops).map(({ host }) => host)
  return { made, moves, hosts }
}

const [a, b, c] = [hop('a', 10), hop('b', 20), hop('c', 20)]

test('what answered first is kept, in whatever order DNS names them later', () => {
  const { made, moves, hosts } = target()
  expect(hosts([a, b, c])).toEqual(['a', 'b', 'c'])
  made.answered(a)
  expect(hosts([c, b, a])).toEqual(['a', 'c', 'b'])
  expect(moves).toEqual([])
})

test('one that answers instead is the target from then on, and that is told once', () => {
  const { made, moves, hosts } = target()
  hosts([a, b])
  made.answered(a)
  made.answered(b)
  made.answered(b)
  expect(moves).toEqual(['b'])
  expect(hosts([a, b])).toEqual(['b', 'a'])
})

test('the first request may find the first address away: what it said of us was for that one', () => {
  const { made, moves, hosts } = target()
  hosts([a, b])
  made.answered(b)
  expect(moves).toEqual(['b'])
})

test('an address that DNS names no longer is left', () => {
  const { made, moves, hosts } = target()
  hosts([a, b])
  made.answered(a)
  expect(hosts([b, c])).toEqual(['b', 'c'])
  made.answered(b)
  expect(moves).toEqual(['b'])
})

describe('a better address', () => {
  async function afterFailOver(steadyAnswers: number) {
    const world = target(steadyAnswers)
    world.hosts([a, b, c])
    world.made.answered(a)
    world.made.answered(c)
    world.moves.length = 0
    return world
  }

  test('is used again when it has answered a few times in a row', async () => {
    const { made, moves, hosts } = await afterFailOver(2)
    await made.lookBack([a, b, c], async () => true)
    expect(moves).toEqual([])
    await made.lookBack([a, b, c], async () => false)
    await made.lookBack([a, b, c], async () => true)
    expect(moves).toEqual([])
    await made.lookBack([a, b, c], async () => true)
    expect(moves).toEqual(['a'])
    expect(hosts([a, b, c])[0]).toBe('a')
  })

  test('is none of the same priority: moving costs a registration each', async () => {
    const { made } = await afterFailOver(1)
    const asked: string[] = []
    await made.lookBack([a, b, c], async ({ host }) => asked.push(host) < 0)
    expect(asked).toEqual(['a'])
  })

  test('is one of a transport that is named sooner', async () => {
    const { made, moves, hosts } = target(1)
    const [tcp, udp] = [hop('x'), hop('x', undefined, 'udp')]
    hosts([tcp, udp])
    made.answered(udp)
    await made.lookBack([tcp, udp], async () => true)
    expect(moves).toEqual(['x', 'x'])
  })

  test('is asked once at a time, and a few of many', async () => {
    const { made } = target(1)
    const many = [hop('1', 1), hop('2', 2), hop('3', 3), hop('4', 4)]
    made.order(many)
    made.answered(many[3] ?? a)
    const asked: string[] = []
    let answer = (_: boolean): void => {}
    const first = made.lookBack(many, ({ host }) => {
      asked.push(host)
      return new Promise((resolve) => (answer = resolve))
    })
    await made.lookBack(many, async ({ host }) => asked.push(host) > 0)
    expect(asked).toEqual(['1'])
    answer(false)
    await Promise.resolve()
    answer(false)
    await first
    expect(asked).toEqual(['1', '2'])
  })

  test('that answers after everything has moved again changes nothing', async () => {
    const { made, moves } = await afterFailOver(1)
    await made.lookBack([a, b, c], async () => {
      made.answered(b)
      return true
    })
    expect(moves).toEqual(['b'])
  })
})
