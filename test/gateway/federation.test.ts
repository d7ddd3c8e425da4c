/** Two gateways that have never heard of each other, as their users see it: dialback over TLS with certificates nobody trusts, which is what a first start has. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { el } from '../../src/xml/element.ts'
import { NS_CLIENT } from '../support/client.ts'
import { bodyOf, chat, type Member, World } from '../support/federation.ts'

let world: World
let verona: Member
let mantua: Member

beforeAll(async () => {
  world = await World.begin()
  verona = await world.member('verona.example', { accounts: ['juliet', 'nurse'] })
  mantua = await world.member('mantua.example', { accounts: ['romeo'] })
})
afterAll(() => world.end())

describe('two servers', () => {
  test('what juliet says reaches romeo elsewhere, encrypted, and his answer reaches her', async () => {
    const juliet = await verona.client('juliet')
    const romeo = await mantua.client('romeo')
    juliet.send(chat('romeo@mantua.example', 'Art thou not Romeo?', 'm1'))
    const heard = await romeo.receive()
    expect(heard.attr('from')).toBe('juliet@verona.example/balcony')
    expect(heard.ns).toBe(NS_CLIENT)
    expect(bodyOf(heard)).toBe('Art thou not Romeo?')
    romeo.send(chat('juliet@verona.example/balcony', 'Neither, fair saint'))
    expect(bodyOf(await juliet.receive())).toBe('Neither, fair saint')
    expect(verona.queue('mantua.example')).toBe('open, encrypted, 0 waiting')
    await juliet.close()
    await romeo.close()
  })

  test('a question reaches a client elsewhere, and its answer comes back with the same id', async () => {
    const juliet = await verona.client('juliet')
    const romeo = await mantua.client('romeo')
    const ask = el('iq', NS_CLIENT, { type: 'get', id: 'q1', to: 'romeo@mantua.example/balcony' }, el('query', 'jabber:iq:version'))
    juliet.send(ask)
    const asked = await romeo.receive()
    expect(asked.attr('from')).toBe('juliet@verona.example/balcony')
    romeo.send(
      el(
        'iq',
        NS_CLIENT,
        { type: 'result', id: asked.attr('id'), to: asked.attr('from') },
        el('query', 'jabber:iq:version', {}, el('name', 'jabber:iq:version', {}, 'Swooner')),
      ),
    )
    const answer = await juliet.receive()
    expect(answer.attr('id')).toBe('q1')
    expect(answer.attr('type')).toBe('result')
    expect(answer.child('query', 'jabber:iq:version')?.child('name')?.text()).toBe('Swooner')
    await juliet.close()
    await romeo.close()
  })

  test('the other domain itself answers what is asked of it', async () => {
    const juliet = await verona.client('juliet')
    juliet.send(el('iq', NS_CLIENT, { type: 'get', id: 'p1', to: 'mantua.example' }, el('ping', 'urn:xmpp:ping')))
    const answer = await juliet.receive()
    expect([answer.attr('type'), answer.attr('from')]).toEqual(['result', 'mantua.example'])
    await juliet.close()
  })

  test('a message to nobody elsewhere comes back from there', async () => {
    const juliet = await verona.client('juliet')
    juliet.send(chat('tybalt@mantua.example', 'Where are you?', 'm2'))
    const answer = await juliet.receive()
    expect([answer.attr('type'), answer.attr('id'), answer.attr('from')]).toEqual(['error', 'm2', 'tybalt@mantua.example'])
    expect(answer.child('error')?.firstElement()?.name).toBe('service-unavailable')
    await juliet.close()
  })

  test('a server that does not exist is told as remote-server-not-found', async () => {
    const juliet = await verona.client('juliet')
    juliet.send(chat('romeo@nowhere.example', 'Hello?', 'm3'))
    const answer = await juliet.receive()
    expect(answer.child('error')?.firstElement()?.name).toBe('remote-server-not-found')
    await juliet.close()
  })

  test('a domain that says in DNS that it has no server is not asked for its address', async () => {
    const { srv } = await import('../support/dns-server.ts')
    world.zone['SRV _xmpp-server._tcp.silent.example'] = [srv(0, 0, 0, '')]
    const juliet = await verona.client('juliet')
    juliet.send(chat('romeo@silent.example', 'Hello?', 'm4'))
    expect((await juliet.receive()).child('error')?.firstElement()?.name).toBe('remote-server-not-found')
    expect(world.dns.asked).not.toContain('A silent.example')
    await juliet.close()
  })

  test('they become contacts, and see each other come and go', async () => {
    const juliet = await verona.client('nurse')
    const romeo = await mantua.client('romeo')
    juliet.ignoresPresence = false
    romeo.ignoresPresence = false
    const presence = (type: string | undefined, to: string) => el('presence', NS_CLIENT, { type, to })
    juliet.send(presence('subscribe', 'romeo@mantua.example'))
    const asked = await romeo.receive()
    expect([asked.attr('type'), asked.attr('from')]).toEqual(['subscribe', 'nurse@verona.example'])
    romeo.send(presence('subscribed', 'nurse@verona.example'))
    const seen = await juliet.receive()
    expect([seen.attr('type'), seen.attr('from')]).toEqual([undefined, 'romeo@mantua.example/balcony'])
    romeo.send(el('presence', NS_CLIENT, {}, el('show', NS_CLIENT, {}, 'away')))
    expect((await juliet.receive()).child('show')?.text()).toBe('away')
    await romeo.close()
    expect((await juliet.receive()).attr('type')).toBe('unavailable')
    await juliet.close()
  })

  test('a telephone talks to a user elsewhere, and is answered', async () => {
    const phone = await verona.phone('nurse')
    const romeo = await mantua.client('romeo')
    const said = phone.message('sip:romeo@mantua.example', 'Anon, good Nurse!')
    const heard = await romeo.receive()
    expect([heard.attr('from'), bodyOf(heard)]).toEqual(['nurse@verona.example', 'Anon, good Nurse!'])
    expect((await said).status).toBe(202)
    await romeo.close()
  })
})
