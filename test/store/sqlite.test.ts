import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Jid } from '../../src/address/jid.ts'
import { StoreError } from '../../src/store/failure.ts'
import { migrate } from '../../src/store/migrate.ts'
import { MIGRATIONS } from '../../src/store/migrations/index.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { credentials, storeContract } from '../contract/store.ts'

let directory: string
let file: string
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'stoxgate-store-'))
  file = path.join(directory, 'data', 'stoxgate.db')
})
afterEach(() => {
  fs.rmSync(directory, { recursive: true })
})

const juliet = Jid.parse('juliet@capulet.example')
const romeo = Jid.parse('romeo@capulet.example')

storeContract('a store in an SQLite file', () => openSqlite(file))

test('what was stored is there after closing and opening', async () => {
  const first = openSqlite(file)
  await first.accounts.add(juliet, credentials(1))
  const secret = await first.secret('a')
  await first.close()
  const second = openSqlite(file)
  expect((await second.accounts.find(juliet))?.credentials).toEqual(credentials(1))
  expect((await second.secret('a')).equals(secret)).toBe(true)
  await second.close()
})

test('a stopped gateway leaves everything in the one file an operator copies', async () => {
  const first = openSqlite(file)
  await first.accounts.add(juliet, credentials(1))
  await first.close()
  const copy = path.join(directory, 'copy.db')
  fs.copyFileSync(file, copy)
  const second = openSqlite(copy)
  expect(await second.accounts.exists(juliet)).toBe(true)
  await second.close()
})

test('the directory and the files are for their owner alone', async () => {
  const store = openSqlite(file)
  await store.accounts.add(juliet, credentials(1))
  expect((fs.statSync(path.dirname(file)).mode & 0o777).toString(8)).toBe('700')
  for (const name of fs.readdirSync(path.dirname(file)))
    expect(`${name} ${(fs.statSync(path.join(path.dirname(file), name)).mode & 0o777).toString(8)}`).toBe(`${name} 600`)
  await store.close()
})

describe('two programs, one file', () => {
  test('what one writes the other sees at once', async () => {
    const gateway = openSqlite(file)
    const command = openSqlite(file)
    expect(await gateway.accounts.exists(juliet)).toBe(false)
    await command.accounts.add(juliet, credentials(1))
    expect((await gateway.accounts.find(juliet))?.credentials).toEqual(credentials(1))
    await gateway.accounts.remove(juliet)
    expect(await command.accounts.exists(juliet)).toBe(false)
    await command.close()
    await gateway.accounts.add(juliet, credentials(2))
    await gateway.close()
  })

  test('a program of its own adds an account while the gateway writes', async () => {
    const gateway = openSqlite(file)
    await gateway.accounts.list()
    // A look of the same process at the same file once cost the gateway its locks, and the program after it took the log of changes away.
    await openSqlite(file).close()
    const program = (from: number) => `
      import { openSqlite } from './src/store/sqlite.ts'
      import { Jid } from './src/address/jid.ts'
      const keys = { salt: Buffer.alloc(16), iterations: 4096, storedKey: Buffer.alloc(20), serverKey: Buffer.alloc(20) }
      const store = openSqlite(${JSON.stringify(file)})
      const added = []
      for (let i = ${from}; i < ${from} + 50; i++) added.push(await store.accounts.add(Jid.parse('other' + i + '@capulet.example'), { scram: { 'SHA-1': keys, 'SHA-256': keys } }))
      await store.close()
      console.log(added.every(Boolean))`
    for (const from of [0, 50, 100]) {
      const ran = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program(from)], { encoding: 'utf8' })
      expect(ran.stderr).toBe('')
      expect(ran.stdout).toBe('true\n')
      expect(await gateway.accounts.list()).toHaveLength(from + 50)
    }
    await gateway.accounts.add(juliet, credentials(1))
    await gateway.close()
    const later = openSqlite(file)
    expect(await later.accounts.list()).toHaveLength(151)
    await later.close()
  }, 30_000)

  test('both may find no file and make it', async () => {
    const stores = [openSqlite(file), openSqlite(file), openSqlite(file)]
    const secrets = await Promise.all(stores.map((store) => store.secret('a')))
    expect(new Set(secrets.map((secret) => secret.toString('hex'))).size).toBe(1)
    for (const store of stores) await store.close()
  })
})

