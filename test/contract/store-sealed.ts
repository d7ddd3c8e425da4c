/** Sealed passwords, as every store keeps them: a part of the suite in store.ts. */
import { beforeEach, describe, expect, test } from 'vitest'
import { Jid } from '../../src/address/jid.ts'
import type { Sealed, Store } from '../../src/store/port.ts'
import { credentials } from './store.ts'

const juliet = Jid.parse('juliet@capulet.example')
const romeo = Jid.parse('romeo@montague.example')

export function sealedContract(opened: () => Store): void {
  describe('sealed passwords', () => {
    let store: Store
    beforeEach(async () => {
      store = opened()
      await store.accounts.add(juliet, credentials(1), sealed(1))
    })

    test('a password comes with its account, byte for byte, and for a device of it', async () => {
      expect(await store.sealed.find(juliet, 'login')).toEqual(sealed(1))
      expect(await store.sealed.find(juliet.withResource('balcony'), 'login')).toEqual(sealed(1))
      expect(await store.sealed.find(juliet, 'pbx')).toBeUndefined()
      expect(await store.sealed.find(romeo, 'login')).toBeUndefined()
    })

    test('an account that is there already keeps its own', async () => {
      expect(await store.accounts.add(juliet, credentials(2), sealed(2))).toBe(false)
      expect(await store.sealed.find(juliet, 'login')).toEqual(sealed(1))
    })

    test('a new password replaces the account’s own, and leaves none of an old one behind', async () => {
      await store.sealed.set(juliet, 'pbx', sealed(3))
      await store.accounts.setCredentials(juliet, credentials(2), sealed(2))
      expect(await store.sealed.find(juliet, 'login')).toEqual(sealed(2))
      await store.accounts.setCredentials(juliet, credentials(2))
      expect(await store.sealed.find(juliet, 'login')).toBeUndefined()
      expect(await store.sealed.find(juliet, 'pbx')).toEqual(sealed(3))
    })

    test('another use has a password of its own', async () => {
      expect(await store.sealed.set(juliet, 'pbx', sealed(2))).toBe(true)
      expect(await store.sealed.set(juliet, 'pbx', sealed(3))).toBe(true)
      expect(await store.sealed.find(juliet, 'pbx')).toEqual(sealed(3))
      expect(await store.sealed.find(juliet, 'login')).toEqual(sealed(1))
    })

    test('one that is removed is gone, and the other stays', async () => {
      await store.sealed.set(juliet, 'pbx', sealed(2))
      expect(await store.sealed.remove(juliet, 'login')).toBe(true)
      expect(await store.sealed.remove(juliet, 'login')).toBe(false)
      expect(await store.sealed.remove(romeo, 'pbx')).toBe(false)
      expect(await store.sealed.find(juliet, 'login')).toBeUndefined()
      expect(await store.sealed.find(juliet, 'pbx')).toEqual(sealed(2))
    })

    test('a domain that keeps none any more loses all of that use, and no other domain does', async () => {
      await store.accounts.add(romeo, credentials(2), sealed(2))
      await store.sealed.set(juliet, 'pbx', sealed(3))
      expect(await store.sealed.removeAll('capulet.example', 'login')).toBe(1)
      expect(await store.sealed.removeAll('capulet.example', 'login')).toBe(0)
      expect(await store.sealed.find(juliet, 'login')).toBeUndefined()
      expect(await store.sealed.find(juliet, 'pbx')).toEqual(sealed(3))
      expect(await store.sealed.find(romeo, 'login')).toEqual(sealed(2))
    })

    test('nobody has one who has no account', async () => {
      expect(await store.sealed.set(romeo, 'pbx', sealed(1))).toBe(false)
      expect(await store.accounts.setCredentials(romeo, credentials(1), sealed(1))).toBe(false)
      expect(await store.sealed.find(romeo, 'pbx')).toBeUndefined()
    })

    test('who gets a removed account’s name does not get its passwords', async () => {
      await store.sealed.set(juliet, 'pbx', sealed(2))
      await store.accounts.remove(juliet)
      await store.accounts.add(juliet, credentials(1))
      expect(await store.sealed.find(juliet, 'login')).toBeUndefined()
      expect(await store.sealed.find(juliet, 'pbx')).toBeUndefined()
    })

    test('those of other keys are found, in order, and sealed anew', async () => {
      await store.accounts.add(romeo, credentials(1), sealed(4, 'new'))
      await store.sealed.set(juliet, 'pbx', sealed(2))
      const others = await store.sealed.withOtherKeys('new')
      expect(others.map(({ jid, use }) => `${jid} ${use}`)).toEqual(['juliet@capulet.example login', 'juliet@capulet.example pbx'])
      for (const record of others) expect(await store.sealed.reseal(record, sealed(5, 'new'))).toBe(true)
      expect(await store.sealed.find(juliet, 'pbx')).toEqual(sealed(5, 'new'))
      expect(await store.sealed.find(romeo, 'login')).toEqual(sealed(4, 'new'))
      expect(await store.sealed.withOtherKeys('new')).toEqual([])
    })

    test('a password that was replaced meanwhile is not put back', async () => {
      const [record] = await store.sealed.withOtherKeys('new')
      if (!record) throw new Error('none was found')
      await store.accounts.setCredentials(juliet, credentials(2), sealed(2))
      expect(await store.sealed.reseal(record, sealed(1, 'new'))).toBe(false)
      expect(await store.sealed.find(juliet, 'login')).toEqual(sealed(2))
    })
  })
}

function sealed(number: number, keyId = 'old'): Sealed {
  const bytes = (length: number, step: number) => Buffer.from(Array.from({ length }, (_, i) => (number + i * step) % 256))
  return { keyId, nonce: bytes(12, 7), box: bytes(200, 37) }
}
