/** What SIP users elsewhere and addresses of ours have allowed each other, and how much of it there may be. */
import { expect, test } from 'vitest'
import { Relations, TooManyRelations } from '../../src/account/relations.ts'
import { Jid } from '../../src/address/jid.ts'
import { SipUri } from '../../src/address/sip-uri.ts'
import { silent } from '../../src/log/log.ts'
import { MemoryStore } from '../../src/store/memory.ts'

const LIMITS = { perTelephone: 2, perXmpp: 2 }
const sip = (user: string) => SipUri.parse(`sip:${user}@pbx.example`)
const jid = (local: string) => Jid.parse(`${local}@xmpp.example`)
const asked = (user: string, local: string) =>
  ({ sip: sip(user), xmpp: jid(local), seesTelephone: 'none', seenByTelephone: 'asked' }) as const

const made = (store = new MemoryStore()) => new Relations(store.kept('relations'), silent, LIMITS)

test('one SIP user has no more than so many; one that ends makes room, one that changes needs none', async () => {
  const relations = made()
  await relations.set(asked('tybalt', 'juliet'))
  await relations.set(asked('tybalt', 'romeo'))
  expect(relations.hasRoom(sip('tybalt'), jid('nurse'))).toBe(false)
  await expect(relations.set(asked('tybalt', 'nurse'))).rejects.toThrow(TooManyRelations)
  await relations.set({ ...asked('tybalt', 'romeo'), seenByTelephone: 'granted' })
  await relations.set({ ...asked('tybalt', 'romeo'), seenByTelephone: 'none' })
  await relations.set(asked('tybalt', 'nurse'))
  expect(relations.between(sip('tybalt'), jid('nurse')).seenByTelephone).toBe('asked')
})

test('one address of ours has no more than so many, and a removed account leaves nothing behind', async () => {
  const relations = made()
  await relations.set(asked('tybalt', 'juliet'))
  await relations.set(asked('paris', 'juliet'))
  await expect(relations.set(asked('mercutio', 'juliet'))).rejects.toThrow(TooManyRelations)
  expect(relations.hasRoom(sip('mercutio'), jid('romeo'))).toBe(true)
  relations.forget(jid('juliet'))
  expect(relations.between(sip('tybalt'), jid('juliet')).seenByTelephone).toBe('none')
  await relations.set(asked('mercutio', 'juliet'))
})

test('all of it is there again after a restart', async () => {
  const store = new MemoryStore()
  await made(store).set({ ...asked('tybalt', 'juliet'), seesTelephone: 'granted' })
  const after = made(store)
  await after.restore(0)
  const { seesTelephone, seenByTelephone } = after.between(sip('tybalt'), jid('juliet'))
  expect([seesTelephone, seenByTelephone]).toEqual(['granted', 'asked'])
})
