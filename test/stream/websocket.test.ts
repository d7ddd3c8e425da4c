/** XMPP over WebSocket (RFC 7395), in front of the same streams as TCP. */
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { el } from '../../src/xml/element.ts'
import { parseElement } from '../../src/xml/parse-element.ts'
import { Client, NS_BIND, NS_CLIENT, NS_STREAM } from '../support/client.ts'
import { DOMAIN, OTHER_DOMAIN, PASSWORD } from '../support/stream-house.ts'
import { login, type WebHouse, webHouse } from '../support/web-house.ts'
import { NS_FRAMING, overWebSocket } from '../support/web-socket-client.ts'

let house: WebHouse
beforeAll(async () => {
  house = await webHouse({
    domains: [{ name: DOMAIN }, { name: OTHER_DOMAIN, requireTls: false }],
    listeners: [{ port: 0, address: '127.0.0.1' }],
  })
})
afterAll(() => house.stop())

const mechanismsIn = (features: { child(name: string, ns: string): ReturnType<typeof el> | undefined }): string[] =>
  features
    .child('mechanisms', 'urn:ietf:params:xml:ns:xmpp-sasl')
    ?.elements()
    .map((one) => one.text()) ?? []

describe('a stream over WebSocket', () => {
  test('opens with open, logs in, binds, and chats with a session that came over TCP', async () => {
    const { client: juliet } = await house.session('juliet', 'web')
    const romeo = await Client.session(house.streams.port, 'romeo', DOMAIN, PASSWORD, 'tcp')
    juliet.send(el('message', NS_CLIENT, { to: `romeo@${DOMAIN}/tcp`, id: 'm1' }, el('body', NS_CLIENT, {}, 'Wherefore <art> & thou?')))
    const heard = await romeo.receive()
    expect(heard.attr('from')).toBe(`juliet@${DOMAIN}/web`)
    expect(heard.child('body')?.text()).toBe('Wherefore <art> & thou?')
    romeo.send(el('message', NS_CLIENT, { to: `juliet@${DOMAIN}/web`, id: 'm2' }, el('body', NS_CLIENT, {}, 'Neither, ώς ἔπος 🌹')))
    expect((await juliet.receive()).child('body')?.text()).toBe('Neither, ώς ἔπος 🌹')
    juliet.destroy()
    romeo.destroy()
  })

  test('has each element in a message of its own, which is a document of its own', async () => {
    const { client, messages } = await house.session('juliet', 'framed')
    const to = `juliet@${DOMAIN}/framed`
    for (const id of ['a', 'b', 'c']) client.send(el('message', NS_CLIENT, { to, id }))
    for (const id of ['a', 'b', 'c']) expect((await client.receive()).attr('id')).toBe(id)
    expect(messages.map((one) => one[0])).toEqual(messages.map(() => '<'))
    const parsed = messages.map((one) => parseElement(one))
    expect(parsed.map(({ name }) => name)).toEqual([
      ...['open', 'features', 'challenge', 'success', 'open', 'features', 'iq'],
      ...['message', 'message', 'message'],
    ])
    expect(parsed[0]?.ns).toBe(NS_FRAMING)
    expect(parsed[0]?.attr('from')).toBe(DOMAIN)
    expect(parsed[1]?.ns).toBe(NS_STREAM)
    // Clients look for it by its prefix.
    expect(messages[1]).toMatch(/^<stream:features xmlns:stream=/)
    expect(parsed.at(-1)?.ns).toBe(NS_CLIENT)
    client.destroy()
  })

  test('in the clear offers neither TLS nor a password where the domain requires TLS', async () => {
    const { client } = await overWebSocket(house.ws)
    const features = await client.open({ to: DOMAIN })
    expect(features.elements()).toEqual([])
    client.auth('PLAIN', Buffer.from(`\0juliet\0${PASSWORD}`))
    expect((await client.receive()).elements()[0]?.name).toBe('encryption-required')
    client.destroy()
  })

  test('in the clear offers mechanisms without channel binding where the domain does not require TLS', async () => {
    const { client } = await overWebSocket(house.ws)
    expect(mechanismsIn(await client.open({ to: OTHER_DOMAIN }))).toEqual(['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'])
    client.destroy()
  })

  test('under TLS offers mechanisms without channel binding, which no page in a browser could do', async () => {
    const { client } = await overWebSocket(house.wss)
    expect(mechanismsIn(await client.open({ to: DOMAIN }))).toEqual(['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'])
    client.destroy()
  })

  test('ends with close for close, and the WebSocket with it', async () => {
    const { client, socket, messages } = await house.session('juliet', 'leaving')
    const closed = once(socket, 'close')
    client.say('</stream:stream>')
    expect((await client.next()).kind).toBe('closing tag')
    expect((await closed)[0]).toBe(1000)
    expect(messages.at(-1)).toBe(`<close xmlns='${NS_FRAMING}'/>`)
    expect(house.streams.ended).toContain(`juliet@${DOMAIN}/leaving`)
  })

  test('that the WebSocket ends without a word ends the session', async () => {
    const { client, socket } = await house.session('juliet', 'gone')
    const romeo = await house.session('romeo', 'there')
    socket.terminate()
    await client.receiveEnd()
    while (!house.streams.ended.includes(`juliet@${DOMAIN}/gone`)) await new Promise((resolve) => setImmediate(resolve))
    romeo.client.destroy()
  })

  test('gives way to a newer one with the same resource, which may be TCP', async () => {
    const { client } = await house.session('juliet', 'one')
    const newer = await Client.session(house.streams.port, 'juliet', DOMAIN, PASSWORD, 'one')
    expect((await client.receiveStreamError()).condition).toBe('conflict')
    newer.destroy()
  })

  test('that is told to another host is answered by ours, and refused', async () => {
    const { client } = await overWebSocket(house.wss)
    client.sayHeader({ to: 'elsewhere.example' })
    expect((await client.receiveHeader()).attr('from')).toBe(DOMAIN)
    expect((await client.receiveStreamError()).condition).toBe('host-unknown')
    await client.receiveEnd()
  })

  test('survives a blank, which some clients send to keep it alive', async () => {
    const { client, socket } = await house.session('juliet', 'blank')
    socket.send(' ')
    client.send(el('message', NS_CLIENT, { to: `juliet@${DOMAIN}/blank`, id: 'still' }))
    expect((await client.receive()).attr('id')).toBe('still')
    client.destroy()
  })

  test('reads many messages in order while a login is being checked', async () => {
    const { client, socket } = await overWebSocket(house.wss)
    await client.open({ to: DOMAIN })
    client.auth('PLAIN', Buffer.from(`\0juliet\0${PASSWORD}`))
    // Before the answer has come: it is read after the login, as the beginning of the next stream.
    socket.send(`<open xmlns='${NS_FRAMING}' to='${DOMAIN}' version='1.0'/>`)
    socket.send(
      "<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>quick</resource></bind></iq>",
    )
    expect((await client.receive()).name).toBe('success')
    client.expectRestart()
    await client.receiveHeader()
    expect((await client.receive()).name).toBe('features')
    expect((await client.receive()).child('bind', NS_BIND)?.child('jid')?.text()).toBe(`juliet@${DOMAIN}/quick`)
    client.destroy()
  })
})

