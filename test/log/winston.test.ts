import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Level } from '../../src/log/log.ts'
import { type LogSettings, openLog } from '../../src/log/winston.ts'

let directory: string
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'stoxgate-log-'))
})
afterEach(() => {
  fs.rmSync(directory, { recursive: true })
})

function settings(change: Partial<LogSettings> = {}): LogSettings {
  return {
    directory,
    format: 'text',
    maxBytes: 1_000_000,
    maxTotalBytes: 10_000_000,
    keepMs: 86_400_000,
    levels: { rest: 'major' },
    console: false,
    ...change,
  }
}

const written = () =>
  fs
    .readdirSync(directory)
    .sort()
    .flatMap((name) => fs.readFileSync(path.join(directory, name), 'utf8').split('\n').slice(0, -1))

for (const [level, expected] of [
  ['failures', ['FAILURES']],
  ['major', ['FAILURES', 'MAJOR']],
  ['problems', ['FAILURES', 'MAJOR', 'PROBLEMS']],
  ['low-level', ['FAILURES', 'MAJOR', 'PROBLEMS', 'LOW-LEVEL']],
  ['all', ['FAILURES', 'MAJOR', 'PROBLEMS', 'LOW-LEVEL', 'ALL']],
] as const)
  test(`at level ${level} the log holds ${expected.join(', ')}`, async () => {
    const { log, close } = openLog(settings({ levels: { rest: level } }))
    log.failure({ what: 'f' })
    log.major({ what: 'm' })
    log.problem({ what: 'p' })
    log.lowLevel({ what: 'l' })
    log.all({ what: 'a' })
    await close()
    expect(written().map((line) => line.split(' ')[1])).toEqual(expected)
    expect(Object.values(log.wants).filter(Boolean).length).toBe(expected.length)
  })

test('each kind of tag has its own level, which can be changed for sessions that exist', async () => {
  const { log, setLevels, close } = openLog(settings({ levels: { rest: 'failures', XMPPS: 'all', SIP: 'major' } }))
  const session = log.tagged('XMPPS-000001([127.0.0.1]:5)')
  const sip = log.tagged('SIP')
  const incoming = log.tagged('XMPPI-000002([127.0.0.1]:6)')
  const say = (what: string) => {
    for (const each of [log, session, sip, incoming]) each.lowLevel({ what })
  }
  say('before')
  setLevels({ rest: 'all', XMPPS: 'failures', SIP: 'low-level' })
  say('after')
  setLevels({ rest: 'major' })
  say('last')
  await close()
  expect(written().map((line) => line.slice(25))).toEqual([
    'LOW-LEVEL XMPPS-000001([127.0.0.1]:5) before',
    'LOW-LEVEL CORE after',
    'LOW-LEVEL SIP after',
    'LOW-LEVEL XMPPI-000002([127.0.0.1]:6) after',
  ])
})

test('a log that is closed in the turn it was written in is complete, and in order', async () => {
  const { log, close } = openLog(settings({ maxBytes: 50_000 }))
  for (let i = 0; i < 20_000; i++) log.major({ what: 'x', i })
  await close()
  const numbered = fs.readdirSync(directory).map((name) => ({ name, number: Number(/\.(\d+)\.log/.exec(name)?.[1] ?? 0) }))
  const lines = numbered
    .sort((a, b) => a.number - b.number)
    .flatMap(({ name }) => fs.readFileSync(path.join(directory, name), 'utf8').split('\n').slice(0, -1))
  expect(lines.map((line) => Number(line.split('i=')[1]))).toEqual(Array.from({ length: 20_000 }, (_, i) => i))
  for (const { name } of numbered) expect(fs.statSync(path.join(directory, name)).size).toBeLessThanOrEqual(50_000)
})

test('closing twice and writing afterwards harm nobody', async () => {
  const { log, close } = openLog(settings())
  await Promise.all([close(), close()])
  log.major({ what: 'late' })
  expect(written()).toEqual([])
})

test('without a directory the log goes to standard error, and is complete when the process ends', () => {
  const program = `import { openLog } from './src/log/winston.ts'
    const { log, close } = openLog(${JSON.stringify({ ...settings(), directory: undefined })})
    for (let i = 0; i < 2000; i++) log.major({ what: 'x', i })
    close().then(() => process.exit(0))`
  const { stderr, stdout } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], { encoding: 'utf8' })
  const lines = stderr.split('\n')
  expect(lines.length).toBe(2_001)
  expect(lines.at(-2)?.slice(25)).toBe('MAJOR CORE x i=1999')
  expect(stdout).toBe('')
})

test('as JSON every line is an object', async () => {
  const { log, close } = openLog(settings({ format: 'json' }))
  log.major({ what: 'x', v: 'a\nb' })
  await close()
  expect(written().map((line): unknown => JSON.parse(line))).toMatchObject([{ level: 'major', tag: 'CORE', what: 'x', v: 'a\nb' }])
})

test('a directory that cannot be made is known at once', () => {
  fs.writeFileSync(path.join(directory, 'file'), '')
  expect(() => openLog(settings({ directory: path.join(directory, 'file', 'logs') }))).toThrow(/ENOTDIR/)
})

const levels: Level[] = ['failures', 'major']
test('the directory and its files are not open to everybody', async () => {
  const inner = path.join(directory, 'logs')
  const { log, close } = openLog(settings({ directory: inner, levels: { rest: levels[0] ?? 'major' } }))
  log.failure({ what: 'x' })
  await close()
  expect(fs.statSync(inner).mode & 0o007).toBe(0)
  for (const name of fs.readdirSync(inner)) expect(fs.statSync(path.join(inner, name)).mode & 0o007).toBe(0)
  fs.rmSync(inner, { recursive: true })
})
