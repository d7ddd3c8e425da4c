import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DayFile, type DayFileSettings, MESSAGE, WAITING_MAX_BYTES } from '../../src/log/day-file.ts'

const DAY_MS = 86_400_000
let directory: string
let now = Date.parse('2026-11-22T23:59:00Z')

beforeEach(() => {
  now = Date.parse('2026-11-22T23:59:00Z')
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'stoxgate-day-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  fs.rmSync(directory, { recursive: true })
})

function open(change: Partial<DayFileSettings> = {}): DayFile {
  return new DayFile({
    directory,
    maxBytes: 100,
    maxTotalBytes: 100_000,
    keepMs: 2 * DAY_MS,
    lostLine: (count) => `lost ${count}`,
    now: () => now,
    ...change,
  })
}
const write = (file: DayFile, line: string) => file.log({ [MESSAGE]: line }, () => {})
const end = (file: DayFile) => new Promise<void>((resolve) => file.end(resolve))
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const names = () => fs.readdirSync(directory).sort()
const text = (name: string) => fs.readFileSync(path.join(directory, name), 'utf8')

/** Until what was written is in the file: fs callbacks take some turns. */
async function settled(holds: () => boolean): Promise<void> {
  while (!holds()) await turn()
}

test('a new day begins a new file', async () => {
  const file = open()
  write(file, 'before')
  await settled(() => text('stoxgate-2026-11-22.log') === 'before\n')
  now += 120_000
  write(file, 'after')
  await end(file)
  expect(names()).toEqual(['stoxgate-2026-11-22.log', 'stoxgate-2026-11-23.log'])
  expect(text('stoxgate-2026-11-23.log')).toBe('after\n')
})

test('a full file is continued in another, and no line is split', async () => {
  const file = open()
  for (let i = 0; i < 5; i++) write(file, `${i}`.repeat(40))
  await end(file)
  expect(names()).toEqual(['stoxgate-2026-11-22.1.log', 'stoxgate-2026-11-22.2.log', 'stoxgate-2026-11-22.log'])
  expect(text('stoxgate-2026-11-22.log')).toBe(`${'0'.repeat(40)}\n${'1'.repeat(40)}\n`)
  expect(text('stoxgate-2026-11-22.2.log')).toBe(`${'4'.repeat(40)}\n`)
})

test('a line longer than a file has a file for itself', async () => {
  const file = open()
  write(file, 'short')
  write(file, 'x'.repeat(500))
  write(file, 'short')
  await end(file)
  expect(names().map((name) => text(name).length)).toEqual([501, 6, 6])
})

test('after a restart the last file of the day goes on, unless it is full', async () => {
  for (const line of ['x'.repeat(60), 'y'.repeat(60), 'z'.repeat(120), 'w']) {
    const file = open()
    write(file, line)
    await end(file)
  }
  expect(names()).toEqual([
    'stoxgate-2026-11-22.1.log',
    'stoxgate-2026-11-22.2.log',
    'stoxgate-2026-11-22.3.log',
    'stoxgate-2026-11-22.log',
  ])
  expect(text('stoxgate-2026-11-22.3.log')).toBe('w\n')
})

test('files older than the days they are kept are removed, other files are not touched', async () => {
  const others = ['stoxgate-2026-11-19.log.gz', 'notes.log', 'stoxgate-old.log']
  for (const name of ['stoxgate-2026-11-19.log', 'stoxgate-2026-11-20.1.log', 'stoxgate-2026-11-21.log', ...others])
    fs.writeFileSync(path.join(directory, name), 'x')
  await end(open())
  expect(names()).toEqual([...others, 'stoxgate-2026-11-20.1.log', 'stoxgate-2026-11-21.log', 'stoxgate-2026-11-22.log'].sort())
})

test('all files together stay below their total: the oldest go first', async () => {
  const file = open({ maxTotalBytes: 250 })
  for (let i = 0; i < 20; i++) write(file, `${i}`.padStart(99, '.'))
  await end(file)
  expect(names()).toEqual(['stoxgate-2026-11-22.17.log', 'stoxgate-2026-11-22.18.log', 'stoxgate-2026-11-22.19.log'])
})

test('what a slow disk does not take is dropped and counted, not kept in memory', async () => {
  const file = open({ maxBytes: 100_000_000, maxTotalBytes: 100_000_000 })
  const line = 'x'.repeat(999_999)
  for (let i = 0; i < 20; i++) write(file, line)
  await end(file)
  const kept = Math.floor(WAITING_MAX_BYTES / 1_000_000)
  expect(text('stoxgate-2026-11-22.log').split('\n').length).toBe(kept + 2)
  expect(text('stoxgate-2026-11-22.log').endsWith(`\nlost ${20 - kept}\n`)).toBe(true)
})

test('a disk that fails is said once, and the log goes on when it works again', async () => {
  const said: string[] = []
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    said.push(String(chunk))
    return true
  })
  const file = open()
  // Nobody can open a file in a directory that is not there: the next day's cannot begin.
  fs.rmSync(directory, { recursive: true })
  now += 120_000
  write(file, 'one')
  await settled(() => said.length === 1)
  write(file, 'two')
  await turn()
  await turn()
  fs.mkdirSync(directory)
  write(file, 'three')
  await end(file)
  expect(said).toHaveLength(1)
  expect(said[0]).toMatch(/the log in .* cannot be written: Error: ENOENT/)
  expect(text('stoxgate-2026-11-23.log')).toBe('three\nlost 2\n')
})
