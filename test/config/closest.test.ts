import { expect, test } from 'vitest'
import { closest } from '../../src/config/closest.ts'

const words = ['telephones', 'requireTls', 'mechanisms', 'name', 'port', 'tls']

for (const [written, meant] of [
  ['telefones', 'telephones'],
  ['requiretls', 'requireTls'],
  ['mechansims', 'mechanisms'],
  ['Name', 'name'],
  ['prot', 'port'],
  ['tsl', 'tls'],
  ['ports', 'port'],
] as const)
  test(`who writes ${written} means ${meant}`, () => {
    expect(closest(written, words)).toBe(meant)
  })

for (const written of ['colour', '', 'x', 'x'.repeat(10_000)])
  test(`nobody knows what ${JSON.stringify(written.slice(0, 10))} means`, () => {
    expect(closest(written, words)).toBeUndefined()
  })