describe('what does not belong in a WebSocket', () => {
  for (const [what, message, condition] of [
    [
      'a stream header',
      `<stream:stream xmlns='jabber:client' xmlns:stream='${NS_STREAM}' to='${DOMAIN}' version='1.0'>`,
      'not-well-formed',
    ],
    ['an element before the stream', "<message xmlns='jabber:client'/>", 'bad-format'],
    ['two elements in one message', `<open xmlns='${NS_FRAMING}' to='${DOMAIN}' version='1.0'/><a/>`, 'not-well-formed'],
    ['a comment', `<!-- x --><open xmlns='${NS_FRAMING}'/>`, 'restricted-xml'],
    ['more than a stranger has to say', `<open xmlns='${NS_FRAMING}' to='${'x'.repeat(11_000)}'/>`, 'policy-violation'],
  ] as const) {
    test(`${what} ends the stream with ${condition}`, async () => {
      const { client, socket } = await overWebSocket(house.wss)
      socket.send(message)
      expect((await client.receiveStreamError()).condition).toBe(condition)
      await client.receiveEnd()
    })
  }

  test('a second open without a login ends the stream', async () => {
    const { client } = await overWebSocket(house.wss)
    await client.open({ to: DOMAIN })
    client.sayHeader({ to: DOMAIN })
    expect((await client.receiveStreamError()).condition).toBe('bad-format')
  })

  test('bytes that are no text end the WebSocket with 1003', async () => {
    const { socket } = await overWebSocket(house.wss)
    socket.send(Buffer.from([1, 2, 3]))
    expect((await once(socket, 'close'))[0]).toBe(1003)
  })

  test('a stranger that sends and sends without ending a message is cut off', async () => {
    const { socket } = await overWebSocket(house.ws)
    socket.on('error', () => {})
    const closed = once(socket, 'close')
    for (let i = 0; i < 20; i++) socket.send('x'.repeat(10_000), { fin: false })
    await closed
  })

  test('somebody logged in may send what TCP lets them send, and no more', async () => {
    const { client, socket } = await house.session('juliet', 'long')
    const to = `juliet@${DOMAIN}/long`
    client.send(el('message', NS_CLIENT, { to, id: 'fits' }, el('body', NS_CLIENT, {}, 'x'.repeat(200_000))))
    expect((await client.receive()).attr('id')).toBe('fits')
    socket.send(`<message xmlns='jabber:client' to='${to}'><body>${'x'.repeat(270_000)}</body></message>`)
    await client.receiveEnd()
  })
})

