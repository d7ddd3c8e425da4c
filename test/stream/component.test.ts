import { afterEach, describe, expect, test } from 'vitest'
import { el } from '../../src/xml/element.ts'
import { NS_CLIENT } from '../support/client.ts'
import { bodyOf, component, components, connected, greet, ICQ, NS_COMPONENT, SECRET, saying, shake } from '../support/component.ts'
import { condition, message } from '../support/stanzas.ts'
import { type Town, town } from '../support/town.ts'

let at: Town
afterEach(() => at.stop())

const JULIET = 'juliet@xmpp.example/balcony'

describe('a component proves its name', () => {
  test('by a handshake over the id of the stream, whose header has its name and no version', async () => {
    at = await town({ components: components() })
    const { client, header, id } = await greet(at)
    expect([header.attr('from'), header.attr('version')]).toEqual([ICQ, undefined])
    expect(id.length).toBeGreaterThan(30)
    shake(client, id)
    const answer = await client.receive()
    expect([answer.name, answer.ns, answer.children]).toEqual(['handshake', NS_COMPONENT, []])
    expect(at.house.components.domains.status).toEqual([[`component ${ICQ}`, '1 connected, 0 waiting']])
  })

  test('a wrong secret and a name nobody knows are refused alike', async () => {
    at = await town({ components: components() })
    const refusals = []
    for (const [domain, secret] of [
      [ICQ, 'wrong'],
      ['unknown.xmpp.example', SECRET],
      ['unknown.xmpp.example', ''],
    ] as const) {
      const { client, id, header } = await greet(at, domain)
      expect(header.attr('from')).toBe(domain)
      shake(client, id, secret)
      refusals.push(await client.receiveStreamError())
    }
    expect(new Set(refusals.map((one) => JSON.stringify(one))).size).toBe(1)
    expect(refusals[0]?.condition).toBe('not-authorized')
  })

  test('who guesses too often is not even heard any more, and the secret is not said to be right', async () => {
    at = await town({ components: components() })
    for (let i = 0; i < 10; i++) {
      const { client, id } = await greet(at)
      shake(client, id, `guess ${i}`)
      expect((await client.receiveStreamError()).condition).toBe('not-authorized')
    }
    const { client, id } = await greet(at)
    shake(client, id)
    expect((await client.receiveStreamError()).condition).toBe('policy-violation')
  })

  test("who connects where it was before is not locked out by somebody's guesses", async () => {
    at = await town({ components: components() })
    await connected(at)
    for (let i = 0; i < 9; i++) {
      const { client, id } = await greet(at)
      shake(client, id, `guess ${i}`)
      await client.receiveStreamError()
    }
    await connected(at)
    expect(at.house.components.domains.find(ICQ)?.connections).toBe(2)
  })

  for (const [what, domain, expected] of [
    ['a domain we host', 'xmpp.example', 'conflict'],
    ['the name of chat rooms', 'conference.xmpp.example', 'conflict'],
    ['an address that is no domain', `user@${ICQ}`, 'improper-addressing'],
    ['something that is no address', 'icq..example', 'improper-addressing'],
  ] as const)
    test(`${what} is no component: ${expected}`, async () => {
      at = await town({ components: components() })
      const { client } = await greet(at, domain)
      expect((await client.receiveStreamError()).condition).toBe(expected)
    })

  test('a header that names nobody is answered by a header and improper-addressing', async () => {
    at = await town({ components: components() })
    const client = at.connect()
    client.sayHeader({ ns: NS_COMPONENT, version: '' })
    expect(await client.receiveStreamError()).toEqual({ condition: 'improper-addressing', text: 'The header names no component' })
  })

  test('a stanza before the handshake is not read', async () => {
    at = await town({ components: components() })
    const { client } = await greet(at)
    client.send(saying(ICQ, JULIET, 'let me in'))
    expect((await client.receiveStreamError()).condition).toBe('not-authorized')
  })

  test('where no component may come the namespace is not offered', async () => {
    at = await town()
    const { client } = await greet(at)
    expect((await client.receiveStreamError()).condition).toBe('invalid-namespace')
  })

  test('it may say longer things than a stranger', async () => {
    at = await town({ components: components() })
    const icq = await connected(at)
    const juliet = await at.client('juliet')
    icq.send(saying(`romeo@${ICQ}`, JULIET, 'x'.repeat(100_000)))
    expect(bodyOf(await juliet.receive())).toHaveLength(100_000)
  })
})

