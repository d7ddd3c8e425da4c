import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { KeyFileError, openKeyring, renewSeals } from '../../../src/account/secrets/key-file.ts'
import { Jid } from '../../../src/address/jid.ts'
import { MemoryStore } from '../../../src/store/memory.ts'
import { credentials } from '../../contract/store.ts'

const juliet = Jid.parse('juliet@capulet.example')
let directory: string
let file: string
let store: MemoryStore
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'stoxgate-keys-'))
  file = path.join(directory, 'data', 'secrets.key')
  store = new MemoryStore()
})
afterEach(() => {
  fs.rmSync(directory, { recursive: true })
})

const opened = () => openKeyring(file, store.sealed)

async function keepsPassword(): Promise<void> {
  const keyring = await opened()
  store.accounts.add(juliet, credentials(1), keyring.seal(juliet, 'login', 'wherefore'))
}

test('the key is made once, for its owner alone, and is the same ever after', async () => {
  const first = await opened()
  expect((fs.statSync(file).mode & 0o777).toString(8)).toBe('600')
  expect(fs.readdirSync(path.dirname(file))).toEqual(['secrets.key'])
  expect(fs.statSync(file).size).toBe(32)
  expect((await opened()).keyId).toBe(first.keyId)
})

test('of several who make it at once, one does', async () => {
  const keyrings = await Promise.all([opened(), opened(), opened()])
  expect(new Set(keyrings.map(({ keyId }) => keyId)).size).toBe(1)
})

describe('the gateway does not start', () => {
  for (const mode of ['640', '604', '660', '666'])
    test(`with a key that others may read or write: ${mode}`, async () => {
      await opened()
      fs.chmodSync(file, Number.parseInt(mode, 8))
      await expect(opened()).rejects.toThrow(KeyFileError)
      await expect(opened()).rejects.toThrow(`(mode ${mode}): chmod 600 ${file}`)
    })

  for (const size of [0, 16, 33, 32 * 9])
    test(`with a file that is no key: ${size} bytes`, async () => {
      fs.mkdirSync(path.dirname(file))
      fs.writeFileSync(file, Buffer.alloc(size), { mode: 0o600 })
      await expect(opened()).rejects.toThrow(`${file} has ${size} bytes, but a key has 32`)
    })

  test('without the key that passwords were sealed with, and makes no other in its place', async () => {
    await keepsPassword()
    fs.rmSync(file)
    await expect(opened()).rejects.toThrow(
      `${file} is not there, but the password of juliet@capulet.example was sealed with its key: put it back`,
    )
    expect(fs.existsSync(file)).toBe(false)
  })

  test('with another key than passwords were sealed with', async () => {
    await keepsPassword()
    for (const name of ['a', 'b', 'c', 'd']) {
      const jid = Jid.parse(`${name}@capulet.example`)
      store.accounts.add(jid, credentials(1), (await opened()).seal(jid, 'login', 'x'))
    }
    fs.writeFileSync(file, randomBytes(32))
    const other = await opened()
    await expect(renewSeals(file, other, store.sealed)).rejects.toThrow(
      `${file} is not the key that 5 passwords of a@capulet.example, b@capulet.example, c@capulet.example … were sealed with: put back`,
    )
  })
})

test('a new key in front of the old one takes everything over, and the old one may go', async () => {
  await keepsPassword()
  const newer = randomBytes(32)
  fs.writeFileSync(file, Buffer.concat([newer, fs.readFileSync(file)]))
  const both = await opened()
  expect(await renewSeals(file, both, store.sealed)).toBe(1)
  expect(await renewSeals(file, both, store.sealed)).toBe(0)
  fs.writeFileSync(file, newer)
  const alone = await opened()
  expect(await renewSeals(file, alone, store.sealed)).toBe(0)
  const sealed = store.sealed.find(juliet, 'login')
  expect(sealed && alone.open(juliet, 'login', sealed)).toBe('wherefore')
})
