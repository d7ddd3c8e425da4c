/** SIP over WebSocket: telephones in browsers, by a client that others wrote. */
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { parseMessage, print } from '../../../src/sip/codec.ts'
import { responseTo } from '../../../src/sip/echo.ts'
import { response, SipRequest, SipResponse } from '../../../src/sip/message.ts'
import { message } from '../../contract/sip-stack.ts'
import { Promised } from '../../support/promised.ts'
import { standing } from './secure-world.ts'
import { runs, stopAll, text } from './tcp-world.ts'

afterEach(stopAll)

async function browser(port: number, subprotocols: string[] = ['sip'], options: object = {}): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, subprotocols, options)
  runs({
    stop: async () => {
      socket.terminate()
    },
  })
  await once(socket, 'open')
  return socket
}

async function next(socket: WebSocket): Promise<{ bytes: Buffer; isBinary: boolean }> {
  const [bytes, isBinary] = await once(socket, 'message')
  return { bytes, isBinary }
}

/** As a script in a browser writes it: no length, and a name that nobody can look up. */
const fromBrowser = (callId: string, body = '') =>
  text(callId, body)
    .replace(/Content-Length: \d+\r\n/, '')
    .replace('SIP/2.0/TCP 192.0.2.99', 'SIP/2.0/WS df7jal23ls0d.invalid')

describe('a frame', () => {
  for (const kind of ['text', 'binary'] as const) {
    test(`of ${kind} is one message, with or without Content-Length`, async () => {
      const { port, got } = await standing('ws')
      const socket = await browser(port)
      socket.send(kind === 'text' ? fromBrowser('1', 'zwölf') : Buffer.from(fromBrowser('1', 'zwölf')))
      const { bytes, isBinary } = await next(socket)
      const answer = parseMessage(bytes)
      expect(answer).toBeInstanceOf(SipResponse)
      expect(isBinary).toBe(false)
      expect(got[0]?.request.body.toString()).toBe('zwölf')
      expect(answer.headers.get('via')).toContain('received=127.0.0.1')
    })
  }

  test('with a body that is no text goes out as binary', async () => {
    const { port } = await standing('ws', { serve: () => response(200, 'OK', [], Buffer.from([0xff, 0xfe])) })
    const socket = await browser(port)
    socket.send(fromBrowser('1'))
    expect((await next(socket)).isBinary).toBe(true)
  })

  test('that is no SIP harms no other', async () => {
    const { port } = await standing('ws')
    const socket = await browser(port)
    socket.send('{"method":"hello"}')
    socket.send(fromBrowser('1'))
    expect(parseMessage((await next(socket)).bytes)).toMatchObject({ status: 200 })
  })

  test('longer than the limit ends the connection', async () => {
    const { port, got } = await standing('ws', { limits: { bodyMaxBytes: 1_000, headMaxBytes: 1_000 } })
    const socket = await browser(port)
    socket.send(fromBrowser('1', 'x'.repeat(3_000)))
    const [code] = await once(socket, 'close')
    expect(code).toBe(1009)
    expect(got).toEqual([])
  })

  test('of two CRLFs is answered with one: a script cannot ping', async () => {
    const { port } = await standing('ws')
    const socket = await browser(port)
    socket.send('\r\n\r\n')
    expect((await next(socket)).bytes.toString()).toBe('\r\n')
  })
})

describe('the flow', () => {
  test('is the way back to who registered, and when it is gone nobody is called', async () => {
    const { stack, port, got } = await standing('ws')
    const socket = await browser(port)
    socket.send(fromBrowser('1'))
    await next(socket)
    const { from } = got[0] ?? {}
    if (!from) throw new Error('nothing came')
    const sent = stack.send(message('hello'), from)
    const request = parseMessage((await next(socket)).bytes)
    if (!(request instanceof SipRequest)) throw new Error('no request')
    expect(request.headers.get('via')).toMatch(/^SIP\/2\.0\/WS /)
    socket.send(print(responseTo(request, 200)))
    expect((await sent).status).toBe(200)
    const waiting = stack.send(message('are you there?'), from).catch((cause: unknown) => cause)
    await next(socket)
    socket.terminate()
    expect(await waiting).toMatchObject({ why: 'transport' })
    await expect(stack.send(message('still?'), from)).rejects.toMatchObject({ why: 'transport' })
  })

  test('that broke gets no answer by another one', async () => {
    const answer = new Promised<SipResponse>()
    const arrived = new Promised<void>()
    const serve = () => {
      arrived.resolve()
      return answer.promise
    }
    const { port, heard } = await standing('ws', { serve })
    const socket = await browser(port)
    socket.send(fromBrowser('1'))
    await arrived.promise
    socket.terminate()
    await heard.fact({ what: 'sip_connection_closed' })
    answer.resolve(response(200))
    await heard.fact({ what: 'sip_response_failed' })
  })

  test('is pinged, and who does not answer is gone', async () => {
    const { port, heard } = await standing('ws', { limits: { webSocketPingMs: 30 } })
    const alive = await browser(port)
    alive.send(fromBrowser('1'))
    const dead = await browser(port, ['sip'], { autoPong: false })
    dead.send(fromBrowser('2'))
    await once(dead, 'close')
    await heard.fact({ what: 'sip_connection_closed', why: 'no answer to a ping' })
    await once(alive, 'ping')
    expect(alive.readyState).toBe(WebSocket.OPEN)
  })
})

describe('what a stranger may take', () => {
  for (const [what, subprotocols] of [
    ['no subprotocol', []],
    ['another subprotocol', ['xmpp']],
  ] as const) {
    test(`a WebSocket with ${what} is refused`, async () => {
      const { port } = await standing('ws')
      await expect(browser(port, [...subprotocols])).rejects.toThrow('400')
    })
  }

  test('a web page is told what is here', async () => {
    const { port } = await standing('ws')
    const answer = await fetch(`http://127.0.0.1:${port}/`)
    expect(answer.status).toBe(426)
  })

  test('no time without a handshake, not even byte by byte', async () => {
    const { port } = await standing('ws', { limits: { firstMessageMs: 50 } })
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.on('error', () => {}) // the close tells
    socket.write('GET / HTTP/1.1\r\nHost: h\r\nX: ')
    const dripping = setInterval(() => socket.write('x'), 5)
    await once(socket, 'close')
    clearInterval(dripping)
  })

  test('no time without a message', async () => {
    const { port, heard } = await standing('ws', { limits: { firstMessageMs: 20, webSocketPingMs: 15 } })
    await once(await browser(port), 'close')
    await heard.fact({ what: 'sip_connection_closed', why: 'nothing came in time' })
  })

  test('no memory for what it does not read', async () => {
    const { stack, port, got, heard } = await standing('ws', { limits: { unsentMaxBytes: 100_000 } })
    const socket = await browser(port)
    socket.send(fromBrowser('1'))
    await next(socket)
    socket.pause()
    const { from } = got[0] ?? {}
    if (!from) throw new Error('nothing came')
    const sent = Array.from({ length: 200 }, () => stack.send(message('x'.repeat(100_000)), from).catch((cause: unknown) => cause))
    await heard.fact({ what: 'sip_connection_closed', why: 'the peer does not read' })
    for (const outcome of await Promise.all(sent)) expect(outcome).toMatchObject({ why: 'transport' })
  })

  test('so many connections and no more', async () => {
    const { port, heard } = await standing('ws', { limits: { connectionsPerAddressMax: 1 } })
    await browser(port)
    await expect(browser(port)).rejects.toThrow()
    await heard.fact({ what: 'sip_connection_refused' })
  })
})
