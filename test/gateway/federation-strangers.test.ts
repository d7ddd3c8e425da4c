/** What comes to us and claims to be a server: nothing is believed that was not proved (XEP-0220 §2, RFC 6120 §8.1.2). */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { el } from '../../src/xml/element.ts'
import { certificateFor } from '../support/certificates.ts'
import { Client, NS_CLIENT, NS_TLS } from '../support/client.ts'
import { bodyOf, chat, type Member, World } from '../support/federation.ts'
import { NS_DIALBACK, NS_SASL, NS_SERVER, ScriptedServer } from '../support/scripted-server.ts'

let world: World
let verona: Member
let authority: { readonly cert: string; readonly key: string }

beforeAll(async () => {
  world = await World.begin()
  authority = await certificateFor('padua.example')
  verona = await world.member('verona.example', { accounts: ['juliet'], authorities: [authority.cert] })
})
afterAll(() => world.end())

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

/** A stream as from a server; what comes back is its features. */
async function stranger(from: string | undefined, to = 'verona.example') {
  const client = await Client.connect(verona.port)
  closing.push(() => client.destroy())
  const features = await client.open({ ns: NS_SERVER, from, to })
  return { client, features }
}

const result = (from: string, to: string, key = 'k') => `<db:result xmlns:db='${NS_DIALBACK}' from='${from}' to='${to}'>${key}</db:result>`
const message = (from: string, to = 'juliet@verona.example') =>
  el('message', NS_SERVER, { from, to }, el('body', NS_SERVER, {}, 'O, I am slain'))

describe('who comes as a server', () => {
  test('is offered TLS and dialback, and no EXTERNAL without a certificate', async () => {
    const { features } = await stranger('mantua.example')
    expect(features.child('starttls', NS_TLS)).toBeDefined()
    expect(features.child('dialback', 'urn:xmpp:features:dialback')?.firstElement()?.name).toBe('errors')
    expect(features.child('mechanisms', NS_SASL)).toBeUndefined()
  })

  test('says nothing to anybody before he has proved who he is', async () => {
    const { client } = await stranger('mantua.example')
    client.send(message('romeo@mantua.example'))
    expect((await client.receiveStreamError()).condition).toBe('not-authorized')
  })

  test('cannot open a stream to a domain that is not served here', async () => {
    const client = await Client.connect(verona.port)
    closing.push(() => client.destroy())
    client.sayHeader({ ns: NS_SERVER, from: 'mantua.example', to: 'padua.example' })
    expect((await client.receiveStreamError()).condition).toBe('host-unknown')
  })

  test('is not believed to be one of our own domains', async () => {
    const { client } = await stranger('verona.example')
    client.say(result('verona.example', 'verona.example'))
    expect((await client.receiveStreamError()).condition).toBe('invalid-from')
  })

  test('has his key refused by the server of the domain he claims', async () => {
    const honest = await world.member('honest.example', { accounts: [] })
    closing.push(() => honest.stop())
    const { client } = await stranger('honest.example')
    client.say(result('honest.example', 'verona.example', 'guessed'))
    const answer = await client.receive()
    expect([answer.name, answer.attr('type'), answer.attr('from'), answer.attr('to')]).toEqual([
      'result',
      'invalid',
      'verona.example',
      'honest.example',
    ])
    expect((await client.next()).kind).toBe('closing tag')
    await honest.heard.fact({ what: 'dialback_denied' })
  })

  test('hears that nobody can be asked about a domain that does not exist', async () => {
    const { client } = await stranger('ghost.example')
    client.say(result('ghost.example', 'verona.example'))
    const answer = await client.receive()
    expect([answer.attr('type'), answer.child('error', NS_SERVER)?.firstElement()?.name]).toEqual(['error', 'remote-server-not-found'])
  })

  test('hears that a domain is not served here', async () => {
    const { client } = await stranger('mantua.example')
    client.say(result('mantua.example', 'padua.example'))
    const answer = await client.receive()
    expect([answer.attr('type'), answer.child('error', NS_SERVER)?.firstElement()?.name]).toEqual(['error', 'item-not-found'])
  })

  test('is told of a key that is not ours that it is not, without being anybody', async () => {
    const { client } = await stranger(undefined)
    client.say(`<db:verify xmlns:db='${NS_DIALBACK}' from='mantua.example' to='verona.example' id='x1'>guessed</db:verify>`)
    const answer = await client.receive()
    expect([answer.name, answer.attr('type'), answer.attr('id')]).toEqual(['verify', 'invalid', 'x1'])
  })

  test('may keep us asking about so many domains and no more', async () => {
    const silent = await ScriptedServer.start({ tls: 'none', verdict: undefined })
    closing.push(() => silent.stop())
    for (let n = 0; n < 20; n++) world.publish(`many${n}.example`, silent.port)
    const { client } = await stranger('many0.example')
    for (let n = 0; n < 17; n++) client.say(result(`many${n}.example`, 'verona.example'))
    const answer = await client.receive()
    expect([answer.attr('from'), answer.attr('to'), answer.attr('type')]).toEqual(['verona.example', 'many16.example', 'error'])
    expect(answer.child('error', NS_SERVER)?.firstElement()?.name).toBe('resource-constraint')
  })
})

