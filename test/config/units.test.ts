import { expect, test } from 'vitest'
import { duration, size } from '../../src/config/units.ts'

for (const [text, ms] of [
  ['500ms', 500],
  ['10m', 600_000],
  ['2h', 7_200_000],
  ['14d', 1_209_600_000],
  ['1.5 s', 1_500],
  [' 3s ', 3_000],
  ['0s', 0],
] as const)
  test(`${text} lasts ${ms} milliseconds`, () => {
    expect(duration(text)).toBe(ms)
  })

for (const [text, bytes] of [
  ['256KiB', 262_144],
  ['64MiB', 67_108_864],
  ['1GiB', 1_073_741_824],
  ['10kB', 10_000],
  ['512B', 512],
  [4_096, 4_096],
] as const)
  test(`${text} is ${bytes} bytes`, () => {
    expect(size(text)).toBe(bytes)
  })

for (const text of ['', '10', 'm', '10 minutes', '-5s', '1e3s', '10M', '1h30m', '1__proto__', 500, null, undefined, {}, true])
  test(`${JSON.stringify(text)} is no duration`, () => {
    expect(duration(text)).toBeUndefined()
  })

for (const text of ['', '10', '10X', '-1B', '1.5', -1, 1.5, Number.NaN, null, [], 'KiB'])
  test(`${JSON.stringify(text)} is no size`, () => {
    expect(size(text)).toBeUndefined()
  })
