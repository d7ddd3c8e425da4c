/** Who only tries names and passwords is not heard for a while, and nobody else is hurt by it. */
import { beforeEach, describe, expect, test } from 'vitest'
import { SCANNER_DEFAULTS, Scanners } from '../../src/core/scanners.ts'
import { Networks, placeOf } from '../../src/stream/networks.ts'
import { Heard } from '../support/heard.ts'

const SCANNER = '198.51.100.66'
let time = 0
let heard = new Heard()

beforeEach(() => {
  time = 1_000_000
  heard = new Heard()
})

const scanners = (limits = {}) =>
  new Scanners({ exempt: new Networks(['192.0.2.0/24']), placeOf, now: () => time, log: heard.log }, { ...SCANNER_DEFAULTS, ...limits })

function refuse(watch: Scanners, address: string, times: number, status = 401, hadCredentials = false): void {
  for (let n = 0; n < times; n++) watch.answered(address, status, hadCredentials)
}

describe('an address that is refused too often', () => {
  test('is not heard for five minutes, and then again', async () => {
    const watch = scanners()
    refuse(watch, SCANNER, 499)
    expect(watch.refuses(SCANNER)).toBe(false)
    refuse(watch, SCANNER, 1)
    expect(watch.refuses(SCANNER)).toBe(true)
    time += 299_000
    expect(watch.refuses(SCANNER)).toBe(true)
    time += 1_000
    expect(watch.refuses(SCANNER)).toBe(false)
    expect(watch.dropped).toBe(2)
    await heard.fact({ what: 'scanner_ignored', address: SCANNER, refusals: 500 })
    await heard.fact({ what: 'scanner_heard_again', dropped: 2 })
  })

  for (const status of [400, 401, 403, 404, 405, 407, 501]) {
    test(`by ${status}`, () => {
      const watch = scanners({ refusalsMax: 3 })
      refuse(watch, SCANNER, 3, status)
      expect(watch.refuses(SCANNER)).toBe(true)
    })
  }

  test('by noise', () => {
    const watch = scanners({ refusalsMax: 3 })
    for (let n = 0; n < 3; n++) watch.noise(SCANNER)
    expect(watch.refuses(SCANNER)).toBe(true)
  })

  test('has fifty guesses of a password in a minute', () => {
    const watch = scanners()
    refuse(watch, SCANNER, 50, 401, true)
    expect(watch.refuses(SCANNER)).toBe(true)
  })

  test('slowly enough is heard', () => {
    const watch = scanners({ refusalsMax: 3 })
    for (let n = 0; n < 20; n++) {
      refuse(watch, SCANNER, 2)
      time += 60_000
    }
    expect(watch.refuses(SCANNER)).toBe(false)
  })

  test('in IPv6 is a whole /64, as one telephone has that many', () => {
    const watch = scanners({ refusalsMax: 3 })
    for (const host of ['2001:db8:0:1::1', '2001:db8:0:1::2', '2001:db8:0:1:ffff::3']) refuse(watch, host, 1)
    expect(watch.refuses('2001:db8:0:1::99')).toBe(true)
    expect(watch.refuses('2001:db8:0:2::99')).toBe(false)
  })
})

describe('who is always heard', () => {
  test('others', () => {
    const watch = scanners({ refusalsMax: 3 })
    refuse(watch, SCANNER, 3)
    expect(watch.refuses('198.51.100.67')).toBe(false)
  })

  test('trusted networks', () => {
    const watch = scanners({ refusalsMax: 3 })
    refuse(watch, '192.0.2.7', 10)
    expect(watch.refuses('192.0.2.7')).toBe(false)
  })

  test('an address with a telephone of ours, for as long as a registration lasts', () => {
    const watch = scanners({ refusalsMax: 3 })
    watch.proved('203.0.113.5')
    refuse(watch, '203.0.113.5', 10)
    expect(watch.refuses('203.0.113.5')).toBe(false)
    time += 7_200_000
    refuse(watch, '203.0.113.5', 3)
    expect(watch.refuses('203.0.113.5')).toBe(true)
  })

  test('an office whose telephones all start at once, each challenged once', () => {
    const watch = scanners()
    refuse(watch, '203.0.113.5', 200)
    watch.proved('203.0.113.5')
    refuse(watch, '203.0.113.5', 1_000)
    expect(watch.refuses('203.0.113.5')).toBe(false)
  })

  test('who calls somebody that is busy or away', () => {
    const watch = scanners({ refusalsMax: 3 })
    for (const status of [200, 202, 408, 480, 486, 487, 603, 500, 503]) refuse(watch, '203.0.113.9', 5, status)
    expect(watch.refuses('203.0.113.9')).toBe(false)
  })
})

test('a botnet of a million addresses takes no more room than ten thousand', () => {
  const watch = scanners({ addressesMax: 100, provenMax: 100 })
  const before = process.memoryUsage().heapUsed
  for (let n = 0; n < 200_000; n++) {
    const address = `${1 + ((n >> 16) & 127)}.${(n >> 8) & 255}.${n & 255}.9`
    watch.answered(address, 401, false)
    watch.proved(`10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`)
  }
  globalThis.gc?.()
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(50_000_000)
  refuse(watch, SCANNER, 500)
  expect(watch.refuses(SCANNER)).toBe(true)
})
