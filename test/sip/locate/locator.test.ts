import { describe, expect, test } from 'vitest'
import { SipUri } from '../../../src/address/sip-uri.ts'
import { LOCATE_DEFAULTS } from '../../../src/sip/locate/limits.ts'
import { inSrvOrder } from '../../../src/sip/locate/srv-order.ts'
import { hops, World } from './world.ts'

const srv = (name: string, port = 5_060, priority = 10, weight = 0) => ({ priority, weight, port, name })
const naptr = (service: string, replacement: string, order = 10, preference = 10) => ({
  order,
  preference,
  flags: 's',
  service,
  replacement,
})

describe('what needs no question', () => {
  for (const [uri, expected] of [
    ['sip:192.0.2.20', 'udp 192.0.2.20 5060'],
    ['sip:192.0.2.20:5080', 'udp 192.0.2.20 5080'],
    ['sip:192.0.2.20;transport=tcp', 'tcp 192.0.2.20 5060'],
    ['sips:192.0.2.20', 'tls 192.0.2.20 5061'],
    ['sips:192.0.2.20;transport=tcp', 'tls 192.0.2.20 5061'],
    ['sip:[2001:db8::20]:5070', 'udp 2001:db8::20 5070'],
    ['sip:core.example;maddr=192.0.2.7', 'udp 192.0.2.7 5060'],
  ] as const)
    test(`${uri} is ${expected}`, async () => {
      const world = new World({})
      expect(await hops(world.locator(), uri)).toEqual([expected])
      expect(world.asked).toEqual([])
    })
})

describe('a name', () => {
  test('with NAPTR is where its owner says, by the transports we have', async () => {
    const world = new World({
      naptr: {
        'core.example': [
          naptr('SIP+D2U', '_sip._udp.core.example', 20),
          naptr('SIPS+D2T', '_sips._tcp.core.example', 10, 20),
          naptr('SIP+D2T', '_sip._tcp.core.example', 10, 10),
          naptr('SIP+D2W', '_sip._ws.core.example', 1),
          { ...naptr('SIP+D2T', 'elsewhere.example', 1), flags: 'a' },
        ],
      },
      srv: {
        '_sip._udp.core.example': [srv('u.example')],
        '_sips._tcp.core.example': [srv('s.example', 5_061)],
        '_sip._tcp.core.example': [srv('t.example', 5_080)],
      },
      addresses: { 'u.example': ['192.0.2.1'], 's.example': ['192.0.2.2'], 't.example': ['192.0.2.3', '2001:db8::3'] },
    })
    expect(await hops(world.locator(), 'sip:core.example')).toEqual([
      'tcp 192.0.2.3 5080',
      'tcp 2001:db8::3 5080',
      'tls 192.0.2.2 5061',
      'udp 192.0.2.1 5060',
    ])
    expect(await hops(world.locator(), 'sips:core.example')).toEqual(['tls 192.0.2.2 5061'])
  })

  test('without NAPTR is asked for each transport', async () => {
    const world = new World({
      srv: { '_sip._udp.core.example': [srv('u.example')], '_sip._tcp.core.example': [srv('t.example')] },
      addresses: { 'u.example': ['192.0.2.1'], 't.example': ['192.0.2.3'] },
    })
    expect(await hops(world.locator(), 'sip:core.example')).toEqual(['tcp 192.0.2.3 5060', 'udp 192.0.2.1 5060'])
  })

  test('without any SRV has its own addresses, by UDP at 5060 or by the transport that is named', async () => {
    const world = new World({ addresses: { 'core.example': ['192.0.2.1', '2001:db8::1'] } })
    expect(await hops(world.locator(), 'sip:core.example')).toEqual(['udp 192.0.2.1 5060', 'udp 2001:db8::1 5060'])
    expect(await hops(world.locator(), 'sip:core.example;transport=tls')).toEqual(['tls 192.0.2.1 5061', 'tls 2001:db8::1 5061'])
    expect(await hops(world.locator(), 'sips:core.example')).toEqual(['tls 192.0.2.1 5061', 'tls 2001:db8::1 5061'])
  })

  test('with a port is asked for its addresses alone', async () => {
    const world = new World({ srv: { '_sip._udp.core.example': [srv('u.example')] }, addresses: { 'core.example': ['192.0.2.1'] } })
    expect(await hops(world.locator(), 'sip:core.example:5070')).toEqual(['udp 192.0.2.1 5070'])
    expect(world.asked).toEqual(['a core.example'])
  })

  test('that does not offer a transport is not tried by it', async () => {
    const world = new World({
      srv: { '_sip._tcp.core.example': [srv('')], '_sip._udp.core.example': [srv('u.example')] },
      addresses: { 'u.example': ['192.0.2.1'], 'core.example': ['192.0.2.9'] },
    })
    expect(await hops(world.locator(), 'sip:core.example')).toEqual(['udp 192.0.2.1 5060'])
    await expect(hops(world.locator(), 'sip:core.example;transport=tcp')).rejects.toThrow('core.example has no address')
  })

  test('is reached by TCP where there is no UDP here', async () => {
    const world = new World({ addresses: { 'core.example': ['192.0.2.1'] } })
    world.transports = ['tcp']
    expect(await hops(world.locator(), 'sip:core.example')).toEqual(['tcp 192.0.2.1 5060'])
    await expect(hops(world.locator(), 'sip:core.example;transport=tls')).rejects.toThrow('no tls is configured')
    await expect(hops(world.locator(), 'sip:core.example;transport=sctp')).rejects.toThrow('sctp is no transport')
  })

  test('is found although DNS chokes on the questions before the last', async () => {
    const world = new World({ addresses: { 'core.example': ['192.0.2.1'] } })
    world.isAway = (question) => !question.startsWith('a ')
    expect(await hops(world.locator(), 'sip:core.example')).toEqual(['udp 192.0.2.1 5060'])
  })

  test('nobody knows is said to be that; so is DNS that is away', async () => {
    const world = new World({})
    await expect(hops(world.locator(), 'sip:core.example')).rejects.toMatchObject({
      why: 'transport',
      message: 'core.example has no address',
    })
    world.isAway = () => true
    await expect(hops(world.locator(), 'sip:core.example')).rejects.toMatchObject({ why: 'transport', message: /cannot be looked up/ })
  })
})

