/** Presence of an account's devices, and what waits for what where the store takes its time. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Directed } from '../../src/account/directed.ts'
import { Rosters } from '../../src/account/rosters.ts'
import { Sessions } from '../../src/account/sessions.ts'
import { Turns } from '../../src/account/turns.ts'
import { Jid } from '../../src/address/jid.ts'
import { StanzaError } from '../../src/stanza/error.ts'
import { MemoryStore } from '../../src/store/memory.ts'
import type { Store, StoredContact } from '../../src/store/port.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { el } from '../../src/xml/element.ts'
import { write } from '../../src/xml/write.ts'
import { NS_CLIENT } from '../support/client.ts'
import { type Household, household, presence } from '../support/household.ts'

const JULIET = Jid.parse('juliet@xmpp.example')
const ROMEO = Jid.parse('romeo@xmpp.example')
const AVAILABLE = el('presence', NS_CLIENT)

const contact = (jid: Jid, subscription: StoredContact['subscription']): StoredContact => ({
  ...{ jid, subscription, name: undefined, groups: [], pendingOut: false, approved: false, pendingIn: undefined, listed: true },
})

const told = ({ sent }: Household) => sent.splice(0).map(({ type, from, to }) => `${type} ${from} ${to}`)

for (const [name, open] of [
  ['memory', (_directory: string): Store => new MemoryStore()],
  ['SQLite', (directory: string): Store => openSqlite(path.join(directory, 'stoxgate.db'))],
] as const)
  describe(`a store in ${name}`, () => {
    let directory: string
    let store: Store
    let house: Household
    beforeEach(async () => {
      directory = fs.mkdtempSync(path.join(os.tmpdir(), 'stoxgate-presences-'))
      store = open(directory)
      house = household(store)
      await store.rosters.put(JULIET, contact(ROMEO, 'both'), 1)
    })
    afterEach(async () => {
      await store.close()
      fs.rmSync(directory, { recursive: true })
    })

    test('a telephone is a device: contacts see it come, change and go, and it answers probes', async () => {
      const balcony = house.session('juliet@xmpp.example/balcony', { presence: AVAILABLE })
      await house.presences.setDevice(JULIET, 'urn:uuid:1', AVAILABLE)
      expect(told(house)).toEqual(['available juliet@xmpp.example/urn:uuid:1 romeo@xmpp.example'])
      expect(balcony.got.map((xml) => xml.attr('from'))).toEqual(['juliet@xmpp.example/urn:uuid:1'])
      expect(house.arrived.map(({ from, to }) => `${from} ${to}`)).toEqual(['juliet@xmpp.example/urn:uuid:1 juliet@xmpp.example'])

      await house.presences.setDevice(
        JULIET,
        'urn:uuid:1',
        el('presence', NS_CLIENT, { from: 'x@y', to: 'z@y' }, el('show', NS_CLIENT, {}, 'dnd')),
      )
      expect(house.sent.splice(0).map(({ xml }) => xml.child('show')?.text())).toEqual(['dnd'])
      expect(house.presences.presencesOf(JULIET).map((xml) => [xml.attr('from'), xml.child('show')?.text()])).toEqual([
        ['juliet@xmpp.example/balcony', undefined],
        ['juliet@xmpp.example/urn:uuid:1', 'dnd'],
      ])
      await house.presences.probed(presence('probe', 'romeo@xmpp.example', 'juliet@xmpp.example'))
      expect(told(house)).toEqual([
        'available juliet@xmpp.example/balcony romeo@xmpp.example',
        'available juliet@xmpp.example/urn:uuid:1 romeo@xmpp.example',
      ])
      await house.presences.probed(presence('probe', 'romeo@xmpp.example', 'juliet@xmpp.example/urn:uuid:1'))
      expect(told(house)).toEqual(['available juliet@xmpp.example/urn:uuid:1 romeo@xmpp.example'])

      await house.presences.setDevice(JULIET, 'urn:uuid:1', undefined)
      await house.presences.setDevice(JULIET, 'urn:uuid:1', undefined)
      expect(told(house)).toEqual(['unavailable juliet@xmpp.example/urn:uuid:1 romeo@xmpp.example'])
      expect(house.presences.presencesOf(JULIET)).toHaveLength(1)
    })

    test('what an account says in one breath is told in that order', async () => {
      const balcony = house.session('juliet@xmpp.example/balcony', { isInterested: true })
      balcony.presence = AVAILABLE
      const nurse = Jid.parse('nurse@xmpp.example')
      await Promise.all([
        house.subscribing.outbound(JULIET, nurse, 'subscribe'),
        house.presences.available(balcony, AVAILABLE, false),
        house.subscribing.outbound(JULIET, ROMEO, 'unsubscribed'),
        house.presences.available(balcony, AVAILABLE, false),
        house.subscribing.outbound(JULIET, nurse, 'unsubscribe'),
      ])
      expect(told(house)).toEqual([
        'subscribe juliet@xmpp.example nurse@xmpp.example',
        'available juliet@xmpp.example/balcony romeo@xmpp.example',
        'unavailable juliet@xmpp.example/balcony romeo@xmpp.example',
        'unsubscribed juliet@xmpp.example romeo@xmpp.example',
        'unsubscribe juliet@xmpp.example nurse@xmpp.example',
      ])
      const pushed = balcony.got.flatMap((xml) => xml.child('query', 'jabber:iq:roster')?.elements() ?? [])
      expect(pushed.map((item) => [item.attr('jid'), item.attr('subscription'), item.attr('ask')])).toEqual([
        ['nurse@xmpp.example', 'none', 'subscribe'],
        ['romeo@xmpp.example', 'to', undefined],
        ['nurse@xmpp.example', 'none', undefined],
      ])
    })

    test('a request is whole again after a restart, and answered once', async () => {
      const nick = el('nick', 'http://jabber.org/protocol/nick', {}, 'Paris & Co')
      await house.subscribing.inbound(presence('subscribe', 'paris@elsewhere.example', 'juliet@xmpp.example', nick), 'subscribe')
      await house.subscribing.inbound(presence('subscribe', 'paris@elsewhere.example/device', 'juliet@xmpp.example/x'), 'subscribe')
      const again = household(store)
      const balcony = again.session('juliet@xmpp.example/balcony', { presence: AVAILABLE })
      await again.presences.available(balcony, AVAILABLE, true)
      const requests = balcony.got.filter((xml) => xml.attr('type') === 'subscribe')
      expect(requests.map((xml) => write(xml, NS_CLIENT))).toEqual([
        "<presence from='paris@elsewhere.example' to='juliet@xmpp.example' type='subscribe'><nick xmlns='http://jabber.org/protocol/nick'>Paris &amp; Co</nick></presence>",
      ])
      await again.subscribing.outbound(JULIET, Jid.parse('paris@elsewhere.example'), 'subscribed')
      expect(await again.subscribing.stateOf(JULIET, Jid.parse('paris@elsewhere.example'))).toBe('From')
      expect(await again.subscribing.mayView(JULIET, Jid.parse('paris@elsewhere.example/x'))).toBe(true)
      expect(await again.subscribing.isSubscribed(JULIET, Jid.parse('paris@elsewhere.example'))).toBe(false)
    })
  })

describe('strangers', () => {
  test('who ask are at most a thousand, and say no more than fits on a page', async () => {
    const house = household()
    const from = (n: number) => `p${n}@elsewhere.example`
    const ask = (who: string, text = '') =>
      house.subscribing.inbound(presence('subscribe', who, 'juliet@xmpp.example', el('status', NS_CLIENT, {}, text)), 'subscribe')
    expect(() => ask(from(0), 'x'.repeat(20_000))).toThrow(StanzaError)
    for (let n = 0; n < 1_000; n++) await ask(from(n))
    expect(() => ask(from(1_000))).toThrow('Too many requests wait')
    expect((await house.rosters.of(JULIET)).size).toBe(1_000)
    // Whoever takes it back makes room.
    await house.subscribing.inbound(presence('unsubscribe', from(3), 'juliet@xmpp.example'), 'unsubscribe')
    await ask(from(1_000))
    expect((await house.store.rosters.load(JULIET)).contacts).toHaveLength(1_000)
  })
})

describe('directed presence', () => {
  test('goes to at most so many addresses of one session', () => {
    const house = household()
    const session = house.session('juliet@xmpp.example/balcony')
    const directed = new Directed(2)
    directed.add(session, ROMEO)
    directed.add(session, ROMEO)
    directed.add(session, Jid.parse('nurse@xmpp.example'))
    expect(() => directed.add(session, JULIET)).toThrow(StanzaError)
    directed.remove(session, ROMEO)
    directed.add(session, JULIET)
    expect(directed.takeAll(session).map(String)).toEqual(['nurse@xmpp.example', 'juliet@xmpp.example'])
    expect(directed.takeAll(session)).toEqual([])
  })
})

describe('rosters in memory', () => {
  test('are loaded once, and those of accounts that are not there make room for others', async () => {
    const store = new MemoryStore()
    const loaded: string[] = []
    const load = (jid: Jid) => {
      loaded.push(jid.toString())
      return store.rosters.load(jid)
    }
    const counting = { ...bound(store), load }
    const house = household()
    const rosters = new Rosters(counting, house.sessions, { now: () => 0, idleContacts: 3 })
    house.session('juliet@xmpp.example/balcony')
    const all = ['juliet', 'romeo', 'nurse', 'tybalt', 'paris'].map((local) => Jid.parse(`${local}@xmpp.example`))
    for (const jid of all) await rosters.of(jid)
    for (const jid of all) await rosters.of(jid)
    expect(loaded.filter((jid) => jid.startsWith('juliet'))).toHaveLength(1)
    expect(loaded.filter((jid) => jid.startsWith('romeo')).length).toBeGreaterThan(1)
    rosters.forget(JULIET)
    await rosters.of(JULIET)
    expect(loaded.filter((jid) => jid.startsWith('juliet'))).toHaveLength(2)
  })
})

describe('turns', () => {
  test('of one account follow each other, of two do not wait', async () => {
    const turns = new Turns()
    const told: string[] = []
    let go = (): void => {}
    const first = turns.run('a', () => new Promise<void>((resolve) => (go = resolve)).then(() => void told.push('first')))
    const second = turns.run('a', () => void told.push('second'))
    turns.run('b', () => void told.push('other'))
    expect(told).toEqual(['other'])
    go()
    await Promise.all([first, second])
    expect(told).toEqual(['other', 'first', 'second'])
    // Nothing is held any more: what is there at once is done at once.
    expect(turns.run('a', () => 7)).toBe(7)
  })

  test('that end badly let the next one begin', async () => {
    const turns = new Turns()
    const bad = turns.run('a', () => Promise.reject(new Error('the disk is full')))
    const thrown = turns.run('a', () => {
      throw new Error('and so am I')
    })
    const good = turns.run('a', () => 1)
    await expect(bad).rejects.toThrow('full')
    await expect(thrown).rejects.toThrow('so am I')
    expect(await good).toBe(1)
    expect(() =>
      turns.run('a', () => {
        throw new Error('at once')
      }),
    ).toThrow('at once')
    expect(turns.run('a', () => 2)).toBe(2)
  })

  test('within a turn wait for its end', async () => {
    const turns = new Turns()
    const told: string[] = []
    const inner: unknown[] = []
    turns.run('a', () => {
      inner.push(turns.run('a', () => void told.push('inner')))
      told.push('outer')
    })
    await Promise.all(inner)
    expect(told).toEqual(['outer', 'inner'])
  })
})

function bound({ rosters }: MemoryStore) {
  return { put: rosters.put.bind(rosters), remove: rosters.remove.bind(rosters) }
}

test('a hundred thousand contacts take no more than a few hundred bytes each', async () => {
  const sessions = new Sessions()
  const store = new MemoryStore()
  for (let n = 0; n < 1_000; n++) {
    const account = Jid.parse(`u${n}@xmpp.example`)
    for (let m = 0; m < 100; m++) store.rosters.put(account, contact(Jid.parse(`u${m}@xmpp.example`), 'both'), m + 1)
  }
  const rosters = new Rosters(store.rosters, sessions, { now: () => 0 })
  const before = process.memoryUsage().heapUsed
  for (let n = 0; n < 1_000; n++) await rosters.of(Jid.parse(`u${n}@xmpp.example`))
  expect((process.memoryUsage().heapUsed - before) / 100_000).toBeLessThan(600)
})
