/** The timers of RFC 3261 §17 on a network that loses what it is told to lose, with a clock that the test moves. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { print } from '../../../src/sip/codec.ts'
import { responseTo } from '../../../src/sip/echo.ts'
import { MemoryNetwork } from '../../../src/sip/embedded/memory.ts'
import { Headers, response, SipRequest, SipResponse } from '../../../src/sip/message.ts'
import type { Serve, SipStack } from '../../../src/sip/port.ts'
import { message } from '../../contract/sip-stack.ts'
import { Promised } from '../../support/promised.ts'
import { MemoryPeer } from '../../support/raw-sip.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

const running: SipStack[] = []
afterEach(async () => {
  const stopped = running.splice(0).map((stack) => stack.stop(0))
  await vi.advanceTimersByTimeAsync(1)
  await Promise.all(stopped)
  vi.useRealTimers()
})

const OURS = { host: '192.0.2.1', port: 5060 }

/** A stack, a peer who speaks in bytes, and when what came to him. */
async function world(serve: Serve = () => response(200)) {
  const network = new MemoryNetwork({ isLossy: true })
  const stack = network.join(OURS)
  running.push(stack)
  await stack.start(serve)
  const peer = new MemoryPeer(network, '192.0.2.7', 5060)
  const begun = performance.now()
  const times: number[] = []
  network.intercept = ({ to }) => {
    if (to === '192.0.2.7:5060') times.push(Math.round((performance.now() - begun) / 10) * 10)
    return 'pass'
  }
  return { network, stack, peer, times, send: (bytes: Buffer) => peer.send(bytes, OURS.host, OURS.port) }
}

const PEER = { transport: 'udp', host: '192.0.2.7', port: 5060 } as const

/** Its outcome, when there is one. */
function outcomeOf(sent: Promise<SipResponse>): { status?: number; cause?: unknown } {
  const outcome: { status?: number; cause?: unknown } = {}
  sent.then(
    (answer) => {
      outcome.status = answer.status
    },
    (cause: unknown) => {
      outcome.cause = cause
    },
  )
  return outcome
}

