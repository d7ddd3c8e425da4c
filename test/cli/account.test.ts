import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { verifyPassword } from '../../src/account/credentials.ts'
import { Jid } from '../../src/address/jid.ts'
import { ControlServer, controlPath } from '../../src/admin/control.ts'
import { silent } from '../../src/log/log.ts'
import type { Account } from '../../src/store/port.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { TestWorld } from './world.ts'

let directory: string
let config: string
let world: TestWorld

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'stoxgate-account-'))
  config = path.join(directory, 'x.yaml')
  configure()
})
afterEach(() => {
  fs.rmSync(directory, { recursive: true })
})

function configure(domains = '[ { name: capulet.example, scramRounds: 5000 }, { name: montague.example, telephones: false } ]'): void {
  fs.writeFileSync(config, `domains: ${domains}\nstore: { sqlite: ${directory}/data/stoxgate.db }\n`)
}

/** One `stoxgate account …`, with this on standard input. */
async function account(words: string[], input = ''): Promise<number> {
  world = new TestWorld()
  world.stdin.end(input)
  return world.run('account', ...words, '-c', config)
}
const add = (jid: string, password = 'R0m30') => account(['add', jid, '--password', '-'], `${password}\n`)

async function stored(jid: string): Promise<Account | undefined> {
  const store = openSqlite(path.join(directory, 'data/stoxgate.db'))
  try {
    return await store.accounts.find(Jid.parse(jid))
  } finally {
    await store.close()
  }
}

test('an account that was added can log in, and its telephone too', async () => {
  expect(await add('Juliet@Capulet.example')).toBe(0)
  expect(world.stdout.text).toBe('juliet@capulet.example was added\n')
  expect(world.stderr.text).toBe('')
  const found = await stored('juliet@capulet.example')
  expect(found && (await verifyPassword(found.credentials, 'R0m30'))).toBe(true)
  expect(found?.credentials.sip).toBeDefined()
  expect(found?.credentials.scram['SHA-256'].iterations).toBe(5_000)
})

test('a domain without telephones keeps nothing for them', async () => {
  await add('romeo@montague.example')
  expect((await stored('romeo@montague.example'))?.credentials.sip).toBeUndefined()
})

test('who types the password is asked for it twice', async () => {
  world = new TestWorld({ isTTY: true })
  world.stdin.write('R0m30\rR0m30\r')
  expect(await world.run('account', 'add', 'juliet@capulet.example', '-c', config)).toBe(0)
  const found = await stored('juliet@capulet.example')
  expect(found && (await verifyPassword(found.credentials, 'R0m30'))).toBe(true)
})

test('an account that is there is not added again, nor its password asked for', async () => {
  await add('juliet@capulet.example', 'first')
  world = new TestWorld({ isTTY: true })
  expect(await world.run('account', 'add', 'juliet@capulet.example', '-c', config)).toBe(1)
  expect(world.stderr.text).toBe(
    'juliet@capulet.example is there already; "stoxgate account passwd juliet@capulet.example" gives it a new password\n',
  )
  const found = await stored('juliet@capulet.example')
  expect(found && (await verifyPassword(found.credentials, 'first'))).toBe(true)
})

test('a new password replaces the old one', async () => {
  await add('juliet@capulet.example', 'first')
  expect(await account(['passwd', 'juliet@capulet.example', '--password', '-'], 'second')).toBe(0)
  const found = await stored('juliet@capulet.example')
  expect(found && (await verifyPassword(found.credentials, 'first'))).toBe(false)
  expect(found && (await verifyPassword(found.credentials, 'second'))).toBe(true)
})

test('accounts are listed one a line, all or of a domain', async () => {
  await add('romeo@montague.example')
  await add('nurse@capulet.example')
  await add('juliet@capulet.example')
  expect(await account(['list'])).toBe(0)
  expect(world.stdout.text).toBe('juliet@capulet.example\nnurse@capulet.example\nromeo@montague.example\n')
  await account(['list', 'Montague.example'])
  expect(world.stdout.text).toBe('romeo@montague.example\n')
  expect(await account(['list', 'nurse@capulet.example'])).toBe(0)
  expect(world.stdout.text).toBe('nurse@capulet.example\n')
  expect(await account(['list', 'tybalt@capulet.example'])).toBe(1)
  expect(await account(['list', 'verona.example'])).toBe(0)
  expect(world.stdout.text).toBe('')
})

test('an account that was removed is gone', async () => {
  await add('juliet@capulet.example')
  expect(await account(['remove', 'juliet@capulet.example'])).toBe(0)
  expect(world.stdout.text).toBe('juliet@capulet.example was removed\n')
  expect(await stored('juliet@capulet.example')).toBeUndefined()
  expect(await account(['remove', 'juliet@capulet.example'])).toBe(1)
  expect(world.stderr.text).toMatch(/^there is no account juliet@capulet.example in .*stoxgate.db; "stoxgate account list" shows/)
})

