/** What the WebSocket stack does beside the contract: with a PBX that is written here frame by frame. */
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import { silent } from '../../../src/log/log.ts'
import { embeddedStack } from '../../../src/sip/embedded/stack.ts'
import { response, SipRequest } from '../../../src/sip/message.ts'
import { NoResponseError, type Received, type Serve } from '../../../src/sip/port.ts'
import { type WebSocketSettings, WebSocketStack } from '../../../src/sip/websocket/stack.ts'
import { message } from '../../contract/sip-stack.ts'
import { trusting } from '../../support/certificates.ts'
import { Heard } from '../../support/heard.ts'
import { WebSocketPipe } from '../../support/websocket-pipe.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

const QUICK = { retryFirstMs: 5, retryMaxMs: 20 }
const textOf = (data: RawData): string => (Buffer.isBuffer(data) ? data.toString() : '')

async function started(settings: Partial<WebSocketSettings> & { url: string }, serve: Serve = () => response(200), heard = new Heard()) {
  const stack = new WebSocketStack({ maxAccounts: 200, limits: QUICK, ...settings }, heard.log)
  closing.push(() => stack.stop(0))
  await stack.start(serve)
  return { stack, heard }
}

/** The stack, and a PBX that says what it is told to. */
async function face(serve?: Serve, settings: Partial<WebSocketSettings> = {}) {
  const pipe = await WebSocketPipe.open()
  closing.push(() => pipe.close())
  const world = await started({ ...settings, url: pipe.url }, serve)
  const pbx = new WebSocket(pipe.url, 'sip')
  await once(pbx, 'open')
  const said: string[] = []
  const waiting: (() => void)[] = []
  pbx.on('message', (data) => {
    said.push(textOf(data))
    for (const look of waiting.splice(0)) look()
  })
  const hears = async (): Promise<string> => {
    while (said.length === 0) await new Promise<void>((resolve) => waiting.push(resolve))
    return said.shift() ?? ''
  }
  return { ...world, pipe, pbx, hears }
}

/** What a PBX answers to this text. */
function answerTo(request: string, status: string): string {
  const echoed = request.split('\r\n').filter((line) => /^(?:Via|From|To|Call-ID|CSeq):/i.test(line))
  return [`SIP/2.0 ${status}`, ...echoed, 'Content-Length: 0', '', ''].join('\r\n')
}

