import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { el } from '../../src/xml/element.ts'
import { Client, NS_TLS } from '../support/client.ts'
import { DOMAIN, OTHER_DOMAIN, PASSWORD, type StreamHouse, streamHouse } from '../support/stream-house.ts'

let house: StreamHouse
let plainPort: number
let tlsPort: number
beforeAll(async () => {
  house = await streamHouse({
    domains: [{ name: DOMAIN }, { name: OTHER_DOMAIN }],
    listeners: [
      { port: 0, address: '127.0.0.1' },
      { port: 0, address: '127.0.0.1', tls: true },
    ],
  })
  plainPort = house.ports.find(({ what }) => what === 'xmpp')?.port ?? 0
  tlsPort = house.ports.find(({ what }) => what === 'xmpps')?.port ?? 0
})
afterAll(() => house.stop())

const shown = (client: Client): string => String(client.tls.getPeerCertificate().subject.CN)

describe('the certificate', () => {
  for (const [what, options, name] of [
    ['is that of the server name, with direct TLS', { servername: OTHER_DOMAIN }, OTHER_DOMAIN],
    ['is that of the server name, whatever its case', { servername: 'OTHER.Example' }, OTHER_DOMAIN],
    ['is that of the first domain for a server name nobody knows', { servername: 'elsewhere.example' }, DOMAIN],
    ['is that of the first domain for a client without a server name', { servername: '' }, DOMAIN],
  ] as const) {
    test(what, async () => {
      const client = await Client.connectSecurely(tlsPort, options)
      expect(shown(client)).toBe(name)
      const features = await client.open({ to: DOMAIN })
      expect(features.elements()[0]?.name).toBe('mechanisms')
      client.destroy()
    })
  }

  for (const [what, servername, name] of [
    ['is that of the domain in the header where the client names no server', '', OTHER_DOMAIN],
    ['is that of the domain in the header for a server name nobody knows', 'elsewhere.example', OTHER_DOMAIN],
    ['is that of the server name where it is known', DOMAIN, DOMAIN],
  ] as const) {
    test(`after STARTTLS ${what}`, async () => {
      const client = await Client.connect(plainPort)
      await client.open({ to: OTHER_DOMAIN })
      await client.startTls({ servername })
      expect(shown(client)).toBe(name)
      client.destroy()
    })
  }

  test('is a new one after a reload, and whoever was connected notices nothing', async () => {
    const changing = await streamHouse({ domains: [{ name: DOMAIN }, { name: OTHER_DOMAIN }] })
    const before = await Client.session(changing.port, 'juliet', DOMAIN, PASSWORD, 'before')
    const [mine, other] = changing.identities
    if (!mine || !other) throw new Error('no certificates')
    changing.tls.reload([{ ...other, domain: DOMAIN }])
    const after = await Client.connect(changing.port)
    await after.open({ to: DOMAIN })
    await after.startTls()
    expect(shown(after)).toBe(OTHER_DOMAIN)
    await after.scram({ user: 'romeo', password: PASSWORD, binding: 'tls-server-end-point' })
    before.say(`<message to='juliet@${DOMAIN}/before' id='still here'/>`)
    expect((await before.receive()).attr('id')).toBe('still here')
    before.destroy()
    after.destroy()
    await changing.stop()
  })
})

describe('a handshake', () => {
  test('speaks TLS 1.2 and 1.3 and nothing older', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const client = await Client.connectSecurely(tlsPort, { minVersion: version, maxVersion: version })
      expect(client.tls.getProtocol()).toBe(version)
      expect(client.tls.alpnProtocol).toBe('xmpp-client')
      client.destroy()
    }
    const old = Client.connectSecurely(tlsPort, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
    await expect(old).rejects.toThrow()
  })

  test('with a client of another protocol fails', async () => {
    await expect(Client.connectSecurely(tlsPort, { ALPNProtocols: ['h2'] })).rejects.toThrow(/no application protocol/i)
  })

  test('without ALPN is fine', async () => {
    const client = await Client.connectSecurely(tlsPort, { ALPNProtocols: [] })
    await client.open({ to: DOMAIN })
    client.destroy()
  })

  test('with noise ends that connection, says so in the log, and harms nobody', async () => {
    const other = await Client.session(plainPort, 'romeo', DOMAIN, PASSWORD)
    const socket = connect(tlsPort, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(Buffer.alloc(2000, 0xa5))
    socket.resume()
    await once(socket, 'close')
    expect(house.log.of('tls_failed').at(-1)?.tag).toMatch(/^XMPPI-\d{6}\(\[127\.0\.0\.1\]:\d+\)$/)
    other.say(`<message to='romeo@${DOMAIN}' id='fine'/>`)
    expect((await other.receive()).attr('id')).toBe('fine')
    other.destroy()
  })

  test('that takes too long is given up', async () => {
    const impatient = await streamHouse({ listeners: [{ port: 0, address: '127.0.0.1', tls: true }], limits: { handshakeSeconds: 0.05 } })
    const socket = connect(impatient.port, '127.0.0.1')
    socket.resume()
    await once(socket, 'close')
    expect(impatient.log.of('tls_failed')).toHaveLength(1)
    expect(impatient.service.count).toBe(0)
    await impatient.stop()
  })
})