test('accounts of a domain that is hosted no more can be removed', async () => {
  await add('romeo@montague.example')
  configure('[ { name: capulet.example } ]')
  expect(await account(['remove', 'romeo@montague.example'])).toBe(0)
})

for (const [words, why] of [
  [
    ['add', 'juliet@verona.example'],
    /x.yaml: domains: verona.example is not hosted, only capulet.example, montague.example; add "- name: verona.example" there/,
  ],
  [['passwd', 'juliet@verona.example'], /verona.example is not hosted/],
  [['add', 'capulet.example'], /capulet.example is a domain; an account is user@capulet.example/],
  [['add', 'juliet@capulet.example/balcony'], /is a device; the account is juliet@capulet.example/],
  [['add', 'jul iet@capulet.example'], /"jul iet@capulet.example" is no address: The localpart/],
  [['remove', '@'], /is no address/],
  [['add', 'juliet@capulet.example', '--password', 'secret'], /does not stand on the command line/],
  [['add', 'juliet@capulet.example'], /no terminal to ask/],
  [['add'], /missing required argument 'jid'/],
  [['ad', 'juliet@capulet.example'], /Did you mean add\?/],
  [['add', 'juliet@capulet.example', '--pasword', '-'], /Did you mean --password\?/],
] as const)
  test(`stoxgate account ${words.join(' ')} is refused with what would be right`, async () => {
    expect(await account([...words])).toBe(2)
    expect(world.stderr.text).toMatch(why)
    expect(world.stdout.text).toBe('')
  })

test('a password that cannot be one is refused with why', async () => {
  expect(await add('juliet@capulet.example', 'a\x07b')).toBe(2)
  expect(world.stderr.text).toMatch(/The password has a control character/)
})

test('a configuration with mistakes is told with its lines', async () => {
  fs.writeFileSync(config, 'domain: []\nlog: { level: loud }\n')
  expect(await account(['list'])).toBe(2)
  expect(world.stderr.text).toMatch(/x.yaml:1: domain: .*\n.*x.yaml:2: log.level: /)
})

test('a database that cannot be opened is one line', async () => {
  fs.mkdirSync(path.join(directory, 'data/stoxgate.db'), { recursive: true })
  expect(await account(['list'])).toBe(1)
  expect(world.stderr.text).toMatch(/^\S+stoxgate.db is a directory: let store.sqlite name a file\n$/)
})

describe('while the gateway runs', () => {
  let server: ControlServer
  let changed: string[]
  let accountChanged: (jid: Jid) => void
  beforeEach(async () => {
    changed = []
    accountChanged = (jid) => void changed.push(jid.toString())
    fs.mkdirSync(path.join(directory, 'data'))
    const handlers = {
      accountChanged: (jid: Jid) => accountChanged(jid),
      reload: () => Promise.resolve(),
      status: () => ({ pid: 1, sessions: 2 }),
    }
    server = new ControlServer(controlPath(path.join(directory, 'data')), handlers, () => silent)
    await server.listen()
  })
  afterEach(async () => {
    await server.close()
  })

  test('it is told whose sessions must end, and of nothing else', async () => {
    await add('juliet@capulet.example')
    await account(['list'])
    expect(changed).toEqual([])
    await account(['passwd', 'juliet@capulet.example', '--password', '-'], 'other')
    await account(['remove', 'juliet@capulet.example'])
    expect(changed).toEqual(['juliet@capulet.example', 'juliet@capulet.example'])
  })

  test('a command whose word it does not take says what is done and what is not', async () => {
    await add('juliet@capulet.example')
    accountChanged = () => {
      throw new Error('no')
    }
    expect(await account(['remove', 'juliet@capulet.example'])).toBe(1)
    expect(world.stderr.text).toMatch(
      /^it is done in the database, but the running gateway keeps its sessions of juliet@capulet.example: no\n$/,
    )
    expect(await stored('juliet@capulet.example')).toBeUndefined()
  })

  test('it says what it does, and reads its configuration again', async () => {
    world = new TestWorld()
    expect(await world.run('status', '-c', config)).toBe(0)
    expect(world.stdout.text).toBe('pid 1\nsessions 2\n')
    expect(await world.run('reload', '-c', config)).toBe(0)
  })
})

test('where no gateway runs there is none to ask', async () => {
  world = new TestWorld()
  expect(await world.run('status', '-c', config)).toBe(1)
  expect(world.stderr.text).toMatch(/^no gateway runs with .*stoxgate.db; "stoxgate start" starts one\n$/)
})

test('an account of a domain whose passwords are a PBX’s is not added here: nobody would ever ask for it', async () => {
  configure('[ { name: capulet.example, pbx: { uri: "sip:192.0.2.20" } } ]')
  expect(await add('juliet@capulet.example')).toBe(1)
  expect(world.stderr.text).toContain('extensions of sip:192.0.2.20')
  configure('[ { name: capulet.example, pbx: { uri: "sip:192.0.2.20", register: false } } ]')
  expect(await add('juliet@capulet.example')).toBe(0)
})