describe('the handshake', () => {
  const refused = async (url: string, protocols: string[], headers: Record<string, string> = {}): Promise<number | undefined> => {
    const socket = new WebSocket(url, protocols, { headers })
    const [, response] = await once(socket, 'unexpected-response')
    socket.on('error', () => {})
    socket.terminate()
    return response.statusCode
  }

  test('is refused to who does not speak xmpp, and to paths where nothing is', async () => {
    expect(await refused(house.ws, [])).toBe(400)
    expect(await refused(house.ws, ['sip'])).toBe(400)
    expect(await refused(house.ws.replace('/xmpp-websocket', '/elsewhere'), ['xmpp'])).toBe(404)
  })

  test('chooses xmpp among several', async () => {
    const socket = new WebSocket(house.ws, ['chat', 'xmpp'])
    await once(socket, 'open')
    expect(socket.protocol).toBe('xmpp')
    socket.terminate()
  })

  test('without an upgrade is answered by 426', async () => {
    const response = await fetch(house.ws.replace('ws:', 'http:'))
    expect(response.status).toBe(426)
    expect(response.headers.get('upgrade')).toBe('websocket')
  })

  test('is for the pages the operator names, where some are named, and for programs that are no browsers', async () => {
    const choosy = await webHouse({ origins: ['https://chat.example'] })
    expect(await refused(choosy.ws, ['xmpp'], { Origin: 'https://evil.example' })).toBe(403)
    for (const headers of [{ Origin: 'https://chat.example' }, {}]) (await overWebSocket(choosy.ws, { headers })).client.destroy()
    await choosy.stop()
  })
})

