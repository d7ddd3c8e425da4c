/** The list of contacts, as clients fetch it, change it, and are told of changes (RFC 6121 §2). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Jid } from '../../src/address/jid.ts'
import { type Element, el } from '../../src/xml/element.ts'
import { type Client, NS_CLIENT } from '../support/client.ts'
import { online, query, rosterPush, rosterSet, settled } from '../support/friends.ts'
import { condition } from '../support/stanzas.ts'
import { type Town, town } from '../support/town.ts'

const NS = 'jabber:iq:roster'

let verona: Town
let juliet: Client
beforeEach(async () => {
  verona = await town()
  juliet = await verona.silentClient('juliet', 'balcony')
})
afterEach(() => verona.stop())

async function asked(client: Client, request: Element): Promise<Element> {
  client.send(request)
  const answers = (await settled(client)).filter((xml) => xml.attr('id') === request.attr('id'))
  expect(answers).toHaveLength(1)
  return answers[0] as Element
}

const items = (answer: Element) => answer.child('query', NS)?.elements()

describe('a list', () => {
  test('of nobody is a list too', async () => {
    const answer = await asked(juliet, query('get'))
    expect(answer.attr('type')).toBe('result')
    expect(items(answer)).toEqual([])
  })

  test('has what was put into it, with names in any script and the groups of each', async () => {
    await asked(juliet, rosterSet({ jid: 'Nurse@xmpp.example', name: "Αγγελική 'the' nurse" }, 'Servants', 'a, b & <c>'))
    await asked(juliet, rosterSet({ jid: 'sip.elsewhere.example', name: '' }))
    const answer = await asked(juliet, query('get'))
    expect(items(answer)).toEqual([
      el(
        'item',
        NS,
        { jid: 'nurse@xmpp.example', name: "Αγγελική 'the' nurse", subscription: 'none' },
        el('group', NS, {}, 'Servants'),
        el('group', NS, {}, 'a, b & <c>'),
      ),
      el('item', NS, { jid: 'sip.elsewhere.example', subscription: 'none' }),
    ])
  })

  test('takes a contact exactly as it is set the last time, and of its states nothing', async () => {
    await asked(juliet, rosterSet({ jid: 'nurse@xmpp.example', name: 'Nurse' }, 'Servants'))
    await asked(juliet, rosterSet({ jid: 'nurse@xmpp.example', subscription: 'both', ask: 'subscribe', approved: 'true' }))
    expect(items(await asked(juliet, query('get')))).toEqual([el('item', NS, { jid: 'nurse@xmpp.example', subscription: 'none' })])
  })

  test('shows nobody who has only asked to be on it (§3.1.3)', async () => {
    const romeo = await online(verona, 'romeo', 'orchard')
    romeo.send(el('presence', NS_CLIENT, { type: 'subscribe', to: 'juliet@xmpp.example' }))
    await settled(romeo)
    expect(items(await asked(juliet, query('get')))).toEqual([])
    // Nor is he there to be taken off.
    expect(condition(await asked(juliet, rosterSet({ jid: 'romeo@xmpp.example', subscription: 'remove' })))).toBe('item-not-found')
    // Put on it, he is, and still waits.
    await asked(juliet, rosterSet({ jid: 'romeo@xmpp.example' }))
    juliet.send(el('presence', NS_CLIENT))
    expect((await settled(juliet)).map((xml) => xml.attr('type'))).toContain('subscribe')
  })
})

describe('a version', () => {
  test('that the client has already is answered by nothing (§2.6.3)', async () => {
    const first = await asked(juliet, query('get', { ver: '' }))
    await asked(juliet, rosterSet({ jid: 'nurse@xmpp.example' }))
    const second = await asked(juliet, query('get', { ver: first.child('query', NS)?.attr('ver') ?? '' }))
    expect(items(second)).toHaveLength(1)
    const ver = second.child('query', NS)?.attr('ver') ?? ''
    const third = await asked(juliet, query('get', { ver }))
    expect(third.children).toEqual([])
    expect(items(await asked(juliet, query('get', { ver: 'of another server' })))).toHaveLength(1)
  })

  test('comes with every push, and never twice', async () => {
    const chamber = await online(verona, 'juliet', 'chamber')
    for (const name of ['one', 'two', 'two']) await asked(juliet, rosterSet({ jid: 'nurse@xmpp.example', name }))
    const versions = (await settled(chamber)).map((xml) => xml.child('query', NS)?.attr('ver'))
    expect(versions).toHaveLength(3)
    expect(new Set(versions).size).toBe(3)
    const now = (await asked(chamber, query('get'))).child('query', NS)?.attr('ver')
    expect(versions.at(-1)).toBe(now)
  })
})

describe('a push', () => {
  test('goes to those who have asked for the list, from nobody else than the account, and to no other (§2.1.6)', async () => {
    const chamber = await verona.silentClient('juliet', 'chamber')
    await asked(chamber, query('get'))
    await asked(juliet, rosterSet({ jid: 'nurse@xmpp.example', name: 'Nurse' }, 'Servants'))
    const push = await chamber.receive()
    expect([push.attr('type'), push.attr('from'), push.attr('to')]).toEqual(['set', undefined, 'juliet@xmpp.example/chamber'])
    expect(rosterPush(push)).toEqual({ jid: 'nurse@xmpp.example', name: 'Nurse', subscription: 'none' })
    expect(push.child('query', NS)?.child('item')?.child('group')?.text()).toBe('Servants')
    expect(await settled(juliet)).toEqual([])
    // What a client says to it is nobody's business.
    chamber.send(el('iq', NS_CLIENT, { type: 'result', id: push.attr('id') }))
    chamber.send(el('iq', NS_CLIENT, { type: 'error', id: push.attr('id'), to: 'juliet@xmpp.example' }))
    expect(await settled(chamber)).toEqual([])
  })
})

describe('a set', () => {
  const item = (attrs: Readonly<Record<string, string>>, ...groups: string[]): Element =>
    el('item', NS, attrs, ...groups.map((group) => el('group', NS, {}, group)))
  const nurse = { jid: 'nurse@xmpp.example' }

  for (const [what, wanted, ...content] of [
    ['without an item', 'bad-request'],
    ['with two', 'bad-request', item(nurse), item({ jid: 'tybalt@xmpp.example' })],
    ['with something else', 'bad-request', el('person', NS, nurse)],
    ['without an address', 'bad-request', item({ name: 'Nurse' })],
    ['of no address', 'jid-malformed', item({ jid: 'a@b@c' })],
    ['of one device', 'bad-request', item({ jid: 'nurse@xmpp.example/kitchen' })],
    ['of oneself', 'not-allowed', item({ jid: 'Juliet@xmpp.example' })],
    ['with the same group twice', 'bad-request', item(nurse, 'Servants', 'Servants')],
    ['with a group of no name', 'not-acceptable', item(nurse, '')],
    ['with a group of a very long name', 'not-acceptable', item(nurse, 'x'.repeat(1_024))],
    ['with very many groups', 'not-acceptable', item(nurse, ...Array.from({ length: 51 }, (_, n) => String(n)))],
    ['with a very long name', 'not-acceptable', item({ ...nurse, name: 'x'.repeat(1_024) })],
    ['that takes off who is not there', 'item-not-found', item({ ...nurse, subscription: 'remove' })],
  ] as const)
    test(`${what} is refused: ${wanted} (§2.3.3)`, async () => {
      expect(condition(await asked(juliet, query('set', {}, ...content)))).toBe(wanted)
      expect(verona.store.rosters.load(Jid.parse('juliet@xmpp.example'))).toEqual({ version: 0, contacts: [] })
    })

  test('by somebody else is forbidden, and what he asks for is not shown', async () => {
    const romeo = await online(verona, 'romeo', 'orchard')
    const to = (request: Element) => request.withAttr('to', 'juliet@xmpp.example')
    expect(condition(await asked(romeo, to(rosterSet({ jid: 'nurse@xmpp.example' }))))).toBe('forbidden')
    expect(condition(await asked(romeo, to(query('get'))))).toBe('service-unavailable')
  })

  test('beyond 5,000 contacts is a lack of room, by list or by request', async () => {
    const account = Jid.parse('juliet@xmpp.example')
    for (let n = 0; n < 5_000; n++) {
      const contact = { jid: Jid.parse(`c${n}@elsewhere.example`), name: undefined, groups: [], subscription: 'none' } as const
      verona.store.rosters.put(account, { ...contact, pendingOut: false, approved: false, pendingIn: undefined, listed: true }, n + 1)
    }
    expect(condition(await asked(juliet, rosterSet({ jid: 'nurse@xmpp.example' })))).toBe('resource-constraint')
    juliet.send(el('presence', NS_CLIENT, { type: 'subscribe', to: 'nurse@xmpp.example', id: 's' }))
    expect((await settled(juliet)).map(condition)).toEqual(['resource-constraint'])
    // Those who are there can change.
    expect((await asked(juliet, rosterSet({ jid: 'c1@elsewhere.example', name: 'C' }))).attr('type')).toBe('result')
    expect(items(await asked(juliet, query('get')))).toHaveLength(5_000)
  })
})
