/** Long runs leave nothing behind: heap, handles, requests. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test } from 'vitest'
import { leave, place, text } from '../../support/drachtio-place.ts'

afterEach(leave)

describe('ten thousand rounds', () => {
  test('leave nothing behind', async () => {
    const { stack, double, peer, toPeer, toUs, got, served } = await place()
    // What the test itself would keep.
    const forget = () => [got, served].map((kept) => kept.splice(0).length)
    const round = async (n: number) => {
      await Promise.all([stack.send(text(n % 97 === 0 ? 5_000 : 500), toPeer), peer.send(text(500), toUs)])
    }
    const rounds = async (many: number) => {
      for (let n = 0; n < many; n += 50) {
        await Promise.all(Array.from({ length: 50 }, (_, k) => round(n + k)))
        expect(forget()).toEqual([50, 50])
      }
    }
    await rounds(1_000)
    const before = usage()
    await rounds(10_000)
    const after = usage()
    expect(after.handles).toBeLessThan(before.handles + 10)
    expect(after.heap - before.heap).toBeLessThan(8 * 1_048_576)
    expect(stack.adapter.load).toEqual({ serving: 0, waiting: 0 })
    expect(double.faults).toEqual([])
  }, 60_000)
})

function usage(): { readonly heap: number; readonly handles: number } {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return { heap: process.memoryUsage().heapUsed, handles: process.getActiveResourcesInfo().length }
}
