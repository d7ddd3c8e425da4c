import { expect, test } from 'vitest'
import { SipUri } from '../../../src/address/sip-uri.ts'
import { silent } from '../../../src/log/log.ts'
import { LOCATE_DEFAULTS } from '../../../src/sip/locate/limits.ts'
import { Outbound } from '../../../src/sip/locate/outbound.ts'
import { Peer } from '../../../src/sip/locate/peer.ts'
import { Headers, response, SipRequest, type SipResponse } from '../../../src/sip/message.ts'
import { type NextHop, NoResponseError, type SipStack } from '../../../src/sip/port.ts'
import { Heard } from '../../support/heard.ts'
import { World } from './world.ts'

const REQUEST = new SipRequest('MESSAGE', 'sip:mab@core.example', new Headers(), Buffer.from('Queen Mab'))
const CORE = SipUri.parse('sip:core.example:5060')

/** A stack whose network is a table: what each host does with a request. */
class TableStack implements SipStack {
  readonly can = { dialogs: 'ours', proxy: false, serves: new Set<string>() } as const
  readonly tried: string[] = []
  readonly does = new Map<string, () => SipResponse>()

  async send(_request: SipRequest, hop: NextHop): Promise<SipResponse> {
    this.tried.push(hop.host)
    return this.does.get(hop.host)?.() ?? response(200)
  }
  localFor = (hop: NextHop): NextHop => hop
  start = async () => []
  stop = async () => {}
}

function outbound(addresses: readonly string[]) {
  const world = new World({ addresses: { 'core.example': addresses }, ttl: 300 })
  const stack = new TableStack()
  return { world, stack, out: new Outbound(stack, world.locator(), silent) }
}

const silence = (why: 'timeout' | 'transport' = 'timeout') => {
  throw new NoResponseError(why, 'nothing came')
}
const busy = (seconds?: number) => () => response(503, undefined, seconds === undefined ? [] : [['Retry-After', String(seconds)]])

for (const why of ['timeout', 'transport'] as const)
  test(`a hop that fails by ${why} is followed by the next one, and stands behind it for a while`, async () => {
    const { world, stack, out } = outbound(['a', 'b'])
    stack.does.set('a', () => silence(why))
    expect((await out.send(REQUEST, CORE)).status).toBe(200)
    await out.send(REQUEST, CORE)
    expect(stack.tried).toEqual(['a', 'b', 'b'])
    world.clock += LOCATE_DEFAULTS.silentSeconds * 1_000
    stack.does.delete('a')
    await out.send(REQUEST, CORE)
    expect(stack.tried.slice(3)).toEqual(['a'])
    expect(out.ailing).toBe(0)
  })

test('any answer but 503 is the answer: nobody else is asked', async () => {
  const { stack, out } = outbound(['a', 'b'])
  stack.does.set('a', () => response(486))
  expect((await out.send(REQUEST, CORE)).status).toBe(486)
  expect(stack.tried).toEqual(['a'])
})

test('an overloaded hop is left alone for as long as it asks', async () => {
  const { world, stack, out } = outbound(['a', 'b'])
  stack.does.set('a', busy(20))
  stack.does.set('b', busy(30))
  expect((await out.send(REQUEST, CORE)).status).toBe(503)
  world.clock += 5_000
  const refused = await out.send(REQUEST, CORE)
  expect([refused.status, refused.headers.get('Retry-After')]).toEqual([503, '15'])
  expect(stack.tried).toEqual(['a', 'b'])
  world.clock += 15_000
  stack.does.delete('a')
  expect((await out.send(REQUEST, CORE)).status).toBe(200)
  expect(stack.tried).toEqual(['a', 'b', 'a'])
})

test('an overloaded hop that names no time is asked again with the next request', async () => {
  const { stack, out } = outbound(['a'])
  stack.does.set('a', busy())
  await out.send(REQUEST, CORE)
  await out.send(REQUEST, CORE)
  expect(stack.tried).toEqual(['a', 'a'])
})

test('a Retry-After of a day is believed for minutes', async () => {
  const { world, stack, out } = outbound(['a'])
  stack.does.set('a', busy(86_400))
  await out.send(REQUEST, CORE)
  world.clock += LOCATE_DEFAULTS.busyMaxSeconds * 1_000
  await out.send(REQUEST, CORE)
  expect(stack.tried).toEqual(['a', 'a'])
})

