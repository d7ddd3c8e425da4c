/** A drachtio server that is away, comes back, refuses us, or is something else. */
import { once } from 'node:events'
import { createServer, Socket } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { silent } from '../../../src/log/log.ts'
import { DrachtioStack } from '../../../src/sip/drachtio/stack.ts'
import { MemoryNetwork } from '../../../src/sip/embedded/memory.ts'
import { response } from '../../../src/sip/message.ts'
import { message } from '../../contract/sip-stack.ts'
import { failureOf, keep, leave, place, QUICK, ready, text, until } from '../../support/drachtio-place.ts'
import { StackOnDouble } from '../../support/drachtio-stack.ts'
import { Promised } from '../../support/promised.ts'
import { LogBook } from '../../support/stream-house.ts'

afterEach(leave)

describe('a server that is away', () => {
  test('at the start is waited for, and the gateway starts', async () => {
    const closed = createServer()
    closed.listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const address = closed.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    closed.close()
    await once(closed, 'close')
    const log = new LogBook()
    const stack = new DrachtioStack({ host: '127.0.0.1', port, secret: 'cymru', ...QUICK }, log)
    keep(stack)
    expect(await stack.start(() => response(200))).toEqual([])
    expect(stack.connection).toMatchObject({ state: 'away', retries: 1, why: expect.stringContaining('ECONNREFUSED') })
    expect(await failureOf(stack.send(message(''), { transport: 'udp', host: '192.0.2.2', port: 5_060 }))).toMatchObject({
      why: 'transport',
    })
    expect(log.of('drachtio_connection_failed')).toHaveLength(1)
  })

  test('fails what is under way at once, refuses what is new at once, and all goes on when it is back', async () => {
    const log = new LogBook()
    const arrived = new Promised<void>()
    const { stack, double, toPeer, toUs, peer, served } = await place({
      settings: QUICK,
      log,
      peer: ({ request: asked }) => {
        if (asked.body.length > 0) return response(200)
        arrived.resolve()
        return new Promise(() => {})
      },
    })
    const under = Array.from({ length: 20 }, () => failureOf(stack.send(message(''), toPeer)))
    await arrived.promise
    const begun = performance.now()
    await double.vanish()
    for (const failure of await Promise.all(under)) expect(failure).toMatchObject({ why: 'transport' })
    expect(performance.now() - begun).toBeLessThan(1_000)
    expect(await failureOf(stack.send(text(10), toPeer))).toMatchObject({ why: 'transport', message: expect.stringContaining('away') })
    expect(stack.connection.state).toBe('away')
    expect((await peer.send(message(''), toUs)).status).toBe(503)

    const back = once(double, 'application')
    await double.appear()
    await back
    await ready(stack)
    expect(stack.connection).toMatchObject({ state: 'connected', retries: 0, why: undefined })
    expect((await stack.send(text(10), toPeer)).status).toBe(200)
    expect((await peer.send(message(''), toUs)).status).toBe(200)
    expect(served).toHaveLength(1)
    expect(log.of('drachtio_connected')).toHaveLength(2)
  })

  test('is asked again after pauses that grow and have a bound', async () => {
    const { stack, double } = await place({ settings: { limits: { retryFirstMs: 2, retryMaxMs: 8 } } })
    await double.vanish()
    const begun = performance.now()
    await until(() => stack.connection.retries >= 8)
    // 4 + 7 times 8 at the most, and what the machine takes.
    expect(performance.now() - begun).toBeGreaterThanOrEqual(30)
    expect(stack.connection.state).toBe('away')
  })

  test('gets what we write at once, on every connection: the kernel does not hold small frames back', async () => {
    const undelayed = vi.spyOn(Socket.prototype, 'setNoDelay')
    const { stack, double } = await place({ settings: QUICK })
    const contexts: readonly unknown[] = undelayed.mock.contexts
    const ours = () => new Set(contexts.filter((socket) => socket instanceof Socket && socket.remotePort === double.port)).size
    expect(ours()).toBe(1)
    const back = once(double, 'application')
    double.cut()
    await back
    await ready(stack)
    expect(ours()).toBe(2)
    undelayed.mockRestore()
  })

  test('comes and goes a hundred times, and each time all is as it was', async () => {
    const { stack, double, toPeer, toUs, peer } = await place({ settings: QUICK })
    for (let round = 0; round < 100; round++) {
      const back = once(double, 'application')
      double.cut()
      await back
      await ready(stack)
      expect((await stack.send(text(round * 50), toPeer)).status).toBe(200)
      expect((await peer.send(text(10), toUs)).status).toBe(200)
    }
    expect(double.applications.size).toBe(1)
    expect(double.faults).toEqual([])
  })

  test('in the sense that it says nothing any more is noticed by our ping', async () => {
    const { stack, double } = await place({ settings: { limits: { ...QUICK.limits, pingMs: 10 } } })
    await until(() => [...double.applications].some(({ pings }) => pings > 2))
    expect(stack.connection.state).toBe('connected')
    double.isMute = true
    await once(double, 'gone')
    double.isMute = false
    await once(double, 'application')
    await ready(stack)
  })

  test('because it refuses our secret is told as that, once, and asked no more often than the bound', async () => {
    const log = new LogBook()
    const network = new MemoryNetwork()
    const stack = new StackOnDouble(network.join({ host: '192.0.2.1' }), { secret: 'wrong', ...QUICK }, {}, log)
    keep(stack)
    expect(await stack.start(() => response(200))).toEqual([])
    let refusals = 0
    stack.double.on('refused', () => refusals++)
    await until(() => refusals >= 5)
    expect(stack.connection).toMatchObject({ state: 'away', why: 'it refused the secret' })
    expect(stack.connection.retries).toBeGreaterThanOrEqual(5)
    expect(log.of('drachtio_connection_failed').filter(({ level }) => level === 'failures')).toHaveLength(1)
    expect(JSON.stringify(log.records)).not.toContain('wrong')
  })

  test('because another program is at its port does not end the process', async () => {
    const sockets: Socket[] = []
    const other = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.write('SSH-2.0-OpenSSH_9.2p1 #1\r\n')
    })
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    const stack = new DrachtioStack({ host: '127.0.0.1', port, secret: 'cymru', ...QUICK }, silent)
    keep(stack)
    await stack.start(() => response(200))
    expect(stack.connection.why).toContain('does not speak')
    await stack.stop(0)
    for (const socket of sockets) socket.destroy()
    other.close()
  })
})
