/** RFC 6121 appendix A, as it is printed: each row of each table, through rosters and the core's door, in both directions. */
import { describe, expect, test } from 'vitest'
import { inState, stateOf, stranger } from '../../src/account/contact.ts'
import { INBOUND, OUTBOUND, type State, type SubscriptionType } from '../../src/account/subscription-state.ts'
import { Jid } from '../../src/address/jid.ts'
import type { StoredContact } from '../../src/store/port.ts'
import { el } from '../../src/xml/element.ts'
import { NS_CLIENT } from '../support/client.ts'
import { type Household, household, presence } from '../support/household.ts'

const ROMEO = Jid.parse('romeo@xmpp.example')
const JULIET = Jid.parse('juliet@xmpp.example')

type Word = 'MUST' | 'M.N.' | 'S.N.'
type Printed = readonly (readonly [State, Word, State | 'no state change' | 'pre-approval'])[]

const outbound: Readonly<Record<SubscriptionType, Printed>> = {
  subscribe: [
    ['None', 'MUST', 'None + Pending Out'],
    ['None + Pending Out', 'MUST', 'no state change'],
    ['None + Pending In', 'MUST', 'None + Pending Out+In'],
    ['None + Pending Out+In', 'MUST', 'no state change'],
    ['To', 'MUST', 'no state change'],
    ['To + Pending In', 'MUST', 'no state change'],
    ['From', 'MUST', 'From + Pending Out'],
    ['From + Pending Out', 'MUST', 'no state change'],
    ['Both', 'MUST', 'no state change'],
  ],
  unsubscribe: [
    ['None', 'MUST', 'no state change'],
    ['None + Pending Out', 'MUST', 'None'],
    ['None + Pending In', 'MUST', 'no state change'],
    ['None + Pending Out+In', 'MUST', 'None + Pending In'],
    ['To', 'MUST', 'None'],
    ['To + Pending In', 'MUST', 'None + Pending In'],
    ['From', 'MUST', 'no state change'],
    ['From + Pending Out', 'MUST', 'From'],
    ['Both', 'MUST', 'From'],
  ],
  subscribed: [
    ['None', 'M.N.', 'pre-approval'],
    ['None + Pending Out', 'M.N.', 'pre-approval'],
    ['None + Pending In', 'MUST', 'From'],
    ['None + Pending Out+In', 'MUST', 'From + Pending Out'],
    ['To', 'M.N.', 'pre-approval'],
    ['To + Pending In', 'MUST', 'Both'],
    ['From', 'M.N.', 'no state change'],
    ['From + Pending Out', 'M.N.', 'no state change'],
    ['Both', 'M.N.', 'no state change'],
  ],
  unsubscribed: [
    ['None', 'S.N.', 'no state change'],
    ['None + Pending Out', 'S.N.', 'no state change'],
    ['None + Pending In', 'MUST', 'None'],
    ['None + Pending Out+In', 'MUST', 'None + Pending Out'],
    ['To', 'S.N.', 'no state change'],
    ['To + Pending In', 'MUST', 'To'],
    ['From', 'MUST', 'None'],
    ['From + Pending Out', 'MUST', 'None + Pending Out'],
    ['Both', 'MUST', 'To'],
  ],
}

const inbound: Readonly<Record<SubscriptionType, Printed>> = {
  subscribe: [
    ['None', 'MUST', 'None + Pending In'],
    ['None + Pending Out', 'MUST', 'None + Pending Out+In'],
    ['None + Pending In', 'S.N.', 'no state change'],
    ['None + Pending Out+In', 'S.N.', 'no state change'],
    ['To', 'MUST', 'To + Pending In'],
    ['To + Pending In', 'S.N.', 'no state change'],
    ['From', 'S.N.', 'no state change'],
    ['From + Pending Out', 'S.N.', 'no state change'],
    ['Both', 'S.N.', 'no state change'],
  ],
  unsubscribe: [
    ['None', 'S.N.', 'no state change'],
    ['None + Pending Out', 'S.N.', 'no state change'],
    ['None + Pending In', 'MUST', 'None'],
    ['None + Pending Out+In', 'MUST', 'None + Pending Out'],
    ['To', 'S.N.', 'no state change'],
    ['To + Pending In', 'MUST', 'To'],
    ['From', 'MUST', 'None'],
    ['From + Pending Out', 'MUST', 'None + Pending Out'],
    ['Both', 'MUST', 'To'],
  ],
  subscribed: [
    ['None', 'S.N.', 'no state change'],
    ['None + Pending Out', 'MUST', 'To'],
    ['None + Pending In', 'S.N.', 'no state change'],
    ['None + Pending Out+In', 'MUST', 'To + Pending In'],
    ['To', 'S.N.', 'no state change'],
    ['To + Pending In', 'S.N.', 'no state change'],
    ['From', 'S.N.', 'no state change'],
    ['From + Pending Out', 'MUST', 'Both'],
    ['Both', 'S.N.', 'no state change'],
  ],
  unsubscribed: [
    ['None', 'S.N.', 'no state change'],
    ['None + Pending Out', 'MUST', 'None'],
    ['None + Pending In', 'S.N.', 'no state change'],
    ['None + Pending Out+In', 'MUST', 'None + Pending In'],
    ['To', 'MUST', 'None'],
    ['To + Pending In', 'MUST', 'None + Pending In'],
    ['From', 'S.N.', 'no state change'],
    ['From + Pending Out', 'MUST', 'From'],
    ['Both', 'MUST', 'From'],
  ],
}

/** A contact in this state, as it may stand in a roster. */
function contactIn(state: State, more: Partial<StoredContact> = {}): StoredContact {
  const request = el('presence', NS_CLIENT, { type: 'subscribe', from: 'romeo@xmpp.example', to: 'juliet@xmpp.example' })
  return inState({ ...stranger(ROMEO), pendingIn: request, listed: true, ...more }, state)
}