const asked = (method: string, branch: string, more: readonly string[] = []): string =>
  [
    `${method} sip:somebody@stoxgate.invalid;transport=ws SIP/2.0`,
    `Via: SIP/2.0/WS pbx.example;branch=z9hG4bK${branch}`,
    'From: <sip:romeo@h.example>;tag=1',
    'To: <sip:juliet@h.example>',
    `Call-ID: ${branch}`,
    `CSeq: 1 ${method}`,
    'Max-Forwards: 70',
    ...more,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')

describe('requests of ours', () => {
  test('a PBX that says 408 is heard as such, not as silence', async () => {
    const { stack, pbx, hears } = await face()
    const sent = stack.send(message('hi'), stack.only)
    pbx.send(answerTo(await hears(), '408 Request Timeout'))
    expect((await sent).status).toBe(408)
  })

  test('a 100 is no answer yet', async () => {
    const { stack, pbx, hears } = await face()
    const sent = stack.send(message('hi'), stack.only)
    const request = await hears()
    pbx.send(answerTo(request, '100 Trying'))
    pbx.send(answerTo(request, '202 Accepted'))
    expect((await sent).status).toBe(202)
  })

  test('two thousand at once each get the answer that is theirs, in whatever order, and nothing is left behind', async () => {
    const { stack, pbx, hears } = await face()
    const sent = Array.from({ length: 2_000 }, (_, n) => stack.send(message('hi', [['Subject', `${n}`]]), stack.only))
    const requests: string[] = []
    for (const _ of sent) requests.push(await hears())
    expect(new Set(requests.map((text) => /branch=(\S+)/.exec(text)?.[1])).size).toBe(2_000)
    for (const text of requests.toReversed()) pbx.send(answerTo(text, `200 ${/Subject: (\d+)/.exec(text)?.[1]}`))
    expect((await Promise.all(sent)).map(({ reason }) => reason)).toEqual(sent.map((_, n) => `${n}`))
    await new Promise((resolve) => setImmediate(resolve))
    expect(stack.load).toMatchObject({ waiting: 0, serving: 0 })
  })

  test('what is under way when the connection is cut fails at once, and so does what comes while it is away', async () => {
    const { stack, pipe, hears, heard } = await face()
    const sent = stack.send(message('hi'), stack.only).catch((cause: unknown) => cause)
    await hears()
    await pipe.close()
    expect(await sent).toMatchObject({ name: 'NoResponseError', why: 'transport' })
    await heard.fact({ what: 'websocket_connection_failed' })
    await expect(stack.send(message('hi'), stack.only)).rejects.toThrow(NoResponseError)
    expect(stack.load).toMatchObject({ waiting: 0, transactions: 0 })
  })

  test('one that is larger than a PBX takes is refused, and the connection stays', async () => {
    const { stack, pbx, hears } = await face()
    await expect(stack.send(message('x'.repeat(16_300)), stack.only)).rejects.toMatchObject({ status: 513 })
    const sent = stack.send(message('hi'), stack.only)
    pbx.send(answerTo(await hears(), '200 OK'))
    expect((await sent).status).toBe(200)
  })

  test('nobody but the PBX is reached', async () => {
    const { stack } = await face()
    const { port } = stack.only
    for (const hop of [
      { transport: 'udp', host: '127.0.0.1', port },
      { transport: 'ws', host: '192.0.2.9', port },
    ] as const) {
      await expect(stack.send(message('hi'), hop)).rejects.toMatchObject({ why: 'transport' })
      expect(() => stack.localFor(hop)).toThrow(NoResponseError)
    }
  })
})

describe('requests of the PBX', () => {
  test('reach us whatever their method, also in a dialog, and are answered once', async () => {
    const got: string[] = []
    const { pbx, hears } = await face(({ request }) => {
      got.push(request.method)
      return response(request.method === 'INVITE' ? 488 : 200)
    })
    for (const method of ['MESSAGE', 'NOTIFY', 'INFO', 'SUBSCRIBE', 'OPTIONS', 'INVITE']) {
      pbx.send(asked(method, method).replace('juliet@h.example>', 'juliet@h.example>;tag=ours'))
      expect(await hears()).toMatch(method === 'INVITE' ? /^SIP\/2\.0 488 / : /^SIP\/2\.0 200 /)
    }
    pbx.send(asked('INVITE', 'INVITE'))
    expect(await hears()).toMatch(/^SIP\/2\.0 488 /)
    pbx.send(asked('ACK', 'INVITE'))
    pbx.send(asked('CANCEL', 'nothing'))
    expect(await hears()).toMatch(/^SIP\/2\.0 481 /)
    expect(got).toEqual(['MESSAGE', 'NOTIFY', 'INFO', 'SUBSCRIBE', 'OPTIONS', 'INVITE'])
  })

  test('noise is dropped or refused, and harms nobody', async () => {
    const { stack, pbx, hears } = await face()
    for (const noise of [
      '',
      'hello',
      '\r\n',
      'SIP/2.0 200 OK\r\n\r\n',
      'MESSAGE sip:a@b SIP/2.0\r\n\r\n',
      '\0\0\0',
      answerTo(asked('INFO', 'x'), '200 OK'),
    ])
      pbx.send(noise)
    pbx.send(asked('MESSAGE', 'one', ['no colon here']))
    expect(await hears()).toMatch(/^SIP\/2\.0 400 /)
    pbx.send(asked('MESSAGE', 'two').replace('sip:somebody', 'soap.beep:somebody'))
    expect(await hears()).toMatch(/^SIP\/2\.0 416 /)
    pbx.send('\r\n\r\n')
    expect(await hears()).toBe('\r\n')
    pbx.send(asked('MESSAGE', 'three'))
    expect(await hears()).toMatch(/^SIP\/2\.0 200 /)
    expect(stack.connection.state).toBe('connected')
  })

  test('more than are served at once are told to come back later', async () => {
    const { pbx, hears } = await face(() => new Promise(() => {}), { limits: { ...QUICK, servedAtOnceMax: 1 } })
    pbx.send(asked('MESSAGE', 'one'))
    pbx.send(asked('MESSAGE', 'two'))
    expect(await hears()).toMatch(/^SIP\/2\.0 503 [\s\S]*\r\nRetry-After: 5\r\n/)
  })
})

describe('the connection', () => {
  test('is there as soon as the PBX is, and says meanwhile why it is not', async () => {
    const first = await WebSocketPipe.open()
    const { port, url } = first
    await first.close()
    const { stack, heard } = await started({ url })
    expect(stack.connection).toMatchObject({ state: 'away', why: expect.stringContaining('ECONNREFUSED') })
    const pipe = await WebSocketPipe.open(port)
    closing.push(() => pipe.close())
    await heard.fact({ what: 'websocket_connected' })
    expect(stack.connection).toMatchObject({ state: 'connected', retries: 0, why: undefined })
  })

  test('is ended where nobody answers a ping, and made anew', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, autoPong: false })
    closing.push(async () => {
      for (const one of server.clients) one.terminate()
      server.close()
    })
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const { heard } = await started({ url: `ws://127.0.0.1:${port}/`, limits: { ...QUICK, pingMs: 10 } })
    await heard.fact({ what: 'websocket_connection_failed', why: 'it is silent' })
    await once(server, 'connection')
  })

  test('to somebody who speaks no SIP is none', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => 'chat' })
    closing.push(async () => server.close())
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const { stack } = await started({ url: `ws://127.0.0.1:${port}/` })
    expect(stack.connection.state).toBe('away')
    expect(stack.connection.why).toMatch(/subprotocol/i)
  })

  test('under TLS is made to who proves the name of the address, and that counts as his identity', async () => {
    const tls = await trusting('127.0.0.1')
    const pbx = embeddedStack({ listeners: [{ transport: 'wss', port: 0, address: '127.0.0.1' }], tls }, silent)
    let contact: Received | undefined
    const listening = await pbx.start((received) => {
      contact = received
      return response(200)
    })
    closing.push(() => pbx.stop(0))
    const url = `wss://127.0.0.1:${listening[0]?.port}/ws`
    const got: Received[] = []
    const serve: Serve = (received) => {
      got.push(received)
      return response(200)
    }
    const { stack } = await started({ url, ...(tls.authorities && { authorities: tls.authorities }) }, serve)
    expect((await stack.send(message('hi'), stack.only)).status).toBe(200)
    expect(contact?.request.headers.get('Via')).toMatch(/^SIP\/2\.0\/WSS stoxgate\.invalid;/)
    const { uri, headers, body } = message('back')
    if (contact) await pbx.send(new SipRequest('MESSAGE', uri, headers, body), contact.from)
    expect(got[0]?.identity).toEqual(['127.0.0.1'])
    const stranger = await started({ url })
    expect(stranger.stack.connection.state).toBe('away')
    expect(stranger.stack.connection.why).toMatch(/certificate/)
  })
})
