import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Keyring, UnsealError } from '../../../src/account/secrets/keyring.ts'
import { RecoverablePasswords } from '../../../src/account/secrets/recoverable.ts'
import { Jid } from '../../../src/address/jid.ts'
import { MemoryStore } from '../../../src/store/memory.ts'
import { credentials } from '../../contract/store.ts'

const juliet = Jid.parse('juliet@capulet.example')
const romeo = Jid.parse('romeo@montague.example')
const keyring = new Keyring([randomBytes(32)])

describe('a sealed password', () => {
  for (const password of ['wherefore', '', 'Ρωμαίος 🌹 \0', 'x'.repeat(5_000)])
    test(`comes back as it was: ${JSON.stringify(password.slice(0, 20))}`, () => {
      const sealed = keyring.seal(juliet, 'pbx', password)
      expect(keyring.open(juliet, 'pbx', sealed)).toBe(password)
      expect(keyring.open(juliet.withResource('balcony'), 'pbx', sealed)).toBe(password)
      if (password.length > 1) expect(Buffer.concat([sealed.nonce, sealed.box]).includes(Buffer.from(password))).toBe(false)
    })

  test('looks different each time', () => {
    const [a, b] = [keyring.seal(juliet, 'pbx', 'same'), keyring.seal(juliet, 'pbx', 'same')]
    expect(a.nonce.equals(b.nonce)).toBe(false)
    expect(a.box.equals(b.box)).toBe(false)
    expect(a.keyId).toBe(b.keyId)
  })

  test('is no good for another account, nor for another use', () => {
    const sealed = keyring.seal(juliet, 'pbx', 'wherefore')
    expect(() => keyring.open(romeo, 'pbx', sealed)).toThrow(UnsealError)
    expect(() => keyring.open(juliet, 'login', sealed)).toThrow(UnsealError)
  })

  test('that somebody changed is not opened', () => {
    const { keyId, nonce, box } = keyring.seal(juliet, 'pbx', 'wherefore')
    for (let at = 0; at < box.length; at++) {
      const changed = Buffer.from(box)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(() => keyring.open(juliet, 'pbx', { keyId, nonce, box: changed })).toThrow(UnsealError)
    }
    for (const cut of [Buffer.alloc(0), box.subarray(0, 15), box.subarray(0, -1)])
      expect(() => keyring.open(juliet, 'pbx', { keyId, nonce, box: cut })).toThrow(UnsealError)
    expect(() => keyring.open(juliet, 'pbx', { keyId, nonce: Buffer.alloc(0), box })).toThrow(UnsealError)
  })

  test('needs its own key, which may be an older one', () => {
    const [older, newer] = [randomBytes(32), randomBytes(32)]
    const sealed = new Keyring([older]).seal(juliet, 'pbx', 'wherefore')
    expect(() => new Keyring([newer]).open(juliet, 'pbx', sealed)).toThrow(UnsealError)
    const both = new Keyring([newer, older])
    expect(both.open(juliet, 'pbx', sealed)).toBe('wherefore')
    expect(both.keyId).toBe(new Keyring([newer]).keyId)
  })
})

test('the PBX is shown its own password, else the account’s', async () => {
  const store = new MemoryStore()
  const passwords = new RecoverablePasswords(store.sealed, keyring)
  expect(await passwords.forPbx(juliet)).toBeUndefined()
  store.accounts.add(juliet, credentials(1), keyring.seal(juliet, 'login', 'of the account'))
  expect(await passwords.forPbx(juliet)).toBe('of the account')
  store.sealed.set(juliet, 'pbx', keyring.seal(juliet, 'pbx', 'of the extension'))
  expect(await passwords.forPbx(juliet)).toBe('of the extension')
  expect(await passwords.find(juliet, 'login')).toBe('of the account')
})