describe('STARTTLS', () => {
  test('with anything behind it in the clear is refused: it could have been put there by somebody else', async () => {
    for (const more of [
      "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGp1bGlldAByb21lbw==</auth>",
      '<',
      ' <stream:stream',
      'x'.repeat(9000),
    ]) {
      const client = await Client.connect(plainPort)
      await client.open({ to: DOMAIN })
      client.say(`<starttls xmlns='${NS_TLS}'/>${more}`)
      expect((await client.receiveStreamError()).condition).toBe('policy-violation')
      await client.receiveEnd()
    }
  })

  test('that is followed by clear text after proceed ends in the handshake', async () => {
    const client = await Client.connect(plainPort)
    await client.open({ to: DOMAIN })
    client.send(el('starttls', NS_TLS))
    expect((await client.receive()).name).toBe('proceed')
    client.say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGp1bGlldAByb21lbw==</auth>")
    await client.receiveEnd()
  })

  test('with a line break behind it is fine', async () => {
    const client = await Client.connect(plainPort)
    await client.open({ to: DOMAIN })
    client.say(`<starttls xmlns='${NS_TLS}'/>\n`)
    expect((await client.receive()).name).toBe('proceed')
    await client.secure()
    const features = await client.open({ to: DOMAIN })
    expect(features.elements()[0]?.name).toBe('mechanisms')
    client.destroy()
  })

  test('inside TLS fails, and the stream with it', async () => {
    const client = await Client.connectSecurely(tlsPort)
    await client.open({ to: DOMAIN })
    client.send(el('starttls', NS_TLS))
    expect((await client.receive()).is('failure', NS_TLS)).toBe(true)
    expect((await client.next()).kind).toBe('closing tag')
    await client.receiveEnd()
  })

  test('after a login in the clear fails', async () => {
    const lax = await streamHouse({ domains: [{ name: DOMAIN, requireTls: false }] })
    const client = await Client.connect(lax.port)
    await client.open({ to: DOMAIN })
    await client.scram({ user: 'juliet', password: PASSWORD })
    const features = await client.restart()
    expect(features.child('starttls', NS_TLS)).toBeUndefined()
    client.send(el('starttls', NS_TLS))
    expect((await client.receive()).is('failure', NS_TLS)).toBe(true)
    await client.receiveEnd()
    await lax.stop()
  })

  test('works on a stream whose bytes come one by one', async () => {
    const client = await Client.connect(plainPort)
    await client.open({ to: DOMAIN })
    for (const byte of `<starttls xmlns='${NS_TLS}'/>`) {
      client.say(byte)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect((await client.receive()).name).toBe('proceed')
    await client.secure()
    await client.open({ to: DOMAIN })
    client.destroy()
  })
})

test('a session over direct TLS is closed in order', async () => {
  const client = await Client.connectSecurely(tlsPort, { servername: DOMAIN })
  await client.open({ to: DOMAIN })
  await client.scram({ user: 'juliet', password: PASSWORD, binding: 'tls-exporter' })
  await client.restart()
  await client.bind('tower')
  client.say('</stream:stream>')
  expect((await client.next()).kind).toBe('closing tag')
  expect((await client.next()).kind).toBe('end')
})

test('a client that closes half of a TLS connection still hears the end of the stream', async () => {
  const client = await Client.connectSecurely(tlsPort, { servername: DOMAIN })
  client.tls.allowHalfOpen = true
  await client.open({ to: DOMAIN })
  client.hangUp()
  expect((await client.next()).kind).toBe('closing tag')
  expect((await client.next()).kind).toBe('end')
})