describe('a server that shows its certificate', () => {
  async function certified(): Promise<Client> {
    const { client } = await stranger('padua.example')
    const features = await client.startTls({ cert: authority.cert, key: authority.key, servername: 'verona.example' })
    expect(features.child('mechanisms', NS_SASL)?.firstElement()?.text()).toBe('EXTERNAL')
    client.send(el('auth', NS_SASL, { mechanism: 'EXTERNAL' }, Buffer.from('padua.example').toString('base64')))
    expect((await client.receive()).name).toBe('success')
    await client.restart()
    return client
  }

  test('is believed without dialback', async () => {
    const juliet = await verona.client('juliet')
    const padua = await certified()
    padua.send(message('petruchio@padua.example'))
    const heard = await juliet.receive()
    expect([heard.ns, heard.attr('from'), bodyOf(heard)]).toEqual([NS_CLIENT, 'petruchio@padua.example', 'O, I am slain'])
    await juliet.close()
  })

  test('speaks for its own domain and no other', async () => {
    const padua = await certified()
    padua.send(message('romeo@mantua.example'))
    expect((await padua.receiveStreamError()).condition).toBe('invalid-from')
  })

  test('speaks to domains that are served here and no others', async () => {
    const padua = await certified()
    padua.send(message('petruchio@padua.example', 'romeo@mantua.example'))
    expect((await padua.receiveStreamError()).condition).toBe('invalid-from')
  })

  test.each([
    ['without a sender', el('message', NS_SERVER, { to: 'juliet@verona.example' })],
    ['without an addressee', el('message', NS_SERVER, { from: 'petruchio@padua.example' })],
    ['to what is no address', el('message', NS_SERVER, { from: 'petruchio@padua.example', to: '@' })],
  ])('ends its stream by a stanza %s', async (_, stanza) => {
    const padua = await certified()
    padua.send(stanza)
    expect((await padua.receiveStreamError()).condition).toBe('improper-addressing')
  })

  test('proves no other domain by it', async () => {
    const { client } = await stranger('mantua.example')
    const features = await client.startTls({ cert: authority.cert, key: authority.key, servername: 'verona.example' })
    expect(features.child('mechanisms', NS_SASL)).toBeUndefined()
    client.send(el('auth', NS_SASL, { mechanism: 'EXTERNAL' }, Buffer.from('mantua.example').toString('base64')))
    expect((await client.receive()).firstElement()?.name).toBe('not-authorized')
  })

  test('is our equal: two gateways with certificates that both believe need no dialback', async () => {
    const [one, other] = [await certificateFor('one.example'), await certificateFor('other.example')]
    const authorities = [one.cert, other.cert]
    const sending = { encrypted: { domains: ['*'], whereverPossible: false } }
    const left = await world.member('one.example', { accounts: ['romeo'], certificate: one, authorities, sending })
    const right = await world.member('other.example', { accounts: ['rosaline'], certificate: other, authorities, sending })
    closing.push(
      () => left.stop(),
      () => right.stop(),
    )
    const romeo = await left.client('romeo')
    const rosaline = await right.client('rosaline')
    romeo.send(chat('rosaline@other.example', 'One fairer than my love?'))
    expect(bodyOf(await rosaline.receive())).toBe('One fairer than my love?')
    await right.heard.fact({ what: 'server_proved', domain: 'one.example', by: 'certificate' })
    expect(right.heard.facts.some(({ by }) => by === 'dialback')).toBe(false)
    await romeo.close()
    await rosaline.close()
  })
})

test('what another server says in a stanza of its own is a stanza of ours inside', async () => {
  const juliet = await verona.client('juliet')
  const mantua = await world.member('mantua.example', { accounts: ['romeo'] })
  closing.push(() => mantua.stop())
  const romeo = await mantua.client('romeo')
  const forwarded = el('forwarded', 'urn:xmpp:forward:0', {}, chat('x@y.example', 'inner'))
  romeo.send(el('message', NS_CLIENT, { to: 'juliet@verona.example' }, el('body', NS_CLIENT, {}, 'outer'), forwarded))
  const heard = await juliet.receive()
  expect(heard.child('body', NS_CLIENT)?.text()).toBe('outer')
  expect(heard.child('forwarded', 'urn:xmpp:forward:0')?.child('message', NS_CLIENT)?.child('body')?.text()).toBe('inner')
  await juliet.close()
  await romeo.close()
})
