/** What a component may do in the name of accounts (XEP-0356), and what it may not. */
import { afterEach, describe, expect, test } from 'vitest'
import { type Element, el } from '../../src/xml/element.ts'
import { type Client, NS_CLIENT } from '../support/client.ts'
import { bodyOf, components, connected, ICQ } from '../support/component.ts'
import { condition } from '../support/stanzas.ts'
import { type Town, town } from '../support/town.ts'

let at: Town
afterEach(() => at.stop())

const NS_PRIVILEGE = 'urn:xmpp:privilege:2'
const NS_ROSTER = 'jabber:iq:roster'
const JULIET = 'juliet@xmpp.example'

type Permissions = NonNullable<Parameters<typeof components>[0]>['permissions']

/** Connected, and what it was told it may. */
async function withPermissions(permissions: NonNullable<Permissions>): Promise<{ icq: Client; told: string[] }> {
  at = await town({ components: components({ permissions }) })
  const icq = await connected(at)
  if (permissions.roster === 'none' && permissions.message === 'none') return { icq, told: [] }
  const granted = (await icq.receive()).child('privilege', NS_PRIVILEGE)
  const told = granted?.elements().map((perm) => ['access', 'type', 'push'].flatMap((name) => perm.attr(name) ?? []).join(' '))
  return { icq, told: told ?? [] }
}

function forwarded(from: string, to: string, body: string): Element {
  const inner = el('message', NS_CLIENT, { from, to, id: 'inner' }, el('body', NS_CLIENT, {}, body))
  const privilege = el('privilege', NS_PRIVILEGE, {}, el('forwarded', 'urn:xmpp:forward:0', {}, inner))
  return el('message', NS_CLIENT, { from: ICQ, to: 'xmpp.example', id: 'outer' }, privilege)
}

const contacts = (type: 'get' | 'set', to: string, ...items: Element[]): Element =>
  el('iq', NS_CLIENT, { type, id: 'r1', from: ICQ, to }, el('query', NS_ROSTER, {}, ...items))

describe('what it may is the first thing it is told', () => {
  test('all of it', async () => {
    const { told } = await withPermissions({ roster: 'both', message: 'outgoing' })
    expect(told).toEqual(['roster both false', 'message outgoing'])
  })

  test('part of it', async () => {
    expect((await withPermissions({ roster: 'none', message: 'outgoing' })).told).toEqual(['message outgoing'])
  })
})

describe('messages in the name of an account', () => {
  test('go to whom they are for, as if its owner had written', async () => {
    const { icq } = await withPermissions({ roster: 'none', message: 'outgoing' })
    const romeo = await at.client('romeo')
    icq.send(forwarded(JULIET, 'romeo@xmpp.example', 'from my service'))
    const heard = await romeo.receive()
    expect([heard.attr('from'), heard.attr('id'), bodyOf(heard)]).toEqual([JULIET, 'inner', 'from my service'])
  })

  test('that do not arrive come back as an error about what the component sent', async () => {
    const { icq } = await withPermissions({ roster: 'none', message: 'outgoing' })
    icq.send(forwarded(JULIET, 'nobody@xmpp.example', 'from my service'))
    const error = await icq.receive()
    expect([condition(error), error.attr('id'), error.attr('from'), error.attr('to')]).toEqual([
      'service-unavailable',
      'outer',
      'xmpp.example',
      ICQ,
    ])
  })

  for (const [what, from, permission, expected] of [
    ['without the permission', JULIET, 'none', 'forbidden'],
    ['from a device', `${JULIET}/balcony`, 'outgoing', 'forbidden'],
    ['from somebody elsewhere', 'juliet@elsewhere.example', 'outgoing', 'forbidden'],
  ] as const)
    test(`${what} are ${expected}`, async () => {
      const { icq } = await withPermissions({ roster: 'none', message: permission })
      icq.send(forwarded(from, 'romeo@xmpp.example', 'from my service'))
      expect(condition(await icq.receive())).toBe(expected)
    })

  test('that are none are a bad request', async () => {
    const { icq } = await withPermissions({ roster: 'none', message: 'outgoing' })
    icq.send(el('message', NS_CLIENT, { from: ICQ, to: 'xmpp.example' }, el('privilege', NS_PRIVILEGE)))
    expect(condition(await icq.receive())).toBe('bad-request')
  })
})

describe('lists of contacts', () => {
  test('are changed and read for their owner, who sees it', async () => {
    const { icq } = await withPermissions({ roster: 'both', message: 'none' })
    const juliet = await at.silentClient('juliet')
    juliet.send(el('iq', NS_CLIENT, { type: 'get', id: 'mine' }, el('query', NS_ROSTER)))
    await juliet.receive()
    icq.send(contacts('set', JULIET, el('item', NS_ROSTER, { jid: `hamlet@${ICQ}`, name: 'Hamlet' })))
    expect((await icq.receive()).attr('type')).toBe('result')
    const push = await juliet.receive()
    expect(push.child('query', NS_ROSTER)?.firstElement()?.attr('jid')).toBe(`hamlet@${ICQ}`)
    icq.send(contacts('get', JULIET))
    const answer = await icq.receive()
    expect([answer.attr('from'), answer.attr('to')]).toEqual([JULIET, ICQ])
    const items = answer.child('query', NS_ROSTER)?.elements() ?? []
    expect(items.map((item) => [item.attr('jid'), item.attr('name')])).toEqual([[`hamlet@${ICQ}`, 'Hamlet']])
  })

  for (const [permission, type] of [
    ['none', 'get'],
    ['none', 'set'],
    ['get', 'set'],
    ['set', 'get'],
  ] as const)
    test(`a ${type} with the permission "${permission}" is forbidden`, async () => {
      const { icq } = await withPermissions({ roster: permission, message: 'none' })
      icq.send(contacts(type, JULIET, ...(type === 'set' ? [el('item', NS_ROSTER, { jid: 'x@y.example' })] : [])))
      expect(condition(await icq.receive())).toBe('forbidden')
    })

  test('of nobody are not made', async () => {
    const { icq } = await withPermissions({ roster: 'both', message: 'none' })
    icq.send(contacts('get', 'nobody@xmpp.example'))
    expect(condition(await icq.receive())).toBe('item-not-found')
  })
})