describe('behind a proxy', () => {
  test('that is trusted, its word counts for TLS and for the address; a login cannot be bound to its TLS', async () => {
    const proxied = await webHouse({ trustedProxies: ['127.0.0.1'] })
    const headers = { 'X-Forwarded-For': '198.51.100.66, 203.0.113.7', 'X-Forwarded-Proto': 'https' }
    const { client } = await overWebSocket(proxied.ws, { headers })
    await login(client, 'juliet', 'behind')
    expect(proxied.streams.log.of('session_bound').map(({ tag }) => tag)).toEqual([expect.stringContaining('[203.0.113.7]')])
    const { client: other } = await overWebSocket(proxied.wss, { headers })
    expect(mechanismsIn(await other.open({ to: DOMAIN }))).toEqual(['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'])
    const { client: clear } = await overWebSocket(proxied.wss, { headers: { 'X-Forwarded-Proto': 'http' } })
    expect(mechanismsIn(await clear.open({ to: DOMAIN }))).toEqual([])
    for (const one of [client, other, clear]) one.destroy()
    await proxied.stop()
  })

  test('that nobody trusts, its word counts for nothing', async () => {
    const { client } = await overWebSocket(house.ws, { headers: { 'X-Forwarded-For': '203.0.113.7', 'X-Forwarded-Proto': 'https' } })
    expect((await client.open({ to: DOMAIN })).elements()).toEqual([])
    client.destroy()
  })

  test('connections are counted for each address behind it, not for the proxy', async () => {
    const proxied = await webHouse({ trustedProxies: ['127.0.0.1'], web: { perAddress: 1 } })
    const from = (address: string) => overWebSocket(proxied.ws, { headers: { 'X-Forwarded-For': address } })
    const first = await from('203.0.113.7')
    await first.client.open({ to: DOMAIN })
    const second = await from('203.0.113.8')
    await second.client.open({ to: DOMAIN })
    const third = await from('203.0.113.7')
    expect((await third.client.receiveStreamError()).condition).toBe('resource-constraint')
    for (const one of [first, second, third]) one.client.destroy()
    await proxied.stop()
  })
})

describe('a client that is not there any more', () => {
  test('is pinged, and let go when it does not answer', async () => {
    const strict = await webHouse({ http: { pingSeconds: 0.05 } })
    const lively = await strict.session('romeo', 'lively')
    const { socket } = await overWebSocket(strict.wss, { autoPong: false })
    await once(socket, 'close')
    lively.client.send(el('message', NS_CLIENT, { to: `romeo@${DOMAIN}/lively`, id: 'here' }))
    expect((await lively.client.receive()).attr('id')).toBe('here')
    lively.client.destroy()
    await strict.stop()
  })

  test('that does not read is told so and ended, and its neighbours notice nothing', async () => {
    const small = await webHouse({ limits: { sessionPendingMaxBytes: 500_000, closeSeconds: 1 } })
    const slow = await small.session('juliet', 'slow')
    const romeo = await small.session('romeo', 'quick')
    slow.socket.pause()
    const body = el('body', NS_CLIENT, {}, 'x'.repeat(100_000))
    for (let i = 0; !small.streams.ended.includes(`juliet@${DOMAIN}/slow`); i++) {
      romeo.client.send(el('message', NS_CLIENT, { to: `juliet@${DOMAIN}/slow` }, body))
      romeo.client.send(el('message', NS_CLIENT, { to: `romeo@${DOMAIN}/quick`, id: `${i}` }))
      expect((await romeo.client.receive()).attr('id')).toBe(`${i}`)
    }
    expect(small.streams.log.of('reader_too_slow')).toHaveLength(1)
    romeo.client.destroy()
    await small.stop()
  })

  test('that never begins its stream is told so when its time is up', async () => {
    const hasty = await webHouse({ limits: { authenticationSeconds: 0.05 } })
    const { client } = await overWebSocket(hasty.wss)
    expect((await client.receiveStreamError()).condition).toBe('connection-timeout')
    await hasty.stop()
  })
})

test('when the gateway stops, a session over WebSocket is told so', async () => {
  const stopping = await webHouse()
  const { client } = await stopping.session('juliet', 'last')
  const over = stopping.stop()
  expect((await client.receiveStreamError()).condition).toBe('system-shutdown')
  await over
})