test('where all are silent only the one that has been so longest is tried, and the failure is told', async () => {
  const { stack, world, out } = outbound(['a', 'b'])
  for (const host of ['a', 'b'])
    stack.does.set(host, () => {
      world.clock += 10
      return silence()
    })
  await expect(out.send(REQUEST, CORE)).rejects.toMatchObject({ why: 'timeout' })
  await expect(out.send(REQUEST, CORE)).rejects.toMatchObject({ why: 'timeout' })
  expect(stack.tried).toEqual(['a', 'b', 'a'])
})

test('no more hops are tried than somebody would wait for', async () => {
  const { stack, world, out } = outbound(['a', 'b', 'c', 'd', 'e', 'f'])
  for (const host of 'abcdef') stack.does.set(host, () => silence('transport'))
  await expect(out.send(REQUEST, CORE)).rejects.toMatchObject({ why: 'transport' })
  expect(stack.tried).toHaveLength(LOCATE_DEFAULTS.triedMax)
  world.clock += 1_000_000
  stack.tried.length = 0
  for (const host of 'abcdef')
    stack.does.set(host, () => {
      world.clock += 32_000
      return silence()
    })
  await expect(out.send(REQUEST, CORE)).rejects.toMatchObject({ why: 'timeout' })
  expect(stack.tried).toHaveLength(2)
})

test('a hop that goes away and comes back is told once each, however many messages meet it', async () => {
  const heard = new Heard()
  const { stack, world } = outbound(['a'])
  const out = new Outbound(stack, world.locator(), heard.log)
  stack.does.set('a', () => silence())
  for (let i = 0; i < 3; i++) await expect(out.send(REQUEST, CORE)).rejects.toMatchObject({ why: 'timeout' })
  world.clock += 1_000_000
  await expect(out.send(REQUEST, CORE)).rejects.toMatchObject({ why: 'timeout' })
  stack.does.delete('a')
  for (let i = 0; i < 3; i++) await out.send(REQUEST, CORE)
  expect(heard.facts.map(({ what }) => what)).toEqual(['hop_failed', 'hop_back'])
})

test('a mistake of our own is no hop that fails', async () => {
  const { stack, out } = outbound(['a', 'b'])
  stack.does.set('a', () => {
    throw new TypeError('ours')
  })
  await expect(out.send(REQUEST, CORE)).rejects.toThrow(TypeError)
  expect(out.ailing).toBe(0)
})

test('what comes from a peer is known by its address, and stays known while DNS is away', async () => {
  const { world, out } = outbound(['192.0.2.20'])
  const peer = new Peer(CORE, out)
  const from = { transport: 'tcp', host: '192.0.2.20', port: 40_000 } as const
  expect(peer.isSourceOf(undefined, from)).toBe(false)
  await peer.locate()
  expect(peer.isSourceOf(undefined, from)).toBe(true)
  expect(peer.isSourceOf(undefined, { ...from, host: '192.0.2.21' })).toBe(false)
  world.clock += 1_000_000
  world.isAway = () => true
  await expect(peer.locate()).rejects.toThrow('cannot be looked up')
  expect(peer.isSourceOf(undefined, from)).toBe(true)
  expect((await peer.send(REQUEST)).status).toBe(200)
  world.isAway = () => false
  world.names = {}
  world.clock += 1_000_000
  await expect(peer.send(REQUEST)).rejects.toThrow('has no address')
})

test('on this machine, where a telephone may stand beside the PBX, the port counts too', () => {
  const { out } = outbound([])
  const peer = new Peer(SipUri.parse('sip:127.0.0.1:5080'), out)
  const at = (port: number, via?: string) => {
    const headers = new Headers()
    if (via !== undefined) headers.append('Via', via)
    return peer.isSourceOf(new SipRequest('MESSAGE', 'sip:a', headers, Buffer.alloc(0)), { transport: 'tcp', host: '127.0.0.1', port })
  }
  expect(at(5_080)).toBe(true)
  expect(at(40_000)).toBe(false)
  expect(at(40_000, 'SIP/2.0/TCP 127.0.0.1:5080;branch=z9hG4bK1')).toBe(true)
  expect(at(40_000, 'SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK1')).toBe(false)
  expect(at(40_000, 'nonsense')).toBe(false)
})