test('whoever is reached under TLS must prove to be the domain of the URI, not the name that DNS gave', async () => {
  const world = new World({
    srv: { '_sips._tcp.core.example': [srv('host7.provider.example', 5_061)] },
    addresses: { 'host7.provider.example': ['192.0.2.7'] },
  })
  const names = async (uri: string) => (await world.locator().hopsFor(SipUri.parse(uri))).map(({ name }) => name)
  expect(await names('sips:core.example')).toEqual(['core.example'])
  expect(await names('sips:core.example;maddr=192.0.2.8')).toEqual(['core.example'])
  expect(await names('sips:192.0.2.8')).toEqual([undefined])
  world.names = { addresses: { 'core.example': ['192.0.2.7'] } }
  expect(await names('sip:core.example;transport=tcp')).toEqual([undefined])
})

describe('the order of SRV', () => {
  const records = [srv('backup', 1, 20), srv('light', 1, 10, 1), srv('heavy', 1, 10, 99), srv('never first', 1, 10, 0)]

  test('is that of priority, and among equals a lot in which weight counts', () => {
    expect(inSrvOrder(records, () => 0).map(({ name }) => name)).toEqual(['never first', 'light', 'heavy', 'backup'])
    expect(inSrvOrder(records, () => 0.5).map(({ name }) => name)[0]).toBe('heavy')
    expect(inSrvOrder(records, () => 0.999).map(({ name }) => name)[3]).toBe('backup')
  })

  test('gives a record of weight 99 about 99 of 100 first places', () => {
    let first = 0
    for (let i = 0; i < 1_000; i++) if (inSrvOrder(records, () => i / 1_000)[0]?.name === 'heavy') first++
    expect(first).toBeGreaterThan(950)
  })
})

describe('what was learned', () => {
  test('serves for its TTL, and all who ask at once', async () => {
    const world = new World({ addresses: { 'core.example': ['192.0.2.1'] }, ttl: 60 })
    const locator = world.locator()
    await Promise.all([hops(locator, 'sip:core.example:5060'), hops(locator, 'sip:core.example:5060')])
    world.clock += 59_000
    await hops(locator, 'sip:core.example:5060')
    expect(world.asked).toHaveLength(1)
    world.clock += 2_000
    await hops(locator, 'sip:core.example:5060')
    expect(world.asked).toHaveLength(2)
  })

  for (const [ttl, kept] of [
    [0, LOCATE_DEFAULTS.keptMinSeconds],
    [86_400, LOCATE_DEFAULTS.keptMaxSeconds],
  ] as const)
    test(`with a TTL of ${ttl} is kept ${kept} s`, async () => {
      const world = new World({ addresses: { 'core.example': ['192.0.2.1'] }, ttl })
      const locator = world.locator()
      await hops(locator, 'sip:core.example:5060')
      world.clock += kept * 1_000 - 1
      await hops(locator, 'sip:core.example:5060')
      expect(world.asked).toHaveLength(1)
      world.clock += 1
      await hops(locator, 'sip:core.example:5060')
      expect(world.asked).toHaveLength(2)
    })

  test('of a DNS that was away is soon forgotten', async () => {
    const world = new World({ addresses: { 'core.example': ['192.0.2.1'] } })
    const locator = world.locator()
    world.isAway = () => true
    await expect(hops(locator, 'sip:core.example:5060')).rejects.toThrow('cannot be looked up')
    world.isAway = () => false
    world.clock += LOCATE_DEFAULTS.keptFailureSeconds * 1_000
    expect(await hops(locator, 'sip:core.example:5060')).toEqual(['udp 192.0.2.1 5060'])
  })

  test('does not grow with the names that are asked for, nor with the records of one', async () => {
    const many = Array.from({ length: 500 }, (_, i) => `192.0.2.${i % 256}`)
    const world = new World({ addresses: { 'n0.example': many, 'n1.example': ['192.0.2.1'], 'n2.example': ['192.0.2.1'] } })
    const locator = world.locator({ ...LOCATE_DEFAULTS, keptMax: 2 })
    expect(await hops(locator, 'sip:n0.example:5060')).toHaveLength(LOCATE_DEFAULTS.recordsMax)
    for (const n of [1, 2, 0]) await hops(locator, `sip:n${n}.example:5060`)
    expect(world.asked).toEqual(['a n0.example', 'a n1.example', 'a n2.example', 'a n0.example'])
  })
})
