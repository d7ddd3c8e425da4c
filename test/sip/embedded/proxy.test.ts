/** The stateful proxy of RFC 3261 §16, below whoever says where a request goes. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { silent } from '../../../src/log/log.ts'
import { print } from '../../../src/sip/codec.ts'
import { responseTo, withEcho } from '../../../src/sip/echo.ts'
import { MemoryNetwork } from '../../../src/sip/embedded/memory.ts'
import { bestOf } from '../../../src/sip/embedded/proxy-best.ts'
import { DialogRoutes, hopOnSide } from '../../../src/sip/embedded/record-route.ts'
import { embeddedStack } from '../../../src/sip/embedded/stack.ts'
import { Headers, response, SipRequest, SipResponse } from '../../../src/sip/message.ts'
import { parseNameAddr } from '../../../src/sip/name-addr.ts'
import { type Branch, Forward, type NextHop, type SipStack } from '../../../src/sip/port.ts'
import { MemoryPeer, UdpPeer } from '../../support/raw-sip.ts'

const OURS = { host: '192.0.2.1', port: 5060 }
const BOB: NextHop = { transport: 'udp', host: '192.0.2.8', port: 5060 }

const running: SipStack[] = []
afterEach(async () => {
  const stopped = running.splice(0).map((stack) => stack.stop(0))
  if (vi.isFakeTimers()) await vi.advanceTimersByTimeAsync(1)
  await Promise.all(stopped)
  vi.useRealTimers()
})

/** Everything goes to bob. */
const toBob: Branch = { uri: 'sip:bob@192.0.2.8', route: [], hop: BOB }

async function world(branches: readonly Branch[] = [toBob], invitesMax = 100) {
  const network = new MemoryNetwork({ isLossy: true })
  const stack = network.join({ ...OURS, limits: { invitesMax } })
  running.push(stack)
  await stack.start(({ request }) => new Forward(request, branches))
  const alice = new MemoryPeer(network, '192.0.2.7', 5060)
  const bob = new MemoryPeer(network, BOB.host, BOB.port)
  return {
    network,
    stack,
    alice,
    bob,
    ask: (request: SipRequest) => alice.send(print(request), OURS.host, OURS.port),
    say: (said: SipResponse) => bob.send(print(said), OURS.host, OURS.port),
  }
}

function request(method: string, uri = 'sip:bob@h.example', fields: readonly (readonly [string, string])[] = []): SipRequest {
  const branch = /^(?:INVITE|ACK|CANCEL)$/.test(method) ? 'call' : method
  const headers = new Headers(['Via', `SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK${branch}`, 'Max-Forwards', '70', 'Call-ID', 'one'])
  headers.append('From', '<sip:alice@h.example>;tag=a')
  headers.append('CSeq', `1 ${method}`)
  for (const [name, value] of fields) headers.append(name, value)
  if (!headers.has('To')) headers.append('To', '<sip:bob@h.example>')
  return new SipRequest(method, uri, headers, Buffer.alloc(0))
}

const lines = (all: readonly (SipRequest | SipResponse)[]) => all.map((one) => (one instanceof SipResponse ? one.status : one.method))

