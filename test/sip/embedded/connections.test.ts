/** Which connection a message takes, and when it takes UDP after all. */
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { print } from '../../../src/sip/codec.ts'
import { responseTo } from '../../../src/sip/echo.ts'
import { response, type SipRequest, type SipResponse } from '../../../src/sip/message.ts'
import { parseVia } from '../../../src/sip/via.ts'
import { message } from '../../contract/sip-stack.ts'
import { Promised } from '../../support/promised.ts'
import { UdpPeer } from '../../support/raw-sip.ts'
import { runs, stopAll, text, world } from './tcp-world.ts'

afterEach(stopAll)

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
  runs({ stop: () => new Promise((resolve) => server.close(() => resolve())) })
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
    runs({ stop: () => phone.close() })
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
    runs({ stop: () => phone.close() })
    const sent = stack.send(message('x'.repeat(66_000)), { transport: 'udp', host: '127.0.0.1', port: phone.port })
    await expect(sent).rejects.toMatchObject({ why: 'transport', message: expect.stringContaining('do not fit into a datagram') })
  })
})

function viaPort(request: SipRequest): number {
  return parseVia(request.headers.get('via') ?? '').port ?? 5060
}
