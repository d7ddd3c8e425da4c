/** What every store does, whatever keeps it. Each of them runs this suite. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Jid } from '../../src/address/jid.ts'
import { uriFor } from '../../src/mapping/address.ts'
import type { Credentials, Store, StoredBinding } from '../../src/store/port.ts'
import { presenceContract } from './store-presence.ts'
import { sealedContract } from './store-sealed.ts'

export function storeContract(name: string, open: () => Store | Promise<Store>): void {
  describe(name, () => {
    let store: Store
    beforeEach(async () => {
      store = await open()
    })
    afterEach(async () => {
      await store.close()
    })

    const juliet = Jid.parse('juliet@capulet.example')

    describe('accounts', () => {
      test('an account that was added is found with all that was given', async () => {
        const before = Date.now()
        expect(await store.accounts.add(juliet, credentials(1))).toBe(true)
        const account = await store.accounts.find(juliet)
        expect(account?.jid.toString()).toBe('juliet@capulet.example')
        expect(account?.credentials).toEqual(credentials(1))
        expect(account?.createdAt.getTime()).toBeGreaterThanOrEqual(before)
        expect(await store.accounts.exists(juliet)).toBe(true)
      })

      test('an account without telephones comes back without hashes for them', async () => {
        const { scram } = credentials(1)
        await store.accounts.add(juliet, { scram })
        expect((await store.accounts.find(juliet))?.credentials).toStrictEqual({ scram })
      })

      test('keys that are younger than the account come and go with its password', async () => {
        const { scram } = credentials(1)
        const more = { scram: { ...scram, 'SHA-512': scram['SHA-256'] }, digestMd5: Buffer.alloc(16, 5) }
        await store.accounts.add(juliet, more)
        expect((await store.accounts.find(juliet))?.credentials).toStrictEqual(more)
        await store.accounts.setCredentials(juliet, { scram })
        expect((await store.accounts.find(juliet))?.credentials).toStrictEqual({ scram })
      })

      test('a name nobody has is not found', async () => {
        await store.accounts.add(juliet, credentials(1))
        for (const jid of ['romeo@capulet.example', 'juliet@montague.example', 'capulet.example', 'juliet2@capulet.example']) {
          expect(await store.accounts.find(Jid.parse(jid))).toBeUndefined()
          expect(await store.accounts.exists(Jid.parse(jid))).toBe(false)
        }
      })

      test('a device asks for the account it belongs to', async () => {
        await store.accounts.add(Jid.parse('juliet@capulet.example/garden'), credentials(1))
        const account = await store.accounts.find(Jid.parse('juliet@capulet.example/balcony'))
        expect(account?.jid.toString()).toBe('juliet@capulet.example')
        expect(await store.accounts.exists(Jid.parse('juliet@capulet.example/balcony'))).toBe(true)
        expect((await store.accounts.list()).map(String)).toEqual(['juliet@capulet.example'])
      })

      test('adding an account that is there changes nothing', async () => {
        await store.accounts.add(juliet, credentials(1))
        expect(await store.accounts.add(juliet, credentials(2))).toBe(false)
        expect((await store.accounts.find(juliet))?.credentials).toEqual(credentials(1))
      })

      test('of many who add the same account at once, one does', async () => {
        const added = await Promise.all(Array.from({ length: 20 }, async (_, i) => store.accounts.add(juliet, credentials(i))))
        expect(added.filter(Boolean)).toHaveLength(1)
        expect((await store.accounts.find(juliet))?.credentials).toEqual(credentials(added.indexOf(true)))
      })

      test('a new password replaces everything made from the old one', async () => {
        await store.accounts.add(juliet, credentials(1))
        const { createdAt } = (await store.accounts.find(juliet)) ?? {}
        expect(await store.accounts.setCredentials(juliet, credentials(2))).toBe(true)
        expect(await store.accounts.find(juliet)).toMatchObject({ credentials: credentials(2), createdAt })
      })

      test('a new password in a domain that gave up telephones leaves the old hashes to nobody', async () => {
        await store.accounts.add(juliet, credentials(1))
        await store.accounts.setCredentials(juliet, { scram: credentials(2).scram })
        expect((await store.accounts.find(juliet))?.credentials).toStrictEqual({ scram: credentials(2).scram })
      })

      test('a password for a name nobody has makes no account', async () => {
        expect(await store.accounts.setCredentials(juliet, credentials(1))).toBe(false)
        expect(await store.accounts.exists(juliet)).toBe(false)
      })

      test('an account that was removed is gone, and its name is free', async () => {
        await store.accounts.add(juliet, credentials(1))
        expect(await store.accounts.remove(juliet)).toBe(true)
        expect(await store.accounts.find(juliet)).toBeUndefined()
        expect(await store.accounts.remove(juliet)).toBe(false)
        expect(await store.accounts.add(juliet, credentials(2))).toBe(true)
      })

      test('accounts are listed by domain, in the order of their addresses', async () => {
        // U+FA0E comes before U+20BB7, although its UTF-16 does not.
        for (const jid of [
          'zoe@b.example',
          'romeo@a.example',
          '𠮷@a.example',
          '﨎@a.example',
          'äbc@a.example',
          'romeo2@a.example',
          'a@b.example',
        ])
          await store.accounts.add(Jid.parse(jid), credentials(1))
        const ofA = ['romeo@a.example', 'romeo2@a.example', 'äbc@a.example', '﨎@a.example', '𠮷@a.example']
        expect((await store.accounts.list('a.example')).map(String)).toEqual(ofA)
        expect((await store.accounts.list()).map(String)).toEqual([...ofA, 'a@b.example', 'zoe@b.example'])
        expect(await store.accounts.list('c.example')).toEqual([])
      })

      for (const odd of [
        'm\\26m@xmpp.example',
        'your\\40jid.example@xmpp.example',
        'a\\5c40b@xmpp.example',
        'o\\27malley-or-1=1;--@xmpp.example',
        'ρωμαίος@bücher.example',
        'ジュリエット@例え.example',
        '_.-+%!@xmpp.example',
        'x@[::1]',
        'x@127.0.0.1',
        `${'l'.repeat(1_000)}@xmpp.example`,
        'null@xmpp.example',
        '__proto__@xmpp.example',
        'constructor@xmpp.example',
      ])
        test(`${odd.slice(0, 40)} is an account like any other`, async () => {
          const jid = Jid.parse(odd)
          expect(await store.accounts.exists(jid)).toBe(false)
          expect(await store.accounts.add(jid, credentials(3))).toBe(true)
          expect((await store.accounts.find(jid))?.credentials).toEqual(credentials(3))
          expect((await store.accounts.list(jid.domain)).map(String)).toEqual([jid.toString()])
          expect(await store.accounts.remove(jid)).toBe(true)
        })

      test('names that only look alike are different accounts', async () => {
        await store.accounts.add(Jid.parse('scorpio@xmpp.example'), credentials(1))
        expect(await store.accounts.exists(Jid.parse('scоrpio@xmpp.example'))).toBe(false)
        expect(await store.accounts.exists(Jid.parse('Scorpio@XMPP.example'))).toBe(true)
      })

      test('a domain is no account', async () => {
        await expect(async () => store.accounts.add(Jid.parse('capulet.example'), credentials(1))).rejects.toThrow(TypeError)
        expect(await store.accounts.setCredentials(Jid.parse('capulet.example'), credentials(1))).toBe(false)
        expect(await store.accounts.remove(Jid.parse('capulet.example'))).toBe(false)
      })
    })

    describe('telephones', () => {
      const aor = uriFor(juliet).aor
      const desk = binding(aor, 'sip:juliet@192.0.2.1:5060', 2_000)
      const mobile = binding(aor, 'sip:juliet@192.0.2.2;transport=tcp', 3_000)
      const other = binding('romeo@montague.example', 'sip:romeo@192.0.2.3', 2_500)

      test('what was registered is there after a restart, in its order, byte for byte', async () => {
        await store.bindings.replace(aor, [mobile, desk])
        await store.bindings.replace(other.aor, [other])
        const loaded = await store.bindings.load(1_000)
        expect(loaded.filter((one) => one.aor === aor)).toEqual([mobile, desk])
        expect(loaded.filter((one) => one.aor === other.aor)).toEqual([other])
        expect(loaded).toHaveLength(3)
      })

      test('registering again replaces all telephones of that address and no other', async () => {
        await store.bindings.replace(aor, [mobile, desk])
        await store.bindings.replace(other.aor, [other])
        await store.bindings.replace(aor, [desk])
        expect((await store.bindings.load(1_000)).filter((one) => one.aor === aor)).toEqual([desk])
        await store.bindings.replace(aor, [])
        expect(await store.bindings.load(1_000)).toEqual([other])
      })

      test('what has expired is not loaded, and forgotten', async () => {
        await store.bindings.replace(aor, [desk, mobile])
        expect(await store.bindings.load(2_000)).toEqual([mobile])
        expect(await store.bindings.load(0)).toEqual([mobile])
      })

      test('two contacts that read the same are kept both, because the registrar says so', async () => {
        await store.bindings.replace(aor, [desk, { ...desk, data: 'another instance' }])
        expect(await store.bindings.load(0)).toHaveLength(2)
      })

      test('who gets a removed account’s name does not get its telephones', async () => {
        for (const jid of ['juliet@capulet.example', 'a\\40b@bücher.example', 'a\\5c40b@capulet.example']) {
          const account = Jid.parse(jid)
          await store.accounts.add(account, credentials(1))
          await store.bindings.replace(uriFor(account).aor, [binding(uriFor(account).aor, 'sip:x@192.0.2.1', 2_000)])
          await store.bindings.replace(other.aor, [other])
          await store.accounts.remove(account)
          expect(await store.bindings.load(0)).toEqual([other])
        }
      })

      test('removing a name nobody has leaves telephones alone', async () => {
        await store.bindings.replace(aor, [desk])
        await store.accounts.remove(juliet)
        expect(await store.bindings.load(0)).toEqual([desk])
      })

      test('many registrations at once are all kept', async () => {
        const all = Array.from({ length: 50 }, (_, i) =>
          binding(`user${String(i).padStart(2, '0')}@capulet.example`, `sip:user@192.0.2.${i}`, 2_000),
        )
        await Promise.all(all.map(async (one) => store.bindings.replace(one.aor, [one])))
        expect((await store.bindings.load(0)).toSorted((a, b) => (a.aor < b.aor ? -1 : 1))).toEqual(all)
      })
    })

    presenceContract(() => store)
    sealedContract(() => store)

    test('a secret is made once and is long', async () => {
      const [a, b] = await Promise.all([store.secret('a'), store.secret('a')])
      expect(a.length).toBe(32)
      expect(a.equals(b)).toBe(true)
      expect((await store.secret('a')).equals(a)).toBe(true)
      expect((await store.secret('b')).equals(a)).toBe(false)
    })
  })
}

/** Different for each number, and with every byte value in it. */
export function credentials(number: number): Credentials {
  const bytes = (length: number, from: number) => Buffer.from(Array.from({ length }, (_, i) => (from + number * 17 + i * 37) % 256))
  const keys = (length: number, from: number) => ({
    salt: bytes(16, from),
    iterations: 4_096 + number,
    storedKey: bytes(length, from + 1),
    serverKey: bytes(length, from + 2),
  })
  const hash = (of: string) => ({ local: `${of}-local-${number}`, full: `${of}-full-${number}` })
  return { scram: { 'SHA-1': keys(20, 3), 'SHA-256': keys(32, 5) }, sip: { MD5: hash('md5'), 'SHA-256': hash('sha256') } }
}

function binding(aor: string, contact: string, expiresAt: number): StoredBinding {
  return { aor, contact, expiresAt, data: JSON.stringify({ note: 'Ρωμαίος \0 \u2028 "', contact }) }
}
