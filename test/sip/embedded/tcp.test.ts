/** The stack on TCP connections, and peers that speak in bytes. */
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { print } from '../../../src/sip/codec.ts'
import { responseTo } from '../../../src/sip/echo.ts'
import type { Limits } from '../../../src/sip/embedded/limits.ts'
import { embeddedStack } from '../../../src/sip/embedded/stack.ts'
import { response, type SipRequest, type SipResponse } from '../../../src/sip/message.ts'
import { NoResponseError, type Received, type Serve } from '../../../src/sip/port.ts'
import { parseVia } from '../../../src/sip/via.ts'
import { message } from '../../contract/sip-stack.ts'
import { Heard } from '../../support/heard.ts'
import { Promised } from '../../support/promised.ts'
import { TcpPeer, UdpPeer } from '../../support/raw-sip.ts'

const running: { stop(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()))
})

interface WorldOptions {
  readonly serve?: Serve
  readonly limits?: Partial<Limits>
}

async function world({ serve = () => response(200), limits = {} }: WorldOptions = {}) {
  const got: Received[] = []
  const heard = new Heard()
  const listeners = (['udp', 'tcp'] as const).map((transport) => ({ transport, port: 0, address: '127.0.0.1' }))
  const stack = embeddedStack({ listeners, limits, timers: { t1Ms: 20 } }, heard.log)
  const listening = await stack.start((received) => {
    got.push(received)
    return serve(received)
  })
  running.push({ stop: () => stack.stop(0) })
  const port = listening.find((one) => one.what === 'sip/tcp')?.port ?? 0
  return { stack, got, heard, port, peer: () => peerOf(port) }
}

async function peerOf(port: number): Promise<TcpPeer> {
  const peer = await TcpPeer.to(port)
  running.push({ stop: () => peer.close() })
  return peer
}

function text(
  callId: string,
  body = '',
  length: number | string = Buffer.byteLength(body),
  start = 'MESSAGE sip:b@h.example SIP/2.0',
): string {
  return [
    start,
    `Via: SIP/2.0/TCP 192.0.2.99;branch=z9hG4bK${callId}`,
    'From: <sip:a@h.example>;tag=1',
    'To: <sip:b@h.example>',
    `Call-ID: ${callId}`,
    'CSeq: 1 MESSAGE',
    `Content-Length: ${length}`,
    '',
    body,
  ].join('\r\n')
}

const callIds = (messages: readonly { readonly headers: { get(name: string): string | undefined } }[]) =>
  messages.map((one) => one.headers.get('call-id'))