describe('one secret for all names below a hosted domain', () => {
  test('lets any of them in, and nobody else', async () => {
    at = await town({ components: { components: [component({ secret: 'its own' })], password: 'for all' } })
    const irc = await connected(at, 'irc.xmpp.example', 'for all')
    const juliet = await at.client('juliet')
    juliet.send(message('romeo@irc.xmpp.example', 'hello'))
    expect(bodyOf(await irc.receive())).toBe('hello')
    // One that is listed has a secret of its own.
    await connected(at, ICQ, 'its own')
    for (const [domain, secret] of [
      [ICQ, 'for all'],
      ['irc.other.example', 'for all'],
      ['badxmpp.example', 'for all'],
    ] as const) {
      const { client, id } = await greet(at, domain)
      shake(client, id, secret)
      expect((await client.receiveStreamError()).condition).toBe('not-authorized')
    }
  })

  test('when such a component stays away its name is forgotten', async () => {
    at = await town({ components: { components: [], password: 'for all', limits: { awaySeconds: 0.05 } } })
    const irc = await connected(at, 'irc.xmpp.example', 'for all')
    const juliet = await at.client('juliet')
    await irc.close()
    for (;;) {
      juliet.send(message('romeo@irc.xmpp.example', 'hello'))
      const answer = condition(await juliet.receive())
      if (answer === 'remote-server-not-found') break
      expect(answer).toBe('remote-server-timeout')
    }
    expect(at.house.components.domains.status).toEqual([])
  })
})

describe('the sender of its stanzas', () => {
  for (const [what, from] of [
    ['is missing', undefined],
    ['is somebody of ours', 'juliet@xmpp.example'],
    ['is somebody elsewhere', `user@below.${ICQ}`],
    ['is no address', '@'],
  ] as const) {
    test(`${what}: improper-addressing ends the stream`, async () => {
      at = await town({ components: components() })
      const icq = await connected(at)
      icq.send(el('message', NS_CLIENT, { from, to: JULIET }, el('body', NS_CLIENT, {}, 'hello')))
      expect((await icq.receiveStreamError()).condition).toBe('improper-addressing')
    })

    test(`${what}: where an operator says so it is the component itself`, async () => {
      at = await town({ components: components({ from: 'stamp' }) })
      const icq = await connected(at)
      const juliet = await at.client('juliet')
      icq.send(el('message', NS_CLIENT, { from, to: JULIET }, el('body', NS_CLIENT, {}, 'hello')))
      expect((await juliet.receive()).attr('from')).toBe(ICQ)
    })
  }

  test('is any address of its domain', async () => {
    at = await town({ components: components() })
    const icq = await connected(at)
    const juliet = await at.client('juliet')
    for (const from of [ICQ, `romeo@${ICQ}`, `romeo@${ICQ}/orchard`, `${ICQ}/service`]) {
      icq.send(saying(from, JULIET, 'hello'))
      expect((await juliet.receive()).attr('from')).toBe(from)
    }
  })
})

describe('its addressee', () => {
  test('has to be there', async () => {
    at = await town({ components: components() })
    const icq = await connected(at)
    icq.send(el('message', NS_CLIENT, { from: ICQ }, el('body', NS_CLIENT, {}, 'hello')))
    expect((await icq.receiveStreamError()).condition).toBe('improper-addressing')
  })

  test('that is no address is an error of this stanza alone', async () => {
    at = await town({ components: components() })
    const icq = await connected(at)
    icq.send(el('message', NS_CLIENT, { from: `romeo@${ICQ}`, to: '@nowhere', id: 'm1' }, el('body', NS_CLIENT, {}, 'hello')))
    const error = await icq.receive()
    expect([condition(error), error.attr('from'), error.attr('to'), error.attr('id')]).toEqual(['jid-malformed', ICQ, `romeo@${ICQ}`, 'm1'])
  })

  test('that nobody has comes back to the user who wrote', async () => {
    at = await town({ components: components() })
    const icq = await connected(at)
    icq.send(saying(`romeo@${ICQ}/orchard`, 'nobody@xmpp.example', 'hello'))
    const error = await icq.receive()
    expect([condition(error), error.attr('to'), error.ns]).toEqual(['service-unavailable', `romeo@${ICQ}/orchard`, NS_COMPONENT])
  })
})

describe('the configuration is read again', () => {
  test('a component that is not in it any more goes, and its addresses with it', async () => {
    at = await town({ components: components() })
    const icq = await connected(at)
    at.house.components.change({ components: [component({ domain: 'irc.xmpp.example' })] })
    expect((await icq.receiveStreamError()).condition).toBe('host-gone')
    const juliet = await at.client('juliet')
    juliet.send(message(`romeo@${ICQ}`, 'hello'))
    expect(condition(await juliet.receive())).toBe('remote-server-not-found')
    await connected(at, 'irc.xmpp.example')
  })

  test('one whose secret was changed has to prove the new one', async () => {
    at = await town({ components: components() })
    const icq = await connected(at)
    at.house.components.change({ components: [component({ secret: 'another' })] })
    expect((await icq.receiveStreamError()).condition).toBe('reset')
    await connected(at, ICQ, 'another')
  })
})
