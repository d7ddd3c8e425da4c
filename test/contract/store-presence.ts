/** Rosters and the records of rooms, as every store keeps them: a part of the suite in store.ts. */
import { describe, expect, test } from 'vitest'
import { Jid } from '../../src/address/jid.ts'
import { uriFor } from '../../src/mapping/address.ts'
import type { Store, StoredContact } from '../../src/store/port.ts'
import { el } from '../../src/xml/element.ts'
import { write } from '../../src/xml/write.ts'
import { credentials } from './store.ts'

const juliet = Jid.parse('juliet@capulet.example')
const nurse = Jid.parse('nurse@capulet.example')

export function presenceContract(store: () => Store): void {
  describe('rosters', () => {
    const romeo = contact('romeo@montague.example', {
      name: 'Ρωμαίος "the \' one"',
      groups: ['Friends', 'a, b', ''],
      subscription: 'to',
      pendingOut: false,
    })
    const tybalt = contact('tybalt@capulet.example', { approved: true, pendingOut: true })

    test('a contact comes back with all that was put', async () => {
      const { rosters } = store()
      expect(await rosters.load(juliet)).toEqual({ version: 0, contacts: [] })
      await rosters.put(juliet, romeo, 1)
      await rosters.put(juliet, tybalt, 2)
      expect(await rosters.load(juliet)).toEqual({ version: 2, contacts: [romeo, tybalt] })
      expect(await rosters.load(nurse)).toEqual({ version: 0, contacts: [] })
    })

    test('a request that waits for an answer is kept as it came', async () => {
      const { rosters } = store()
      const nick = el('nick', 'http://jabber.org/protocol/nick', {}, 'P & Q <3')
      const request = el(
        'presence',
        'jabber:client',
        { type: 'subscribe', from: 'paris@elsewhere.example' },
        el('status', 'jabber:client', {}, 'hi'),
        nick,
      )
      await rosters.put(juliet, contact('paris@elsewhere.example', { pendingIn: request, listed: false }), 0)
      const [paris] = (await rosters.load(juliet)).contacts
      expect(paris?.listed).toBe(false)
      expect(paris?.pendingIn && write(paris.pendingIn, '')).toBe(write(request, ''))
    })

    test('putting again replaces, removing leaves the others', async () => {
      const { rosters } = store()
      await rosters.put(juliet, romeo, 1)
      await rosters.put(juliet, tybalt, 2)
      await rosters.put(juliet, { ...romeo, subscription: 'both', groups: [] }, 3)
      await rosters.remove(juliet, tybalt.jid, 4)
      expect(await rosters.load(juliet)).toEqual({ version: 4, contacts: [{ ...romeo, subscription: 'both', groups: [] }] })
    })

    test('who gets a removed account’s name does not get its contacts', async () => {
      const { accounts, rosters } = store()
      await accounts.add(juliet, credentials(1))
      await rosters.put(juliet, romeo, 7)
      await rosters.put(nurse, romeo, 8)
      await accounts.remove(juliet)
      expect(await rosters.load(juliet)).toEqual({ version: 0, contacts: [] })
      expect((await rosters.load(nurse)).version).toBe(8)
    })
  })

  describe('what a room keeps', () => {
    const owner = uriFor(juliet).aor

    test('is there again, in the order of its keys, and no other room sees it', async () => {
      const kept = store().kept('dialogs')
      const lasting = { key: 'b', owner, expiresAt: undefined, data: '{"note":"Ρωμαίος \\u2028"}' }
      const ending = { key: 'a', owner, expiresAt: 2_000, data: 'x' }
      await kept.put(lasting)
      await kept.put(ending)
      expect(await store().kept('dialogs').load(1_000)).toEqual([ending, lasting])
      expect(await store().kept('elsewhere').load(1_000)).toEqual([])
      await kept.put({ ...ending, data: 'y' })
      expect(await kept.load(1_000)).toEqual([{ ...ending, data: 'y' }, lasting])
    })

    test('is forgotten when it has expired or was removed', async () => {
      const kept = store().kept('dialogs')
      await kept.put({ key: 'a', owner, expiresAt: 2_000, data: '' })
      await kept.put({ key: 'b', owner, expiresAt: undefined, data: '' })
      expect((await kept.load(2_000)).map(({ key }) => key)).toEqual(['b'])
      expect((await kept.load(0)).map(({ key }) => key)).toEqual(['b'])
      await kept.remove('b')
      expect(await kept.load(0)).toEqual([])
    })

    test('goes with the account it belongs to', async () => {
      const kept = store().kept('dialogs')
      await store().accounts.add(juliet, credentials(1))
      await kept.put({ key: 'a', owner, expiresAt: undefined, data: '' })
      await kept.put({ key: 'b', owner: uriFor(nurse).aor, expiresAt: undefined, data: '' })
      await store().accounts.remove(juliet)
      expect((await kept.load(0)).map(({ key }) => key)).toEqual(['b'])
    })
  })
}

function contact(jid: string, more: Partial<StoredContact>): StoredContact {
  return {
    jid: Jid.parse(jid),
    name: undefined,
    groups: [],
    subscription: 'none',
    pendingOut: false,
    approved: false,
    pendingIn: undefined,
    listed: true,
    ...more,
  }
}