describe('messages in a stream', () => {
  test('come one by one, however they are cut', async () => {
    const { got, peer } = await world()
    const one = await peer()
    const stream = Buffer.from(`${text('1', 'first')}\r\n${text('2', 'zwölf')}${text('3')}\r\n\r\n${text('4', '\r\n\r\n')}`)
    for (const byte of stream) await one.send(Buffer.from([byte]))
    for (let n = 0; n < 4; n++) await one.response()
    await one.send(stream.toString().replace(/z9hG4bK/g, 'z9hG4bKagain'))
    for (let n = 0; n < 4; n++) await one.response()
    expect(callIds(one.all)).toEqual(['1', '2', '3', '4', '1', '2', '3', '4'])
    expect(got.map(({ request }) => request.body.toString())).toEqual(['first', 'zwölf', '', '\r\n\r\n', 'first', 'zwölf', '', '\r\n\r\n'])
  })

  test('may be long', async () => {
    const { got, peer } = await world()
    const one = await peer()
    await one.send(text('1', 'x'.repeat(900_000)))
    expect((await one.response()).status).toBe(200)
    expect(got[0]?.request.body.length).toBe(900_000)
  })

  test('a double CRLF between them is answered with a CRLF', async () => {
    const { peer } = await world()
    const one = await peer()
    await one.send('\r\n\r\n')
    await one.send(text('1'))
    await one.response()
    expect(one.pongs).toBe(1)
  })

  test('ten thousand of them at once are not answered ten thousand times', async () => {
    const { peer } = await world()
    const one = await peer()
    await one.send('\r\n\r\n'.repeat(10_000))
    await one.send(text('1'))
    await one.response()
    expect(one.pongs).toBeLessThan(100)
  })

  test('one that is malformed is answered, and harms no other', async () => {
    const { peer } = await world()
    const one = await peer()
    const broken = [
      text('1', '', 0, 'MESSAGE sip:b@h.example SIP/3.0'),
      text('2', 'body', 4, 'MESSAGE <sip:b@h.example> SIP/2.0'),
      text('3').replace('CSeq: 1 MESSAGE', 'CSeq: 1 INFO'),
      text('4').replace('From: ', 'From: a, b '),
    ]
    await one.send([...broken, text('5')].join(''))
    const answers: SipResponse[] = []
    while (answers.length < 5) answers.push(await one.response())
    expect(answers.map((answer) => answer.status)).toEqual([505, 400, 400, 400, 200])
    expect(callIds(answers)).toEqual(['1', '2', '3', '4', '5'])
  })

  for (const [what, bytes, status] of [
    ['a length that is none', text('1', '', '-1'), 400],
    ['no length at all', text('1').replace(/Content-Length.*\r\n/, ''), 400],
    ['two lengths', text('1', '', '0\r\nl: 5'), 400],
    ['LF without CR', text('1').replace('\r\nCSeq', '\nCSeq'), 400],
    ['a body beyond the limit', text('1', '', 2_000_000), 513],
  ] as const) {
    test(`${what} is answered ${status} and ends the connection, as nobody knows where the next one begins`, async () => {
      const { got, peer } = await world()
      const one = await peer()
      await one.send(bytes + text('2'))
      expect((await one.response()).status).toBe(status)
      await one.closed
      expect(got).toEqual([])
    })
  }

  for (const [what, bytes] of [
    ['TLS on the wrong port', Buffer.from([0x16, 3, 1, 2, 0, 1])],
    ['a web browser', 'GET / HTTP/1.1\r\nHost: h.example\r\n\r\n'],
    ['a header without end', `MESSAGE sip:b@h.example SIP/2.0\r\nX: ${'x'.repeat(70_000)}`],
  ] as const) {
    test(`${what} is hung up on without a word`, async () => {
      const { peer } = await world()
      const one = await peer()
      await one.send(bytes)
      await one.closed
      expect(one.all).toEqual([])
    })
  }
})

describe('a peer that closes its side after its last byte', () => {
  test('still hears the answer', async () => {
    const answer = new Promised<SipResponse>()
    const { peer, got } = await world({ serve: () => answer.promise })
    const one = await peer()
    await one.send(text('1'))
    one.end()
    while (got.length === 0) await new Promise((resolve) => setImmediate(resolve))
    answer.resolve(response(202))
    expect((await one.response()).status).toBe(202)
  })

  test('is not asked anything more', async () => {
    const { stack, peer, got } = await world({ limits: { lingerMs: 100 } })
    const one = await peer()
    await one.send(text('1'))
    await one.response()
    const { from } = got[0] ?? {}
    if (!from) throw new Error('nothing came')
    const waiting = stack.send(message('hello?'), from).catch((cause: unknown) => cause)
    await one.request()
    one.end()
    expect(await waiting).toMatchObject({ why: 'transport' })
    await expect(stack.send(message('hello?'), from)).rejects.toMatchObject({ why: 'transport' })
    await one.closed
  })

  test('in the middle of a message is hung up on', async () => {
    const { peer, got } = await world()
    const one = await peer()
    await one.send(text('1').slice(0, 60))
    one.end()
    await one.closed
    expect(got).toEqual([])
  })
})