async function start(contact: StoredContact): Promise<Household> {
  const house = household()
  await house.store.rosters.put(JULIET, contact, 7)
  return house
}

const kept = async (house: Household) => (await house.store.rosters.load(JULIET)).contacts[0]

for (const [number, type] of Object.entries(['subscribe', 'unsubscribe', 'subscribed', 'unsubscribed'] as const)) {
  describe(`table ${2 + Number(number)}: ${type} from the user`, () => {
    for (const [state, routes, next] of outbound[type]) {
      const wanted = next === 'no state change' || next === 'pre-approval' ? state : next

      test(`in "${state}" ${routes === 'MUST' ? 'goes to the contact' : 'goes nowhere'}; ${next}`, async () => {
        expect(OUTBOUND[type][state]).toEqual([routes === 'MUST', wanted === state ? undefined : wanted])
        const house = await start(contactIn(state))
        const balcony = house.session('juliet@xmpp.example/balcony', { presence: el('presence', NS_CLIENT), isInterested: true })
        await house.subscribing.outbound(JULIET, ROMEO, type)
        const contact = await kept(house)
        expect(stateOf(contact)).toBe(wanted)
        expect(contact?.approved).toBe(next === 'pre-approval')
        const sent = house.sent.filter(({ to }) => to.equals(ROMEO))
        const [stanza] = sent.filter((one) => one.type === type)
        expect(stanza !== undefined).toBe(routes === 'MUST')
        if (stanza) expect([stanza.xml.attr('from'), stanza.xml.attr('to')]).toEqual(['juliet@xmpp.example', 'romeo@xmpp.example'])
        // Whoever may see her from now on does (§3.1.5), and whoever may not sees her go (§3.2.2).
        const saw = (one: State) => one.startsWith('From') || one === 'Both'
        const shown = sent.filter((one) => one.type === 'available').map(({ from }) => from.toString())
        const hidden = sent.filter((one) => one.type === 'unavailable').map(({ from }) => from.toString())
        expect(shown).toEqual(!saw(state) && saw(wanted) ? ['juliet@xmpp.example/balcony'] : [])
        expect(hidden).toEqual(saw(state) && !saw(wanted) ? ['juliet@xmpp.example/balcony'] : [])
        const pushes = balcony.got.filter(({ name }) => name === 'iq')
        expect(pushes).toHaveLength(shownAs(contactIn(state)) === shownAs(contact) ? 0 : 1)
      })
    }
  })

  describe(`table ${6 + Number(number)}: ${type} from the contact`, () => {
    for (const [state, delivers, next] of inbound[type]) {
      const wanted = next === 'no state change' || next === 'pre-approval' ? state : next

      test(`in "${state}" ${delivers === 'MUST' ? 'reaches the user' : 'does not reach the user'}; ${next}`, async () => {
        expect(INBOUND[type][state]).toEqual([delivers === 'MUST', wanted === state ? undefined : wanted])
        const house = await start(contactIn(state))
        const balcony = house.session('juliet@xmpp.example/balcony', { presence: el('presence', NS_CLIENT), isInterested: true })
        await house.subscribing.inbound(presence(type, 'romeo@xmpp.example', 'juliet@xmpp.example'), type)
        expect(stateOf(await kept(house))).toBe(wanted)
        const heard = balcony.got.filter(({ name }) => name === 'presence').map((xml) => xml.attr('type'))
        expect(heard).toEqual(delivers === 'MUST' ? [type] : [])
        const saw = state.startsWith('From') || state === 'Both'
        const replies = house.sent.filter((one) => one.type === 'subscribed' || one.type === 'unsubscribed').map((one) => one.type)
        if (type === 'subscribe') expect(replies).toEqual(saw ? ['subscribed'] : [])
        else expect(replies).toEqual(type === 'unsubscribe' && delivers === 'MUST' ? ['unsubscribed'] : [])
      })
    }
  })
}

/** What a client is shown of a contact. */
function shownAs(contact: StoredContact | undefined): string {
  return contact ? [contact.subscription, contact.pendingOut, contact.approved].join(' ') : ''
}

describe('a request from somebody who was approved before', () => {
  for (const [state, next] of [
    ['None', 'From'],
    ['None + Pending Out', 'From + Pending Out'],
    ['To', 'Both'],
  ] as const) {
    test(`in "${state}" is answered in the user's name, and nobody is asked; "${next}"`, async () => {
      const house = await start(contactIn(state, { approved: true }))
      const balcony = house.session('juliet@xmpp.example/balcony', { presence: el('presence', NS_CLIENT), isInterested: true })
      await house.subscribing.inbound(presence('subscribe', 'romeo@xmpp.example', 'juliet@xmpp.example'), 'subscribe')
      expect(stateOf(await kept(house))).toBe(next)
      expect(house.sent.map((one) => [one.type, one.from.toString()])).toEqual([
        ['subscribed', 'juliet@xmpp.example'],
        ['available', 'juliet@xmpp.example/balcony'],
      ])
      expect(balcony.got.map(({ name }) => name)).toEqual(['iq'])
    })
  }

  test('is one no more when the approval was taken back, which the other side does not hear', async () => {
    const house = await start(contactIn('None', { approved: true }))
    await house.subscribing.outbound(JULIET, ROMEO, 'unsubscribed')
    expect((await kept(house))?.approved).toBe(false)
    expect(house.sent).toEqual([])
  })
})

test('a contact is in one of nine states, and keeps it in the store', () => {
  for (const [state] of outbound.subscribe) expect(stateOf(contactIn(state))).toBe(state)
})