test('a removal is whole: nobody in between adds to a transaction that is not theirs', async () => {
  const store = openSqlite(file)
  await store.accounts.add(juliet, credentials(1))
  const [removed, added, list] = await Promise.all([
    store.accounts.remove(juliet),
    store.accounts.add(romeo, credentials(2)),
    store.accounts.list(),
  ])
  expect([removed, added, list.map(String)]).toEqual([true, true, ['romeo@capulet.example']])
  await store.close()
})

test('an account of the first release logs in as before, without the keys there were not yet', async () => {
  await openSqlite(file).close()
  fs.rmSync(file)
  const old = new Database(file)
  migrate(old, file, MIGRATIONS.slice(0, 3))
  const key = Buffer.alloc(32, 7)
  old
    .prepare("INSERT INTO account VALUES (1, 'capulet.example', 'juliet', 0, ?, 1, ?, ?, ?, 1, ?, ?, NULL, NULL, NULL, NULL)")
    .run(key, key, key, key, key, key)
  old.close()
  const store = openSqlite(file)
  const keys = { salt: key, iterations: 1, storedKey: key, serverKey: key }
  expect((await store.accounts.find(juliet))?.credentials).toStrictEqual({ scram: { 'SHA-1': keys, 'SHA-256': keys } })
  await store.close()
})

describe('a file that cannot be the store is refused with a sentence', () => {
  test('a newer schema', async () => {
    await openSqlite(file).close()
    const newer = new Database(file)
    newer.exec('PRAGMA user_version = 1000')
    newer.close()
    expect(() => openSqlite(file)).toThrow(
      /stoxgate\.db was written by a newer Stoxgate \(schema 1000; this version knows \d+\): run that version/,
    )
    // And it is as it was.
    expect(new Database(file).prepare('PRAGMA user_version').all()).toMatchObject([{ user_version: 1000 }])
  })

  test('the database of another program', () => {
    fs.mkdirSync(path.dirname(file))
    const other = new Database(file)
    other.exec('CREATE TABLE bookmark (url TEXT)')
    other.close()
    expect(() => openSqlite(file)).toThrow(/is the database of another program/)
  })

  for (const [what, make, sentence] of [
    ['a text', () => fs.writeFileSync(file, 'Two households, both alike in dignity. '.repeat(50)), /is no SQLite database/],
    ['a directory', () => fs.mkdirSync(file), /is a directory/],
  ] as const)
    test(what, () => {
      fs.mkdirSync(path.dirname(file))
      make()
      expect(() => openSqlite(file)).toThrow(StoreError)
      expect(() => openSqlite(file)).toThrow(sentence)
    })

  test('a path through a file', () => {
    fs.writeFileSync(path.join(directory, 'data'), '')
    expect(() => openSqlite(file)).toThrow(/cannot be made: a part of its path is a file/)
  })

  test('a database that another program has locked, while a query waits and after', async () => {
    const store = openSqlite(file, 50)
    await store.accounts.add(juliet, credentials(1))
    const other = new Database(file)
    other.exec('BEGIN IMMEDIATE')
    await expect(store.accounts.add(romeo, credentials(1))).rejects.toThrow(/is locked by another program/)
    // Readers go on all the while.
    expect(await store.accounts.exists(juliet)).toBe(true)
    other.exec('ROLLBACK')
    expect(await store.accounts.add(romeo, credentials(1))).toBe(true)
    await store.close()
  })
})

describe('the schema goes forward', () => {
  const one = { number: 1, sql: 'CREATE TABLE a (x); INSERT INTO a VALUES (1)' }
  const two = { number: 2, sql: 'CREATE TABLE b (x); INSERT INTO b SELECT x + 1 FROM a' }
  const broken = { number: 3, sql: 'CREATE TABLE c (x); INSERT INTO nowhere VALUES (1)' }
  const open = () => new Database(path.join(directory, 'x.db'))

  test('step by step, each once', () => {
    const database = open()
    migrate(database, 'x.db', [one])
    migrate(database, 'x.db', [one, two])
    migrate(database, 'x.db', [one, two])
    expect(database.prepare('SELECT x FROM b').all()).toMatchObject([{ x: 2 }])
    expect(database.prepare('PRAGMA user_version').all()).toMatchObject([{ user_version: 2 }])
  })

  test('a step that fails leaves the one before it whole', () => {
    const database = open()
    expect(() => migrate(database, 'x.db', [one, two, broken])).toThrow(/nowhere/)
    expect(database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all()).toMatchObject([
      { name: 'a' },
      { name: 'b' },
    ])
    expect(database.prepare('PRAGMA user_version').all()).toMatchObject([{ user_version: 2 }])
    expect(database.inTransaction).toBe(false)
  })
})