describe('an INVITE that goes on', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })

  test('of an account that nobody listens to: nothing is kept of it, and nobody is asked for a session timer', async () => {
    const { bob, ask, say, stack } = await world([{ ...toBob, aor: 'bob@h.example' }])
    ask(request('INVITE'))
    await vi.advanceTimersByTimeAsync(1)
    const invite = bob.all[0]
    if (!(invite instanceof SipRequest)) throw new Error('no INVITE')
    say(withEcho(invite, response(180), 'b'))
    await vi.advanceTimersByTimeAsync(1)
    expect(stack.load.watched).toBe(0)
    expect(invite.headers.has('Session-Expires')).toBe(false)
  })

  test('goes out again after 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 seconds, and the caller hears 408 after 32', async () => {
    const { network, alice, ask, stack } = await world()
    const begun = performance.now()
    const times: number[] = []
    network.intercept = ({ to }) => {
      if (to === '192.0.2.8:5060') times.push(Math.round((performance.now() - begun) / 100) * 100)
      return 'pass'
    }
    ask(request('INVITE'))
    await vi.advanceTimersByTimeAsync(31_900)
    expect(lines(alice.all)).toEqual([100])
    await vi.advanceTimersByTimeAsync(200)
    ask(request('ACK'))
    await vi.advanceTimersByTimeAsync(100_000)
    expect(times).toEqual([0, 500, 1_500, 3_500, 7_500, 15_500, 31_500])
    expect(lines(alice.all)).toEqual([100, 408])
    expect(stack.load).toEqual({ serving: 0, waiting: 0, retained: 0, ringing: 0, invites: 0, watched: 0 })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is acknowledged here where it is refused, as often as the refusal comes; the caller hears that once', async () => {
    const { alice, bob, ask, say, stack } = await world()
    ask(request('INVITE'))
    const invite = await bob.request()
    const busy = responseTo(invite, 486)
    say(busy)
    say(busy)
    await vi.advanceTimersByTimeAsync(0)
    ask(request('ACK'))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(lines(bob.all)).toEqual(['INVITE', 'ACK', 'ACK'])
    const ack = bob.all[1]
    expect(ack?.headers.get('Via')).toBe(invite.headers.get('Via'))
    expect(ack?.headers.get('To')).toBe(busy.headers.get('To'))
    expect(ack?.headers.get('CSeq')).toBe('1 ACK')
    expect(lines(alice.all)).toEqual([486])
    expect(stack.load.invites).toBe(0)
  })

  test('passes on each 2xx that comes again for 32 seconds, and nothing of it is left then', async () => {
    const { alice, bob, ask, say, stack } = await world()
    ask(request('INVITE'))
    const answer = responseTo(await bob.request(), 200)
    say(answer)
    await vi.advanceTimersByTimeAsync(500)
    say(answer)
    await vi.advanceTimersByTimeAsync(31_000)
    say(answer)
    await vi.advanceTimersByTimeAsync(5_000)
    say(answer)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(lines(alice.all)).toEqual([200, 200, 200])
    expect(stack.load).toMatchObject({ ringing: 0, invites: 0, watched: 0 })
  })

  test('is cancelled with its own branch, and given up where nobody answers that', async () => {
    const { alice, bob, ask, say, stack } = await world()
    ask(request('INVITE'))
    const invite = await bob.request()
    say(responseTo(invite, 180))
    await vi.advanceTimersByTimeAsync(0)
    ask(request('CANCEL'))
    await vi.advanceTimersByTimeAsync(400)
    expect(lines(alice.all)).toEqual([180, 200])
    const cancel = bob.all[1]
    expect([cancel?.headers.get('CSeq'), cancel?.headers.get('Via')]).toEqual(['1 CANCEL', invite.headers.get('Via')])
    await vi.advanceTimersByTimeAsync(32_000)
    ask(request('ACK'))
    await vi.advanceTimersByTimeAsync(40_000)
    expect(lines(alice.all)).toEqual([180, 200, 487])
    expect(stack.load).toMatchObject({ waiting: 0, ringing: 0, invites: 0, watched: 0 })
  })

  test('is refused with 503 where too many are under way', async () => {
    const { alice, ask } = await world([toBob], 1)
    ask(request('INVITE'))
    const second = request('INVITE')
    second.headers.set('Via', 'SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKsecond')
    ask(second)
    await vi.advanceTimersByTimeAsync(0)
    expect(lines(alice.all)).toEqual([503])
  })
})

describe('routes', () => {
  test('that a strict router wrote are read as it meant them', async () => {
    const { bob, ask } = await world()
    ask(request('INVITE'))
    const own = parseNameAddr((await bob.request()).headers.values('Record-Route')[0] ?? '').uri
    ask(
      request('BYE', own, [
        ['Route', '<sip:bob@192.0.2.8>'],
        ['To', '<sip:bob@h.example>;tag=b'],
      ]),
    )
    const bye = await bob.request()
    expect([bye.uri, bye.headers.has('Route')]).toEqual(['sip:bob@192.0.2.8', false])
  })

  test('to a strict router are written as it wants them', async () => {
    const { bob, ask } = await world([{ ...toBob, route: ['<sip:strict.example>', '<sip:loose.example;lr>'] }])
    ask(request('INVITE'))
    const invite = await bob.request()
    expect(invite.uri).toBe('sip:strict.example')
    expect(invite.headers.values('Route')).toEqual(['<sip:loose.example;lr>', '<sip:bob@192.0.2.8>'])
  })

  const side: NextHop = { transport: 'tcp', host: '2001:db8::7', port: 40_000, flow: 'tcp-1-1' }
  const local: NextHop = { transport: 'tcp', host: '2001:db8::1', port: 5_060 }
  const key = Buffer.alloc(32, 1)
  const field = new DialogRoutes(key).fieldFor(side, local, 'one')
  const { uri } = parseNameAddr(field)

  test('of ours are known again after a restart, by what they say and nothing kept', () => {
    expect(field).toMatch(/^<sip:[\w-]+@\[2001:db8::1\]:5060;transport=tcp;lr>$/)
    expect(new DialogRoutes(key).sideOf(uri, 'one')).toEqual(side)
  })

  for (const transport of ['udp', 'tcp', 'tls', 'ws', 'wss'] as const)
    test(`name a side over ${transport}`, () => {
      const routes = new DialogRoutes(key)
      const other = { ...side, transport }
      expect(routes.sideOf(parseNameAddr(routes.fieldFor(other, { ...local, transport }, 'one')).uri, 'one')).toEqual(other)
    })

  for (const [what, routes, callId, text] of [
    ['another key signed', new DialogRoutes(Buffer.alloc(32, 2)), 'one', uri],
    ['belong to another dialog', new DialogRoutes(key), 'two', uri],
    ['were changed', new DialogRoutes(key), 'one', uri.replace(/.@/, (end) => (end === 'A@' ? 'B@' : 'A@'))],
    ['have no user', new DialogRoutes(key), 'one', 'sip:192.0.2.1;lr'],
    ['have any user', new DialogRoutes(key), 'one', 'sip:romeo-montague-of-verona-in-italy@192.0.2.1;lr'],
  ] as const)
    test(`that ${what} are none of ours`, () => expect(routes.sideOf(text, callId)).toBeUndefined())

  test('lead to the contact where it is at the address that spoke, and else to where that address was heard', () => {
    const udp: NextHop = { transport: 'udp', host: '192.0.2.7', port: 40_000 }
    const alive = () => true
    expect(hopOnSide(udp, 'sip:a@192.0.2.7:5062', alive)).toEqual({ ...udp, port: 5_062 })
    expect(hopOnSide(udp, 'sip:a@10.0.0.1:5062', alive)).toEqual(udp)
    expect(hopOnSide(side, 'sip:a@[2001:db8::7]', alive)).toEqual(side)
    expect(hopOnSide(side, 'sip:a@[2001:db8::7]:5062;transport=tcp', () => false)).toEqual({
      transport: 'tcp',
      host: side.host,
      port: 5_062,
    })
    expect(hopOnSide(side, 'sip:a@abc.invalid;transport=ws', () => false)).toBeUndefined()
  })
})