describe('what a stranger may take', () => {
  test('no time without a message', async () => {
    const { peer, heard } = await world({ limits: { firstMessageMs: 20 } })
    await (await peer()).closed
    await heard.fact({ what: 'sip_connection_closed', why: 'idle' })
  })

  test('no time with half a message', async () => {
    const { peer, heard } = await world({ limits: { messageMs: 20 } })
    const one = await peer()
    await one.send(text('1').slice(0, 50))
    await one.closed
    await heard.fact({ why: 'a message was not finished in time' })
  })

  test('no time by single bytes either', async () => {
    const { peer } = await world({ limits: { messageMs: 30 } })
    const one = await peer()
    let isOpen = true
    one.closed.then(() => {
      isOpen = false
    })
    const bytes = Buffer.from(text('1', 'x'.repeat(100_000)))
    // Each write is awaited, so this is as slow as the kernel, not as the clock.
    for (let at = 0; isOpen && at < bytes.length - 1; at++) await one.send(bytes.subarray(at, at + 1)).catch(() => {})
    await one.closed
  })

  test('an idle connection is closed in the end', async () => {
    const { peer } = await world({ limits: { idleMs: 20 } })
    const one = await peer()
    await one.send(text('1'))
    await one.response()
    await one.closed
  })

  test('so many connections and no more, of one address and of all', async () => {
    const perAddress = await world({ limits: { connectionsPerAddressMax: 2 } })
    const inAll = await world({ limits: { connectionsMax: 2 } })
    for (const { peer, heard } of [perAddress, inAll]) {
      const [first, second, third] = [await peer(), await peer(), await peer()]
      await third.closed
      await heard.fact({ what: 'sip_connection_refused' })
      await first.close()
      await second.send(text('1'))
      expect((await second.response()).status).toBe(200)
    }
  })

  test('no more memory for unfinished messages than there is for all', async () => {
    const { peer, heard } = await world({ limits: { unfinishedMaxBytes: 100_000 } })
    const first = await peer()
    await first.send(text('1', 'x'.repeat(40_000), 50_000))
    const second = await peer()
    await second.send(text('2', 'x'.repeat(80_000), 90_000))
    await second.closed
    await first.send('x'.repeat(10_000))
    expect((await first.response()).status).toBe(200)
    await heard.fact({ why: 'No room for unfinished messages' })
    const third = await peer()
    await third.send(text('3', 'x'.repeat(40_000)))
    expect((await third.response()).status).toBe(200)
  })

  test('nor is anything kept for a peer that does not read', async () => {
    const { stack, got, heard, peer } = await world({ limits: { unsentMaxBytes: 500_000 } })
    const one = await peer()
    await one.send(text('1'))
    await one.response()
    const { from } = got[0] ?? {}
    if (!from) throw new Error('nothing came')
    one.pause()
    const body = 'x'.repeat(200_000)
    const failures = await Promise.all(Array.from({ length: 60 }, () => stack.send(message(body), from).catch((cause: unknown) => cause)))
    expect(failures.every((one) => one instanceof NoResponseError && one.why === 'transport')).toBe(true)
    await heard.fact({ why: 'the peer does not read' })
  })
})

