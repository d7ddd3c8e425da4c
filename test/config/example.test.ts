import fs from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { loadSettings, settingsOf } from '../../src/config/load.ts'
import { bare } from '../../src/config/mistakes.ts'
import { schema } from '../../src/config/schema.ts'

test('config/example.yaml says what the defaults are', async () => {
  const { settings, mistakes } = await loadSettings('config/example.yaml')
  expect(mistakes).toBeUndefined()
  expect(settings).toEqual({ ...(await settingsOf('config/example.yaml', '')).settings })
})

test('config/example.yaml names every key there is, with a line of why', () => {
  const lines = fs.readFileSync('config/example.yaml', 'utf8').split('\n')
  for (const key of keysOf(schema)) {
    const line = lines.find((one) => new RegExp(`(?:^|[\\s{-])${key}:`).test(one))
    expect(line, key).toBeDefined()
    // A group of keys is explained by its keys.
    if (!/:\s*$/.test(line ?? '')) expect(line, key).toMatch(/#/)
  }
})

test('config/stoxgate.yaml runs as it is, and changes no default', async () => {
  const { settings, mistakes } = await loadSettings('config/stoxgate.yaml')
  expect(mistakes).toBeUndefined()
  expect(settings).toEqual({ ...(await settingsOf('config/stoxgate.yaml', '')).settings })
})

function keysOf(inner: unknown): string[] {
  const found = bare(inner)
  if (found instanceof z.ZodArray) return keysOf(found.element)
  if (!(found instanceof z.ZodObject)) return []
  return Object.entries(found.shape).flatMap(([key, value]) => [key, ...keysOf(value)])
}
