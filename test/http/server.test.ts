/** The public web server itself: who may connect, and what becomes of slow and broken requests. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { DOMAIN, OTHER_DOMAIN } from '../support/stream-house.ts'
import { type WebHouse, type WebOptions, webHouse } from '../support/web-house.ts'

let house: WebHouse | undefined
afterEach(async () => {
  await house?.stop()
  house = undefined
})
const started = async (options: WebOptions = {}): Promise<WebHouse> => {
  house = await webHouse(options)
  return house
}

async function heard(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk) => {
    text += String(chunk)
  })
  socket.on('error', () => {})
  if (!socket.closed) await once(socket, 'close')
  return text
}

describe('the web server', () => {
  test('says what listens where', async () => {
    const { port, tlsPort } = await started()
    expect(port).toBeGreaterThan(0)
    expect(tlsPort).toBeGreaterThan(0)
  })

  test('answers 404 in plain text where nothing is', async () => {
    const { port } = await started()
    const response = await fetch(`http://127.0.0.1:${port}/etc/passwd`)
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
  })

  for (const [servername, shown] of [
    [DOMAIN, DOMAIN],
    [OTHER_DOMAIN, OTHER_DOMAIN],
    ['', DOMAIN],
  ] as const) {
    test(`shows ${shown} to who asks for ${servername || 'nobody'}, and speaks HTTP/1.1 with those who name protocols`, async () => {
      const { tlsPort } = await started()
      const socket = connectTls({
        port: tlsPort,
        host: '127.0.0.1',
        servername,
        rejectUnauthorized: false,
        ALPNProtocols: ['h2', 'http/1.1'],
      })
      await once(socket, 'secureConnect')
      expect(socket.getPeerCertificate().subject.CN).toBe(shown)
      expect(socket.alpnProtocol).toBe('http/1.1')
      socket.destroy()
    })
  }

  test('does not shake hands with who wants XMPP there', async () => {
    const { tlsPort } = await started()
    const socket = connectTls({ port: tlsPort, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['xmpp-client'] })
    await expect(once(socket, 'secureConnect')).rejects.toThrow(/alert|reset|closed/i)
  })

  test('speaks to nobody from a network that is denied', async () => {
    const { port, streams } = await started({ web: { deny: ['127.0.0.0/8'] } })
    expect(await heard(connect(port, '127.0.0.1'))).toBe('')
    expect(streams.log.of('connection_refused')).toMatchObject([{ why: 'denied' }])
  })

  test('has as many connections of one address as it may have, and room again when one is gone', async () => {
    const { port, web } = await started({ web: { perAddress: 1 } })
    const first = connect(port, '127.0.0.1')
    await once(first, 'connect')
    expect(await heard(connect(port, '127.0.0.1'))).toBe('')
    first.destroy()
    while (web.count > 0) await new Promise((resolve) => setImmediate(resolve))
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404)
  })

  test('has as many connections as all together may have', async () => {
    const { port } = await started({ webChannels: 1 })
    const first = connect(port, '127.0.0.1')
    await once(first, 'connect')
    expect(await heard(connect(port, '127.0.0.1'))).toBe('')
    first.destroy()
  })
})

describe('a request', () => {
  for (const [what, text] of [
    ['of which nothing comes', ''],
    ['whose head does not end', 'GET / HTTP/1.1\r\nHost: x\r\n'],
    ['whose body does not end', 'POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n1234'],
  ] as const) {
    test(`${what} is ended when its time is up`, async () => {
      const { port } = await started({ http: { headSeconds: 0.05, requestSeconds: 0.1, lateCheckSeconds: 0.02, silenceSeconds: 0.3 } })
      const socket = connect(port, '127.0.0.1')
      socket.write(text)
      expect(await heard(socket)).toMatch(/^(?:HTTP\/1\.1 4\d\d |$)/)
    })
  }

  for (const [what, text, status] of [
    ['with a head beyond all measure', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['that is none', 'HELO\r\n\r\n', 400],
    ['with two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
  ] as const) {
    test(`${what} is answered by ${status}`, async () => {
      const { port } = await started()
      const socket = connect(port, '127.0.0.1')
      socket.write(text)
      expect(await heard(socket)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    })
  }
})
