import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { TestWorld } from './world.ts'

for (const words of [
  ['--help'],
  ['start', '--help'],
  ['check', '--help'],
  ['status', '--help'],
  ['reload', '--help'],
  ['account', '--help'],
  ['help', 'account'],
  ['account', 'add', '--help'],
])
  test(`stoxgate ${words.join(' ')} explains itself`, async () => {
    const world = new TestWorld()
    expect(await world.run(...words)).toBe(0)
    expect(world.stdout.text).toMatch(/^Usage: stoxgate/)
    expect(world.stderr.text).toBe('')
  })

test('stoxgate --help has examples and tells what the exit codes mean', async () => {
  const world = new TestWorld()
  await world.run('--help')
  expect(world.stdout.text).toMatch(/Examples:\n {2}stoxgate start /)
  expect(world.stdout.text).toContain('Exit codes: 0 done; 1 it could not be done; 2 the command line or the configuration is wrong.')
})

test('stoxgate --version is the version of the package', async () => {
  const world = new TestWorld()
  expect(await world.run('--version')).toBe(0)
  expect(world.stdout.text).toBe(`${JSON.parse(fs.readFileSync('package.json', 'utf8')).version}\n`)
})

for (const [words, why] of [
  [[], /^Usage: stoxgate/],
  [['account'], /^Usage: stoxgate account/],
  [['strat'], /Did you mean start\?/],
  [['start', '--conifg', 'x'], /Did you mean --config\?/],
  [['start', '-c'], /argument missing/],
  [['check', 'x.yaml'], /too many arguments/],
] as const)
  test(`stoxgate ${words.join(' ')} is no command, and says what is`, async () => {
    const world = new TestWorld()
    expect(await world.run(...words)).toBe(2)
    expect(world.stderr.text).toMatch(why)
    expect(world.stdout.text).toBe('')
  })

test('a configuration without mistakes is checked with 0, and where things will be is shown', async () => {
  const world = new TestWorld()
  expect(await world.run('check', '-c', 'config/example.yaml')).toBe(0)
  expect(world.stdout.text).toMatch(
    /^config\/example.yaml: nothing is wrong\ndomains {3}xmpp.example\ndatabase {2}\/.*data\/stoxgate.db\nlogs {6}\/.*logs\n$/,
  )
})

test('what the configured SIP stack cannot do is said where the configuration is checked', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'stoxgate-check-'))
  const file = path.join(directory, 'x.yaml')
  fs.writeFileSync(file, 'sip:\n  stack: drachtio\n  drachtio: { host: 127.0.0.1, secret: of the tests }\n')
  const world = new TestWorld()
  expect(await world.run('check', '-c', file)).toBe(0)
  expect(world.stdout.text.split('\n').filter((line) => line.startsWith('lacks'))).toEqual([
    'lacks     calls between telephones are not forwarded (sip.stack: drachtio)',
    'lacks     subscriptions end with the connection to the drachtio server (sip.stack: drachtio)',
  ])
  fs.rmSync(directory, { recursive: true })
})

test('every mistake is a line on standard output, and the exit code is 2', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'stoxgate-check-'))
  const file = path.join(directory, 'x.yaml')
  fs.writeFileSync(file, 'domains:\n  - name: "?"\nworkers: 2\n')
  const world = new TestWorld()
  expect(await world.run('check', '-c', file)).toBe(2)
  expect(world.stdout.text.split('\n').map((line) => line.replace(directory, ''))).toEqual([
    '/x.yaml:2: domains[0].name: must be a domain name, such as xmpp.example, not the text "?"',
    '/x.yaml:3: workers: is not in this version yet; remove it',
    '',
  ])
  expect(world.stderr.text).toBe('')
  expect(await world.run('check', '-c', path.join(directory, 'nowhere.yaml'))).toBe(2)
  expect(world.stdout.text).toMatch(/nowhere.yaml:1: file: is not there; name another with -c/)
  fs.rmSync(directory, { recursive: true })
})
