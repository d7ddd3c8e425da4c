import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Jid } from '../../src/address/jid.ts'
import { el } from '../../src/xml/element.ts'
import { Client } from '../support/client.ts'
import { DOMAIN, PASSWORD, type StreamHouse, streamHouse } from '../support/stream-house.ts'

let house: StreamHouse
let juliet: Client
let romeo: Client
let count = 0
beforeAll(async () => {
  house = await streamHouse({
    listeners: [
      { port: 0, address: '127.0.0.1' },
      { port: 0, address: '127.0.0.1', tls: true },
    ],
    accounts: ['juliet', 'romeo', 'mercutio', 'tybalt'].map((name) => `${name}@${DOMAIN}`),
    limits: { sessionPendingMaxBytes: 300_000 },
  })
  juliet = await Client.session(house.port, 'juliet', DOMAIN, PASSWORD, 'balcony')
  romeo = await Client.session(house.port, 'romeo', DOMAIN, PASSWORD, 'orchard')
})
afterAll(async () => {
  await juliet.close()
  await romeo.close()
  await house.stop()
})

/** Two who have nothing to do with it go on as if nothing had happened. */
async function unharmed(): Promise<void> {
  const id = String(++count)
  juliet.say(`<message to='romeo@${DOMAIN}' id='${id}'><body>Art thou not Romeo?</body></message>`)
  expect((await romeo.receive()).attr('id')).toBe(id)
  romeo.say(`<message to='juliet@${DOMAIN}/balcony' id='${id}'/>`)
  expect((await juliet.receive()).attr('id')).toBe(id)
}

describe('nobody else is harmed by', () => {
  test('a stanza of 10 MB before the login', async () => {
    const client = await Client.connect(house.port)
    await client.open({ to: DOMAIN })
    client.say(`<message><body>${'x'.repeat(10_000_000)}</body></message>`)
    expect((await client.receiveStreamError()).condition).toBe('policy-violation')
    await unharmed()
  })

  test('a stanza of 10 MB in a session', async () => {
    const client = await Client.session(house.port, 'mercutio', DOMAIN, PASSWORD)
    client.say(`<message to='romeo@${DOMAIN}'><body>${'x'.repeat(10_000_000)}</body></message>`)
    await unharmed()
    expect((await client.receiveStreamError()).condition).toBe('policy-violation')
    await unharmed()
  })

  test('a stanza of 100,000 elements', async () => {
    const client = await Client.session(house.port, 'mercutio', DOMAIN, PASSWORD)
    client.say(`<message to='romeo@${DOMAIN}'>${'<a>'.repeat(100_000)}`)
    expect((await client.receiveStreamError()).condition).toBe('policy-violation')
    await unharmed()
  })

  for (const [what, bytes, condition] of [
    ['zeros', Buffer.alloc(5000), 'not-well-formed'],
    ['the same byte', Buffer.alloc(5000, 0xfe), undefined],
    ['every byte', Buffer.from(Array.from({ length: 256 }, (_, i) => i)), undefined],
    ['a TLS greeting', Buffer.from('16030100c8010000c40303', 'hex'), undefined],
    ['a SIP request', Buffer.from(`OPTIONS sip:${DOMAIN} SIP/2.0\r\n\r\n`), 'not-well-formed'],
    ['UTF-16', Buffer.from("<?xml version='1.0'?>", 'utf16le'), 'unsupported-encoding'],
  ] as const) {
    test(`${what} on the port`, async () => {
      const client = await Client.connect(house.port)
      client.say(bytes)
      const error = await client.receiveStreamError()
      if (condition) expect(error.condition).toBe(condition)
      expect(error.text).not.toBe('')
      await client.receiveEnd()
      await unharmed()
    })
  }

  test('noise of a thousand kinds, on both ports', async () => {
    let seed = 1
    const random = () => {
      seed = (seed * 48271) % 2147483647
      return seed
    }
    for (let i = 0; i < 200; i++) {
      const port = house.ports[i % 2]?.port ?? 0
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.resume()
      socket.end(Buffer.from(Array.from({ length: random() % 300 }, () => random() % 256)))
      await once(socket, 'close')
    }
    await unharmed()
  })

  test('binary noise in the middle of a session', async () => {
    const client = await Client.session(house.port, 'mercutio', DOMAIN, PASSWORD)
    client.say(Buffer.from([0x3c, 0x6d, 0xc3, 0x28, 0xff, 0x00]))
    expect((await client.receiveStreamError()).condition).toBe('unsupported-encoding')
    await unharmed()
  })

  test('half a stanza and then nothing', async () => {
    const client = await Client.session(house.port, 'mercutio', DOMAIN, PASSWORD)
    client.say(`<message to='romeo@${DOMAIN}'><body>half`)
    client.destroy()
    await unharmed()
  })

  test('many who go in the middle of the TLS handshake, of whom nothing is left', async () => {
    const port = house.ports[1]?.port ?? 0
    const greeting = Buffer.from('160301', 'hex')
    const sockets = Array.from({ length: 40 }, () => connect(port, '127.0.0.1'))
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    for (const [at, socket] of sockets.entries()) {
      socket.on('error', () => {})
      socket.resume()
      socket.write(greeting)
      if (at % 2) socket.end()
      else socket.resetAndDestroy()
    }
    await expect.poll(() => [house.service.count, house.tls.underWay]).toEqual([2, 0])
    await unharmed()
  })

  test('many who connect and go at once', async () => {
    const sockets = Array.from({ length: 60 }, () => connect(house.port, '127.0.0.1'))
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    for (const socket of sockets) socket.resetAndDestroy()
    await unharmed()
    await expect.poll(() => house.service.count).toBe(2)
  })
})

describe('a client that does not read', () => {
  test('loses its stream when too much waits, and the process does not grow', async () => {
    const client = await Client.session(house.port, 'tybalt', DOMAIN, PASSWORD, 'square')
    const session = house.sessions.find(Jid.parse(`tybalt@${DOMAIN}/square`))
    client.pause()
    const stanza = el('message', 'jabber:client', {}, el('body', 'jabber:client', {}, 'x'.repeat(10_000)))
    const written: Promise<unknown>[] = []
    let delivered = 0
    while (house.sessions.find(Jid.parse(`tybalt@${DOMAIN}/square`))) {
      session?.deliver(stanza)
      if (++delivered % 10 === 0) {
        written.push(session?.written().catch((why: unknown) => why) ?? Promise.resolve())
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect(delivered).toBeLessThan(10_000)
    }
    expect(house.log.of('reader_too_slow')).toHaveLength(1)
    expect(house.ended).toContain(`tybalt@${DOMAIN}/square`)
    await unharmed()
    client.resume()
    await client.receiveEnd()
    expect((await Promise.all(written)).some((outcome) => outcome instanceof Error)).toBe(true)
  })

  test('but takes all of it in the end is served, however much it was', async () => {
    const client = await Client.session(house.port, 'tybalt', DOMAIN, PASSWORD, 'square')
    const session = house.sessions.find(Jid.parse(`tybalt@${DOMAIN}/square`))
    client.pause()
    for (let i = 0; i < 20; i++)
      session?.deliver(el('message', 'jabber:client', { id: String(i) }, el('body', 'jabber:client', {}, 'x'.repeat(10_000))))
    client.resume()
    for (let i = 0; i < 20; i++) expect((await client.receive()).attr('id')).toBe(String(i))
    await session?.written()
    await client.close()
  })
})