describe('which connection', () => {
  test('a request to who registered goes through his own, and fails at once when that is gone', async () => {
    const { stack, got, peer } = await world()
    const phone = await peer()
    await phone.send(text('1'))
    await phone.response()
    const { from } = got[0] ?? {}
    if (!from?.flow) throw new Error('no flow')
    const sent = stack.send(message('hello'), from)
    const request = await phone.request()
    await phone.send(print(responseTo(request, 200)))
    expect((await sent).status).toBe(200)
    const waiting = stack.send(message('are you there?'), from).catch((cause: unknown) => cause)
    await phone.request()
    await phone.close()
    expect(await waiting).toMatchObject({ why: 'transport' })
    await expect(stack.send(message('still?'), from)).rejects.toMatchObject({ why: 'transport' })
  })

  test('requests to one address share one, and its answers come back there', async () => {
    const bob = await world()
    const alice = await world()
    const hop = { transport: 'tcp', host: '127.0.0.1', port: bob.port } as const
    await Promise.all([alice.stack.send(message('1'), hop), alice.stack.send(message('2'), hop)])
    await alice.stack.send(message('3'), hop)
    expect(new Set(bob.got.map(({ from }) => from.flow)).size).toBe(1)
    expect(bob.got).toHaveLength(3)
  })

  test('a name is looked up', async () => {
    const bob = await world()
    const alice = await world()
    expect((await alice.stack.send(message('1'), { transport: 'tcp', host: 'localhost', port: bob.port })).status).toBe(200)
    await expect(alice.stack.send(message('1'), { transport: 'tcp', host: 'nobody.invalid', port: 5060 })).rejects.toMatchObject({
      why: 'transport',
    })
  })

  test('the answer to a request whose connection broke goes to the port of its Via by another one', async () => {
    const answer = new Promised<SipResponse>()
    const arrived = new Promised<void>()
    const serve = () => {
      arrived.resolve()
      return answer.promise
    }
    const { heard, peer } = await world({ serve, limits: { lingerMs: 20 } })
    const { server, port, sockets } = await listener()
    const one = await peer()
    await one.send(text('1').replace('192.0.2.99', `192.0.2.99:${port}`))
    await arrived.promise
    await one.close()
    await heard.fact({ what: 'sip_connection_closed' })
    const reopened = new Promise<string>((resolve) =>
      server.once('connection', (socket) => socket.once('data', (chunk) => resolve(String(chunk)))),
    )
    answer.resolve(response(202))
    expect(await reopened).toMatch(/^SIP\/2\.0 202 Accepted\r\n[\s\S]*Call-ID: 1\r\n/)
    for (const socket of sockets) socket.destroy()
  })

  test('all that is sent in one turn leaves in one write', async () => {
    const { stack, got, peer } = await world()
    const one = await peer()
    await one.send(text('1'))
    await one.response()
    const { from } = got[0] ?? {}
    if (!from) throw new Error('nothing came')
    const chunks = one.countChunks()
    for (let n = 0; n < 20; n++) stack.send(message('hi'), from).catch(() => {})
    for (let n = 0; n < 20; n++) await one.request()
    expect(chunks()).toBe(1)
  })
})

/** Somebody else's server. */
async function listener(): Promise<{ server: Server; port: number; sockets: Socket[] }> {
  const sockets: Socket[] = []
  const server = createServer((socket) => sockets.push(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  running.push({ stop: () => new Promise((resolve) => server.close(() => resolve())) })
  const address = server.address()
  return { server, sockets, port: typeof address === 'object' && address ? address.port : 0 }
}

describe('a request too large for a datagram of 1,300 bytes', () => {
  test('goes by TCP to the same address', async () => {
    const bob = await world()
    const { stack } = await world()
    await stack.send(message('x'.repeat(2_000)), { transport: 'udp', host: '127.0.0.1', port: bob.port })
    const { request, from } = bob.got[0] ?? {}
    expect(from?.transport).toBe('tcp')
    expect(parseVia(request?.headers.get('via') ?? '').transport).toBe('TCP')
  })

  test('goes by UDP after all where TCP is refused, and the next ones at once', async () => {
    const { stack, heard, port } = await world()
    const phone = await UdpPeer.to(port)
    running.push({ stop: () => phone.close() })
    const hop = { transport: 'udp', host: '127.0.0.1', port: phone.port } as const
    for (let n = 0; n < 2; n++) {
      const sent = stack.send(message('x'.repeat(2_000)), hop)
      const request = await phone.request()
      expect(parseVia(request.headers.get('via') ?? '').transport).toBe('UDP')
      expect(request.body.length).toBe(2_000)
      phone.sendTo(print(responseTo(request, 200)), viaPort(request))
      expect((await sent).status).toBe(200)
    }
    expect(heard.facts.filter((fact) => fact.what === 'sip_without_tcp')).toHaveLength(1)
  })

  test('fails where it fits into no datagram and there is no TCP', async () => {
    const { stack, port } = await world()
    const phone = await UdpPeer.to(port)
    running.push({ stop: () => phone.close() })
    const sent = stack.send(message('x'.repeat(66_000)), { transport: 'udp', host: '127.0.0.1', port: phone.port })
    await expect(sent).rejects.toMatchObject({ why: 'transport', message: expect.stringContaining('do not fit into a datagram') })
  })
})

function viaPort(request: SipRequest): number {
  return parseVia(request.headers.get('via') ?? '').port ?? 5060
}
