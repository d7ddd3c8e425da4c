import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { Networks, placeOf } from '../../src/stream/networks.ts'
import { Client } from '../support/client.ts'
import { DOMAIN, streamHouse } from '../support/stream-house.ts'

const LOOPBACK = { port: 0, address: '127.0.0.1' }

describe('a connection', () => {
  test('beyond the channels is refused with a reason and a line in the log, and the others go on', async () => {
    const house = await streamHouse({ channels: 2 })
    const first = await Client.connect(house.port)
    const second = await Client.connect(house.port)
    await first.open({ to: DOMAIN })
    await second.open({ to: DOMAIN })
    const third = await Client.connect(house.port)
    const header = await third.receiveHeader()
    expect([header.name, header.attr('from')]).toEqual(['stream', DOMAIN])
    expect(await third.receiveStreamError()).toEqual({ condition: 'resource-constraint', text: 'Too many connections' })
    await third.receiveEnd()
    expect(house.log.of('connection_refused')[0]).toMatchObject({
      level: 'problems',
      why: 'too many',
      tag: expect.stringMatching(/^XMPPI-000003/),
    })
    await first.close()
    await second.close()
    await house.stop()
  })

  test('is welcome again when another one has gone', async () => {
    const house = await streamHouse({ channels: 1 })
    const first = await Client.connect(house.port)
    await first.open({ to: DOMAIN })
    await first.close()
    await expect.poll(() => house.service.count).toBe(0)
    const second = await Client.connect(house.port)
    expect((await second.open({ to: DOMAIN })).name).toBe('features')
    await house.stop()
  })

  test('does not exist where there are no channels: nothing listens', async () => {
    const house = await streamHouse({ channels: 0 })
    expect(house.ports).toEqual([])
    await house.stop()
  })

  test('counts for its address', async () => {
    const house = await streamHouse({ listeners: [{ ...LOOPBACK, perAddress: 1 }] })
    const first = await Client.connect(house.port)
    await first.open({ to: DOMAIN })
    const second = await Client.connect(house.port)
    expect((await second.receiveStreamError()).condition).toBe('resource-constraint')
    const elsewhere = await Client.connect(house.port, '127.0.0.1', '127.0.0.2')
    expect((await elsewhere.open({ to: DOMAIN })).name).toBe('features')
    await house.stop()
  })

  test('from a denied network hears nothing', async () => {
    const house = await streamHouse({ listeners: [{ ...LOOPBACK, deny: ['127.0.0.2/32', '2001:db8::/32'] }] })
    const denied = connect({ port: house.port, host: '127.0.0.1', localAddress: '127.0.0.2' })
    denied.on('error', () => {})
    let heard = 0
    denied.on('data', (chunk) => {
      heard += chunk.length
    })
    await once(denied, 'close')
    expect(heard).toBe(0)
    expect(house.log.of('connection_refused')[0]).toMatchObject({ why: 'denied' })
    const other = await Client.connect(house.port)
    expect((await other.open({ to: DOMAIN })).name).toBe('features')
    await house.stop()
  })

  test('from outside the allowed networks hears nothing either, and what is denied is denied within them', async () => {
    const house = await streamHouse({ listeners: [{ ...LOOPBACK, allow: ['127.0.0.0/29'], deny: ['127.0.0.3'] }] })
    for (const localAddress of ['127.0.0.3', '127.0.0.9']) {
      const socket = connect({ port: house.port, host: '127.0.0.1', localAddress })
      socket.on('error', () => {})
      socket.resume()
      await once(socket, 'close')
    }
    const inside = await Client.connect(house.port, '127.0.0.1', '127.0.0.2')
    expect((await inside.open({ to: DOMAIN })).name).toBe('features')
    expect(house.log.of('connection_refused')).toHaveLength(2)
    await house.stop()
  })

  test('refused on a TLS port gets no handshake', async () => {
    const house = await streamHouse({ channels: 1, listeners: [LOOPBACK, { ...LOOPBACK, tls: true }] })
    const first = await Client.connect(house.ports[0]?.port ?? 0)
    await first.open({ to: DOMAIN })
    await expect(Client.connectSecurely(house.ports[1]?.port ?? 0)).rejects.toThrow()
    await house.stop()
  })

  test('that is one of a crowd is not even told why', async () => {
    const house = await streamHouse({ channels: 1, limits: { refusedWaiting: 1 } })
    const first = await Client.connect(house.port)
    await first.open({ to: DOMAIN })
    const second = await Client.connect(house.port)
    await second.receiveHeader()
    const third = await Client.connect(house.port)
    expect((await third.next()).kind).toBe('end')
    await house.stop()
  })
})

test('a port that is taken stops the start, and nothing is left listening', async () => {
  const house = await streamHouse()
  const taken = { port: house.port, address: '127.0.0.1' }
  await expect(streamHouse({ listeners: [LOOPBACK, taken] })).rejects.toThrow(/EADDRINUSE/)
  await house.stop()
})

describe('a network', () => {
  for (const [network, inside, outside] of [
    ['192.0.2.0/24', ['192.0.2.0', '192.0.2.255', '::ffff:192.0.2.7'], ['192.0.3.0', '::1']],
    ['192.0.2.7', ['192.0.2.7', '::ffff:192.0.2.7'], ['192.0.2.8']],
    ['::ffff:192.0.2.0/120', ['192.0.2.9', '::ffff:192.0.2.9'], ['192.0.3.9']],
    ['2001:db8::/32', ['2001:db8::1', '2001:DB8:ffff::'], ['2001:db9::1', '192.0.2.1']],
    ['fe80::/10', ['fe80::1%eth0'], ['fec0::1']],
    ['0.0.0.0/0', ['203.0.113.9'], ['2001:db8::1']],
    ['::1', ['::1'], ['::2', '0.0.0.1']],
  ] as const) {
    test(`${network} holds ${inside.join(', ')} and not ${outside.join(', ')}`, () => {
      const networks = new Networks([network])
      for (const address of inside) expect([address, networks.has(address)]).toEqual([address, true])
      for (const address of outside) expect([address, networks.has(address)]).toEqual([address, false])
    })
  }

  for (const wrong of [
    '',
    'example.com',
    '192.0.2.0/33',
    '192.0.2.0/-1',
    '192.0.2.0/24/8',
    '2001:db8::/129',
    '192.0.2',
    '192.0.2.0/x',
    '::ffff:192.0.2.0/24',
  ]) {
    test(`is not ${JSON.stringify(wrong)}`, () => {
      expect(() => new Networks([wrong])).toThrow(/is not a network/)
    })
  }
})

test('one place is an IPv4 address, or 64 bits of an IPv6 address', () => {
  for (const [address, place] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:DB8::1', '2001:db8:0:0::/64'],
    ['2001:db8::1:2:3:4', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ]) {
    expect(placeOf(address ?? '')).toBe(place)
  }
})
