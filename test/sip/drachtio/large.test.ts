/** Frames have limits on the way to a drachtio server: nothing is cut, nothing spoils what stands behind it, and what is too large is refused with the limit. */
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { parseMessage, print } from '../../../src/sip/codec.ts'
import { responseTo } from '../../../src/sip/echo.ts'
import type { MemoryNetwork, Place } from '../../../src/sip/embedded/memory.ts'
import { response, SipRequest } from '../../../src/sip/message.ts'
import { message } from '../../contract/sip-stack.ts'
import { failureOf, leave, lines, place, ready, text } from '../../support/drachtio-place.ts'

afterEach(leave)

describe('a large request', () => {
  test('waits for nobody, and everybody waits for it: nothing is written behind it before it is acknowledged', async () => {
    const { stack, double, toPeer, got } = await place()
    const sizes = Array.from({ length: 60 }, (_, n) => (n % 3 === 0 ? 9_000 : n % 3 === 1 ? 200 : 3_000))
    const answers = await Promise.all(sizes.map((size) => stack.send(text(size), toPeer)))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(got.map(({ request }) => request.body.length)).toEqual(sizes)
    expect(double.faults).toEqual([])
  })

  test('and large answers share the connection without harm', async () => {
    const { stack, double, peer, toPeer, toUs, got, served } = await place({
      serve: () => response(200, 'OK', [['Content-Type', 'text/plain']], Buffer.from(lines(8_000))),
    })
    const [ours, theirs] = await Promise.all([
      Promise.all(Array.from({ length: 30 }, () => stack.send(text(7_000), toPeer))),
      Promise.all(Array.from({ length: 30 }, () => peer.send(text(300), toUs))),
    ])
    expect(ours.map(({ status }) => status)).toEqual(Array(30).fill(200))
    expect(theirs.map(({ body }) => body.length)).toEqual(Array(30).fill(8_000))
    expect([got.length, served.length]).toEqual([30, 30])
    expect(double.faults).toEqual([])
  })

  test('that just fits a frame arrives; one byte more is refused with the limit, and the connection lives on', async () => {
    const { stack, double, toPeer, got } = await place()
    const biggest = await largestBody((size) => stack.send(text(size), toPeer))
    expect(double.faults).toEqual([])
    expect(Math.max(...got.map(({ request }) => request.body.length))).toBe(biggest)
    // Our own count is a few bytes on the safe side.
    expect(Math.max(...double.seen.map(({ bytes }) => bytes))).toBeGreaterThan(12_200)
    const failure = await failureOf(stack.send(text(biggest + 1), toPeer))
    expect(failure).toMatchObject({ status: 513, reason: expect.stringContaining('12228') })
    expect((await stack.send(text(100), toPeer)).status).toBe(200)
  })

  test('with more than 8,400 bytes of header fields is refused, since the server would cut them', async () => {
    const { stack, toPeer, got } = await place()
    const fits = message('', [['P-XMPP-Data', `<message>${'x'.repeat(7_800)}</message>`]])
    expect((await stack.send(fits, toPeer)).status).toBe(200)
    expect(got[0]?.request.headers.get('p-xmpp-data')).toHaveLength(7_819)
    const failure = await failureOf(stack.send(message('', [['P-XMPP-Data', 'x'.repeat(8_400)]]), toPeer))
    expect(failure).toMatchObject({ status: 513, reason: expect.stringContaining('8400') })
    expect(got).toHaveLength(1)
  })

  test('whose Request-URI is longer than the start line may be is refused', async () => {
    const { stack, toPeer } = await place()
    const { method, headers, body } = message('')
    const failure = await failureOf(stack.send(new SipRequest(method, `sip:${'a'.repeat(600)}@h.example`, headers, body), toPeer))
    expect(failure).toMatchObject({ status: 414 })
  })

  test('that the server does not acknowledge in time costs the connection, not the gateway', async () => {
    const { stack, double, toPeer } = await place({ settings: { limits: { acknowledgeMs: 20, retryFirstMs: 5 } } })
    double.isMute = true
    const gone = once(double, 'gone')
    const sent = [failureOf(stack.send(text(6_000), toPeer)), failureOf(stack.send(text(100), toPeer))]
    for (const failure of await Promise.all(sent)) expect(failure).toMatchObject({ why: 'transport' })
    await gone
    double.isMute = false
    await once(double, 'application')
    await ready(stack)
    expect((await stack.send(text(6_000), toPeer)).status).toBe(200)
  })

  test('towards UDP goes by TCP, as the server does not change over by itself', async () => {
    const { stack, double, toPeer, got } = await place({ peerTransport: 'udp' })
    await stack.send(text(100), toPeer)
    await stack.send(text(1_500), toPeer)
    expect(double.seen.slice(-2).map(({ route }) => route)).toEqual(['sip:192.0.2.2:5060', 'sip:192.0.2.2:5060;transport=tcp'])
    expect(got.map(({ from }) => from.transport)).toEqual(['udp', 'tcp'])
  })

  test('towards a telephone without TCP goes by UDP after all, and the next one at once', async () => {
    const { network, stack, double } = await place()
    const udpOnly = udpPeer(network)
    const hop = { transport: 'udp', host: '192.0.2.3', port: 5_060 } as const
    expect((await stack.send(text(1_500), hop)).status).toBe(200)
    expect((await stack.send(text(1_500), hop)).status).toBe(200)
    expect(udpOnly).toHaveLength(2)
    expect(double.seen.filter(({ kind, route }) => kind === 'sip' && route !== '').map(({ route }) => route)).toEqual([
      'sip:192.0.2.3:5060;transport=tcp',
      'sip:192.0.2.3:5060',
      'sip:192.0.2.3:5060',
    ])
  })
})

/** The largest body that is not refused. */
async function largestBody(send: (size: number) => Promise<unknown>): Promise<number> {
  let [fits, tooLarge] = [11_000, 12_228]
  while (tooLarge - fits > 1) {
    const size = (fits + tooLarge) >> 1
    const failure = await failureOf(send(size))
    if (failure === 'an answer') fits = size
    else {
      expect(failure).toMatchObject({ status: 513 })
      tooLarge = size
    }
  }
  return fits
}

/** A telephone that has no TCP; gives what it gets. */
function udpPeer(network: MemoryNetwork): SipRequest[] {
  const got: SipRequest[] = []
  const own: Place = {
    transport: 'udp',
    host: '192.0.2.3',
    port: 5_060,
    take(bytes, from) {
      const asked = parseMessage(bytes)
      if (!(asked instanceof SipRequest)) return
      got.push(asked)
      network.carry(own, print(responseTo(asked, 200)), from.host, from.port)
    },
  }
  network.enter(own)
  return got
}
