import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { verifyPassword } from '../../src/account/credentials.ts'
import { openKeyring } from '../../src/account/secrets/key-file.ts'
import { RecoverablePasswords } from '../../src/account/secrets/recoverable.ts'
import { Jid } from '../../src/address/jid.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { TestWorld } from './world.ts'

const JULIET = 'juliet@capulet.example'
const jid = Jid.parse(JULIET)
let directory: string
let world: TestWorld

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'stoxgate-pbx-'))
  configure('stored')
})
afterEach(() => {
  fs.rmSync(directory, { recursive: true })
})

function configure(credentials: string): void {
  const domain = `{ name: capulet.example, scramRounds: 5000, pbx: { uri: "sip:192.0.2.20", credentials: ${credentials} } }`
  fs.writeFileSync(path.join(directory, 'x.yaml'), `domains: [ ${domain} ]\nstore: { sqlite: ${directory}/stoxgate.db }\n`)
}

async function account(command: string, password: string): Promise<number> {
  world = new TestWorld()
  world.stdin.end(`${password}\n`)
  return world.run('account', command, JULIET, '--password', '-', '-c', path.join(directory, 'x.yaml'))
}

/** The passwords that can be read again, and whether this one logs in. */
async function kept(password: string) {
  const store = openSqlite(path.join(directory, 'stoxgate.db'))
  try {
    const passwords = new RecoverablePasswords(store.sealed, await openKeyring(path.join(directory, 'secrets.key'), store.sealed))
    const found = await store.accounts.find(jid)
    return {
      login: await passwords.find(jid, 'login'),
      pbx: await passwords.find(jid, 'pbx'),
      logsIn: found && (await verifyPassword(found.credentials, password)),
    }
  } finally {
    await store.close()
  }
}

test('the password of an account is what its PBX is shown, until the PBX has one of its own', async () => {
  expect(await account('add', 'first')).toBe(0)
  expect(await kept('first')).toEqual({ login: 'first', pbx: undefined, logsIn: true })
  expect(await account('passwd', 'second')).toBe(0)
  expect(await kept('second')).toEqual({ login: 'second', pbx: undefined, logsIn: true })

  expect(await account('pbx-password', 'of the extension')).toBe(0)
  expect(world.stdout.text).toBe(`${JULIET} has a new password at its PBX\n`)
  // What nobody needs any more is not kept.
  expect(await kept('second')).toEqual({ login: undefined, pbx: 'of the extension', logsIn: true })
  expect(await account('passwd', 'third')).toBe(0)
  expect(await kept('third')).toEqual({ login: undefined, pbx: 'of the extension', logsIn: true })
  expect(fs.readFileSync(path.join(directory, 'stoxgate.db')).includes('of the extension')).toBe(false)
})

test('where CRAM-MD5 computes with the password it stays, whatever the PBX is shown', async () => {
  configure('stored, register: true }, mechanisms: [CRAM-MD5, DIGEST-MD5, PLAIN], x: { y: 1')
  const file = path.join(directory, 'x.yaml')
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(', x: { y: 1 }', ''))
  await account('add', 'first')
  await account('pbx-password', 'of the extension')
  expect(await kept('first')).toEqual({ login: 'first', pbx: 'of the extension', logsIn: true })
  await account('passwd', 'second')
  expect(await kept('second')).toEqual({ login: 'second', pbx: 'of the extension', logsIn: true })
})

test('nobody has a password at a PBX who has no account', async () => {
  expect(await account('pbx-password', 'x')).toBe(1)
  expect(world.stderr.text).toMatch(/^there is no account juliet@capulet\.example in /)
})

test('a domain that stores none takes none', async () => {
  configure('login')
  expect(await account('pbx-password', 'x')).toBe(1)
  expect(world.stderr.text).toContain('the domain capulet.example stores no passwords for a PBX')
})

test('a key that others may read is not used', async () => {
  await account('add', 'first')
  fs.chmodSync(path.join(directory, 'secrets.key'), 0o644)
  expect(await account('passwd', 'second')).toBe(1)
  expect(world.stderr.text).toMatch(/^\S*secrets\.key can be read or written by others than its owner \(mode 644\): chmod 600 /)
  fs.chmodSync(path.join(directory, 'secrets.key'), 0o600)
  expect(await kept('first')).toMatchObject({ login: 'first', logsIn: true })
})