describe('a request of ours', () => {
  test('goes out again after 0.5, 1, 2 and then every 4 seconds, and is given up after 32', async () => {
    const { stack, times } = await world()
    const outcome = outcomeOf(stack.send(message('hi'), PEER))
    await vi.advanceTimersByTimeAsync(31_900)
    expect(times).toEqual([0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
    expect(outcome).toEqual({})
    await vi.advanceTimersByTimeAsync(200)
    expect(outcome.cause).toMatchObject({ why: 'timeout' })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(times).toHaveLength(11)
  })

  test('goes out every 4 seconds once the peer says that it works on it', async () => {
    const { stack, peer, times, send } = await world()
    const outcome = outcomeOf(stack.send(message('hi'), PEER))
    await vi.advanceTimersByTimeAsync(100)
    send(print(responseTo(await peer.request(), 100)))
    await vi.advanceTimersByTimeAsync(15_000)
    expect(times).toEqual([0, 500, 4_500, 8_500, 12_500])
    await vi.advanceTimersByTimeAsync(17_000)
    expect(outcome.cause).toMatchObject({ why: 'timeout' })
  })

  test('that got lost twice is answered once, and goes out no more', async () => {
    const served: string[] = []
    const network = new MemoryNetwork({ isLossy: true })
    const [alice, bob] = [network.join(OURS), network.join({ host: '192.0.2.2' })]
    running.push(alice, bob)
    await alice.start(() => response(200))
    await bob.start(({ request }) => {
      served.push(request.headers.get('call-id') ?? '')
      return response(202)
    })
    let lost = 0
    const crossed: string[] = []
    network.intercept = ({ bytes }) => {
      if (lost++ < 2) return 'drop'
      crossed.push(bytes.toString('latin1', 0, 7))
      return 'pass'
    }
    const outcome = outcomeOf(alice.send(message('hi'), { transport: 'udp', host: '192.0.2.2', port: 5060 }))
    await vi.advanceTimersByTimeAsync(40_000)
    expect(outcome.status).toBe(202)
    expect(served).toHaveLength(1)
    expect(crossed).toEqual(['MESSAGE', 'SIP/2.0'])
  })

  test('whose answers get lost is answered with the first answer, and served once', async () => {
    const network = new MemoryNetwork({ isLossy: true })
    const [alice, bob] = [network.join(OURS), network.join({ host: '192.0.2.2' })]
    running.push(alice, bob)
    await alice.start(() => response(200))
    let served = 0
    await bob.start(() => response(200 + served++))
    let answers = 0
    network.intercept = ({ bytes }) => (bytes.toString('latin1', 0, 3) === 'SIP' && answers++ < 3 ? 'drop' : 'pass')
    const outcome = outcomeOf(alice.send(message('hi'), { transport: 'udp', host: '192.0.2.2', port: 5060 }))
    await vi.advanceTimersByTimeAsync(10_000)
    expect([outcome.status, served, answers]).toEqual([200, 1, 4])
  })

  test('over a reliable way goes out once, and is given up at the same time', async () => {
    const network = new MemoryNetwork()
    const stack = network.join(OURS)
    running.push(stack)
    await stack.start(() => response(200))
    let packets = 0
    network.intercept = () => {
      packets++
      return 'drop'
    }
    const outcome = outcomeOf(stack.send(message('hi'), PEER))
    await vi.advanceTimersByTimeAsync(31_900)
    expect(outcome).toEqual({})
    await vi.advanceTimersByTimeAsync(200)
    expect(outcome.cause).toMatchObject({ why: 'timeout' })
    expect(packets).toBe(1)
  })

  test('nothing of it is left in the end, not even a clock that runs', async () => {
    const { stack, peer, send } = await world()
    const outcome = outcomeOf(stack.send(message('hi'), PEER))
    await vi.advanceTimersByTimeAsync(0)
    const answer = print(responseTo(await peer.request(), 200))
    send(answer)
    send(answer)
    await vi.advanceTimersByTimeAsync(6_000)
    expect(outcome.status).toBe(200)
    expect(stack.load.waiting).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })
})

function request(method: string, branch = 'z9hG4bK1', more: readonly string[] = []): Buffer {
  const fields = ['From', '<sip:a@h.example>;tag=1', 'To', '<sip:b@h.example>', 'Call-ID', '1', 'CSeq', `1 ${method}`, ...more]
  return print(new SipRequest(method, 'sip:b@h.example', new Headers(fields), Buffer.alloc(0)), `SIP/2.0/UDP 192.0.2.7;branch=${branch}`)
}

describe('a request of others', () => {
  test('is remembered for 32 seconds, then served anew', async () => {
    let served = 0
    const { peer, send, stack } = await world(() => response(200 + served++))
    send(request('MESSAGE'))
    await vi.advanceTimersByTimeAsync(31_000)
    send(request('MESSAGE'))
    await vi.advanceTimersByTimeAsync(0)
    expect([served, stack.load.retained]).toEqual([1, 1])
    await vi.advanceTimersByTimeAsync(2_500)
    expect(stack.load.retained).toBe(0)
    send(request('MESSAGE'))
    await vi.advanceTimersByTimeAsync(0)
    expect([await peer.response(), await peer.response(), await peer.response()].map((one) => one.status)).toEqual([200, 200, 201])
  })

  test('its answer is forgotten early where too many are kept, the oldest first', async () => {
    const network = new MemoryNetwork({ isLossy: true })
    const stack = network.join({ ...OURS, limits: { retainedMaxBytes: 5_000 } })
    running.push(stack)
    let served = 0
    await stack.start(() => {
      served++
      return response(200)
    })
    const peer = new MemoryPeer(network, '192.0.2.7', 5060)
    for (let n = 0; n < 100; n++) peer.send(request('MESSAGE', `z9hG4bK${n}`), OURS.host, OURS.port)
    await vi.advanceTimersByTimeAsync(0)
    expect(stack.load.retained).toBeLessThan(20)
    peer.send(request('MESSAGE', 'z9hG4bK99'), OURS.host, OURS.port)
    peer.send(request('MESSAGE', 'z9hG4bK0'), OURS.host, OURS.port)
    await vi.advanceTimersByTimeAsync(0)
    expect(served).toBe(101)
  })
})

describe('an answer that never comes', () => {
  test('leaves no request behind after 32 seconds, and comes too late after that', async () => {
    const answer = new Promised<SipResponse>()
    const { peer, send, stack } = await world(() => answer.promise)
    send(request('MESSAGE'))
    await vi.advanceTimersByTimeAsync(31_900)
    expect(stack.load.serving).toBe(1)
    await vi.advanceTimersByTimeAsync(200)
    expect(stack.load.serving).toBe(0)
    answer.resolve(response(200))
    await vi.advanceTimersByTimeAsync(0)
    expect(peer.all).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('a caller hears 408 after three minutes', async () => {
    const { peer, send, stack } = await world(() => new Promise(() => {}))
    send(request('INVITE'))
    await vi.advanceTimersByTimeAsync(179_000)
    expect(peer.all).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1_100)
    send(request('ACK'))
    await vi.advanceTimersByTimeAsync(40_000)
    expect(peer.all.map((one) => (one instanceof SipResponse ? one.status : 0))).toEqual([100, 408])
    expect(stack.load.serving).toBe(0)
  })
})

describe('a call that is refused', () => {
  const statuses = async (peer: MemoryPeer) => peer.all.map((one) => (one instanceof SipResponse ? one.status : one.method))

  test('hears so again until it acknowledges: after 0.5, 1, 2 and then every 4 seconds, for 32', async () => {
    const { times, send } = await world(() => response(480))
    send(request('INVITE'))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(times).toEqual([0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('its ACK ends that, and is answered by nothing', async () => {
    const { peer, send } = await world(() => response(480))
    send(request('INVITE'))
    await vi.advanceTimersByTimeAsync(600)
    send(request('ACK'))
    send(request('ACK'))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await statuses(peer)).toEqual([480, 480])
  })

  test('a phone of RFC 2543 is acknowledged too, by its From-tag, Call-ID and CSeq', async () => {
    const { peer, send } = await world(() => response(480))
    const old = (method: string) =>
      Buffer.from(
        request(method, 'old')
          .toString()
          .replace('To: <sip:b@h.example>', `To: <sip:b@h.example>${method === 'ACK' ? ';tag=x' : ''}`),
      )
    send(old('INVITE'))
    await vi.advanceTimersByTimeAsync(100)
    send(old('ACK'))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await statuses(peer)).toEqual([480])
  })

  test('that takes longer hears 100 after 0.2 seconds, with its Timestamp, and again when it asks again', async () => {
    const answer = new Promised<SipResponse>()
    let served = 0
    const { peer, send } = await world(() => {
      served++
      return answer.promise
    })
    send(request('INVITE', 'z9hG4bK1', ['Timestamp', '54']))
    await vi.advanceTimersByTimeAsync(150)
    expect(peer.all).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(100)
    send(request('INVITE', 'z9hG4bK1', ['Timestamp', '54']))
    await vi.advanceTimersByTimeAsync(0)
    expect(await statuses(peer)).toEqual([100, 100])
    expect((await peer.response()).headers.get('timestamp')).toBe('54')
    answer.resolve(response(486))
    await vi.advanceTimersByTimeAsync(0)
    send(request('ACK'))
    await vi.advanceTimersByTimeAsync(40_000)
    expect(await statuses(peer)).toEqual([100, 100, 486])
    expect(served).toBe(1)
  })

  test('can be cancelled while it waits: 200 for the CANCEL, 487 for the call, and the late answer counts no more', async () => {
    const answer = new Promised<SipResponse>()
    const { peer, send, stack } = await world(() => answer.promise)
    send(request('INVITE'))
    send(request('CANCEL'))
    send(request('CANCEL'))
    await vi.advanceTimersByTimeAsync(100)
    send(request('ACK'))
    answer.resolve(response(480))
    await vi.advanceTimersByTimeAsync(40_000)
    expect(await statuses(peer)).toEqual([200, 487, 200])
    expect(peer.all.map((one) => one.headers.get('cseq'))).toEqual(['1 CANCEL', '1 INVITE', '1 CANCEL'])
    expect(new Set(peer.all.map((one) => one.headers.get('to'))).size).toBe(1)
    expect(stack.load.serving).toBe(0)
  })

  test('is not cancelled after its answer, and what never was cannot be', async () => {
    const { peer, send } = await world(() => response(480))
    send(request('INVITE'))
    send(request('CANCEL'))
    send(request('ACK'))
    send(request('CANCEL', 'z9hG4bKother'))
    await vi.advanceTimersByTimeAsync(40_000)
    expect(await statuses(peer)).toEqual([480, 200, 481])
  })

  test('is refused at once where there are too many', async () => {
    const network = new MemoryNetwork({ isLossy: true })
    const stack = network.join({ ...OURS, limits: { invitesMax: 2 } })
    running.push(stack)
    await stack.start(() => response(480))
    const peer = new MemoryPeer(network, '192.0.2.7', 5060)
    for (let n = 0; n < 3; n++) peer.send(request('INVITE', `z9hG4bK${n}`), OURS.host, OURS.port)
    await vi.advanceTimersByTimeAsync(0)
    expect(await statuses(peer)).toEqual([480, 480, 503])
  })
})
