/** What still comes of calls that have their answer, and how little is kept for it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { print } from '../../../src/sip/codec.ts'
import { responseTo } from '../../../src/sip/echo.ts'
import type { Limits } from '../../../src/sip/embedded/limits.ts'
import { MemoryNetwork } from '../../../src/sip/embedded/memory.ts'
import { Headers, SipRequest, type SipResponse } from '../../../src/sip/message.ts'
import { Forward, type NextHop, type SipStack } from '../../../src/sip/port.ts'
import { MemoryPeer } from '../../support/raw-sip.ts'

const OURS = { host: '192.0.2.1', port: 5060 }
const BOB: NextHop = { transport: 'udp', host: '192.0.2.8', port: 5060 }

let running: SipStack | undefined
beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(async () => {
  const stopped = running?.stop(0)
  await vi.advanceTimersByTimeAsync(1)
  await stopped
  vi.useRealTimers()
})

async function world(limits: Partial<Limits>) {
  const network = new MemoryNetwork({ isLossy: true })
  const stack = network.join({ ...OURS, limits })
  running = stack
  await stack.start(({ request }) => new Forward(request, [{ uri: 'sip:bob@192.0.2.8', route: [], hop: BOB }]))
  const alice = new MemoryPeer(network, '192.0.2.7', 5060)
  const bob = new MemoryPeer(network, BOB.host, BOB.port)
  const ask = (method: string, n: number) => alice.send(print(request(method, n)), OURS.host, OURS.port)
  const say = (said: SipResponse) => bob.send(print(said), OURS.host, OURS.port)
  return { stack, alice, bob, ask, say }
}

/** Of call `n`, all of one transaction. */
function request(method: string, n: number): SipRequest {
  const via = `SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK${n}, SIP/2.0/UDP 192.0.2.77;branch=z9hG4bKbefore`
  const headers = new Headers(['Via', via, 'Max-Forwards', '70', 'Call-ID', `call-${n}`, 'From', '<sip:alice@h.example>;tag=a'])
  headers.list.push('To', '<sip:bob@h.example>', 'CSeq', `1 ${method}`)
  return new SipRequest(method, 'sip:bob@h.example', headers, Buffer.alloc(0))
}

type World = Awaited<ReturnType<typeof world>>

async function answered({ bob, alice, ask, say }: World, n: number, status: number): Promise<SipResponse> {
  ask('INVITE', n)
  const answer = responseTo(await bob.request(), status)
  say(answer)
  expect((await alice.response()).status).toBe(status)
  if (status < 300) return answer
  expect((await bob.request()).method).toBe('ACK')
  ask('ACK', n)
  return answer
}

test.each([200, 486])('calls that were answered %d take no room from those that come', async (status) => {
  const all = await world({ invitesMax: 2 })
  for (let n = 0; n < 20; n++) await answered(all, n, status)
  expect(all.stack.load).toMatchObject({ ringing: 0, invites: 40 })
  await vi.advanceTimersByTimeAsync(33_000)
  expect(all.stack.load).toMatchObject({ invites: 0, retained: 0 })
})

test('a refusal that nobody acknowledges does', async () => {
  const { alice, bob, ask, say } = await world({ invitesMax: 2 })
  for (let n = 0; n < 2; n++) {
    ask('INVITE', n)
    say(responseTo(await bob.request(), 486))
    expect((await alice.response()).status).toBe(486)
    await bob.request()
  }
  ask('INVITE', 3)
  expect((await alice.response()).status).toBe(503)
})

test('an INVITE that comes again after its answer rings nowhere, and cannot be cancelled any more', async () => {
  const all = await world({})
  await answered(all, 1, 200)
  all.ask('INVITE', 1)
  all.ask('CANCEL', 1)
  expect((await all.alice.response()).headers.get('CSeq')).toBe('1 CANCEL')
  await vi.advanceTimersByTimeAsync(1_000)
  expect(all.bob.all.map((one) => (one instanceof SipRequest ? one.method : one.status))).toEqual(['INVITE'])
  expect(all.alice.all).toHaveLength(2)
})

test('an answer that comes again is passed on as the first one was, with every Via but ours', async () => {
  const all = await world({})
  const answer = await answered(all, 1, 200)
  await vi.advanceTimersByTimeAsync(500)
  all.say(answer)
  await all.alice.response()
  const [first, again] = all.alice.all
  for (const name of ['Via', 'From', 'To', 'Call-ID', 'CSeq']) expect(again?.headers.values(name)).toEqual(first?.headers.values(name))
})

test('of more calls than there is room for the oldest are forgotten first', async () => {
  const all = await world({ answeredMax: 3 })
  const answers: SipResponse[] = []
  for (let n = 0; n < 5; n++) answers.push(await answered(all, n, 200))
  expect(all.stack.load.invites).toBe(6)
  for (const answer of answers) all.say(answer)
  await vi.advanceTimersByTimeAsync(0)
  expect(all.alice.all.slice(5).map((one) => one.headers.get('Call-ID'))).toEqual(['call-2', 'call-3', 'call-4'])
})