describe('of several refusals', () => {
  for (const [said, best] of [
    [[486, 480], 486],
    [[408, 486, 503], 486],
    [[404, 603], 603],
    [[603, 600], 600],
    [[302, 486], 302],
    [[500, 404], 404],
    [[486, 415], 415],
    [[408, 487], 408],
    [[503], 500],
    [[503, 500], 500],
    [[], 408],
  ] as const)
    test(`${said.join(', ') || 'none at all'}: ${best} is told`, () =>
      expect(bestOf(said.map((status) => response(status))).status).toBe(best))

  test('that ask for a password all questions are told', () => {
    const challenge = (realm: string) => response(407, undefined, [['Proxy-Authenticate', `Digest realm="${realm}"`]])
    expect(bestOf([challenge('a'), response(486), challenge('b')]).headers.all('Proxy-Authenticate')).toEqual([
      'Digest realm="a"',
      'Digest realm="b"',
    ])
  })
})

test('a call through real sockets is answered, acknowledged and ended', async () => {
  const stack = embeddedStack({ listeners: [{ transport: 'udp', port: 0, address: '127.0.0.1' }] }, silent)
  running.push(stack)
  let branches: readonly Branch[] = []
  const [listening] = await stack.start(({ request: asked }) => new Forward(asked, branches))
  const port = listening?.port ?? 0
  const [alice, bob] = [await UdpPeer.to(port), await UdpPeer.to(port)]
  try {
    const contact = `sip:bob@127.0.0.1:${bob.port}`
    branches = [{ uri: contact, route: [], hop: { transport: 'udp', host: '127.0.0.1', port: bob.port } }]
    const via = (branch: string) => `SIP/2.0/UDP 127.0.0.1:${alice.port};branch=z9hG4bK${branch};rport`
    const invite = request('INVITE', 'sip:bob@h.example', [['Contact', `<sip:alice@127.0.0.1:${alice.port}>`]])
    invite.headers.set('Via', via('1'))
    alice.send(print(invite))
    const heard = await bob.request()
    bob.send(print(responseTo(heard, 180)))
    expect((await alice.response()).status).toBe(180)
    const records = heard.headers.all('Record-Route').map((value) => ['Record-Route', value] as const)
    bob.send(print(responseTo(heard, 200, undefined, [...records, ['Contact', `<${contact}>`]])))
    const answer = await alice.response()
    expect(answer.status).toBe(200)
    const routes = answer.headers.values('Record-Route').toReversed()
    for (const method of ['ACK', 'BYE']) {
      const next = request(method, contact, [...routes.map((value) => ['Route', value] as const), ['To', answer.headers.get('To') ?? '']])
      next.headers.set('Via', via(method))
      alice.send(print(next))
      const got = await bob.request()
      expect([got.method, got.uri, got.headers.has('Route')]).toEqual([method, contact, false])
      if (method === 'BYE') bob.send(print(responseTo(got, 200)))
    }
    expect((await alice.response()).headers.get('CSeq')).toBe('1 BYE')
  } finally {
    await Promise.all([alice.close(), bob.close()])
  }
})
