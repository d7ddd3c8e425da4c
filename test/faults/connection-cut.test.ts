/** A TCP connection that breaks in the middle of a response, on either side of a message. */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { silent } from '../../src/log/log.ts'
import { print } from '../../src/sip/codec.ts'
import { responseTo } from '../../src/sip/echo.ts'
import { Framer } from '../../src/sip/embedded/framer.ts'
import { defaultLimits } from '../../src/sip/embedded/limits.ts'
import { embeddedStack } from '../../src/sip/embedded/stack.ts'
import { SipRequest, SipResponse } from '../../src/sip/message.ts'
import { NoResponseError, type SipStack } from '../../src/sip/port.ts'
import { el } from '../../src/xml/element.ts'
import { message } from '../contract/sip-stack.ts'
import { Caller } from '../support/caller.ts'
import { NS_CLIENT } from '../support/client.ts'
import { DOMAIN, PASSWORD, runningGateway } from '../support/running-gateway.ts'
import { condition } from '../support/stanzas.ts'
import { wireTo } from '../support/wires.ts'
import { Ledger } from './ledger.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

/** Answers over TCP with what it is told, in bytes. */
class Answering {
  readonly connections = new Set<Socket>()
  onRequest: (request: SipRequest, socket: Socket) => void = (request, socket) => socket.write(print(responseTo(request, 200)))

  private constructor(readonly server: Server) {}

  static async start(): Promise<Answering> {
    const server = createServer({ noDelay: true })
    const made = new Answering(server)
    server.on('connection', (socket) => made.#read(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    closing.push(() => {
      for (const socket of made.connections) socket.destroy()
      server.close()
    })
    return made
  }

  get hop() {
    const address = this.server.address()
    return { transport: 'tcp', host: '127.0.0.1', port: address !== null && typeof address === 'object' ? address.port : 0 } as const
  }

  #read(socket: Socket): void {
    this.connections.add(socket)
    socket.on('close', () => this.connections.delete(socket))
    socket.on('error', () => {}) // what we do to it
    const frames = {
      message: (one: SipRequest | SipResponse) => one instanceof SipRequest && this.onRequest(one, socket),
      ping: () => {},
      broken: () => {},
      lost: () => {},
    }
    const framer = new Framer(frames, defaultLimits, { left: defaultLimits.unfinishedMaxBytes })
    socket.on('data', (chunk: Buffer) => framer.push(chunk))
  }
}

async function noted(ledger: Ledger, stack: SipStack, hop: Answering['hop'], text: string): Promise<void> {
  ledger.sent(text)
  try {
    ledger.answered(text, (await stack.send(message(text), hop)).status < 300)
  } catch (cause) {
    if (!(cause instanceof NoResponseError)) throw cause
    expect(cause.why).toBe('transport')
    ledger.answered(text, false)
  }
}

const PARTS: readonly [string, (bytes: Buffer) => Buffer, (socket: Socket) => unknown][] = [
  ['in its first line, by FIN', (bytes) => bytes.subarray(0, 5), (socket) => socket.end()],
  ['in its header, by RST', (bytes) => bytes.subarray(0, 60), (socket) => socket.resetAndDestroy()],
  ['one byte before its end', (bytes) => bytes.subarray(0, -1), (socket) => socket.destroy()],
]

test.each(PARTS)(
  'a response that is cut %s fails what was under way there at once, and the next request goes by a new connection',
  async (_where, part, cut) => {
    const peer = await Answering.start()
    const stack = embeddedStack({ listeners: [{ transport: 'tcp', port: 0, address: '127.0.0.1' }] }, silent)
    closing.push(() => stack.stop(0))
    await stack.start(() => new SipResponse(200, 'OK', message('').headers, Buffer.alloc(0)))
    const ledger = new Ledger('each is answered')
    const kept: SipRequest[] = []
    let answered = 0
    peer.onRequest = (request, socket) => {
      ledger.arrived(request.body.toString())
      // Ten are answered, nine wait, and the answer to the twentieth breaks.
      if (++answered <= 10 || answered > 20) socket.write(print(responseTo(request, 200)))
      else if (answered < 20) kept.push(request)
      else socket.write(part(print(responseTo(request, 200))), () => cut(socket))
    }
    const begun = performance.now()
    await Promise.all(Array.from({ length: 20 }, (_, n) => noted(ledger, stack, peer.hop, `${n}`)))
    expect(performance.now() - begun).toBeLessThan(5_000)
    expect([kept.length, ledger.refused]).toEqual([9, 10])
    await Promise.all(Array.from({ length: 20 }, (_, n) => noted(ledger, stack, peer.hop, `again ${n}`)))
    ledger.check()
    expect(ledger.refused).toBe(10)
    expect(stack.load).toMatchObject({ serving: 0, waiting: 0 })
  },
)

test('a telephone whose connection breaks while it answers: every message of the client arrives or comes back, and all is well when it has registered again', async () => {
  const gateway = await runningGateway({ transports: ['tcp'] })
  closing.push(() => gateway.stop())
  const juliet = await gateway.client('juliet')
  const ledger = new Ledger('silence is consent')
  const say = (text: string) => {
    ledger.sent(text)
    const to = `romeo@${DOMAIN}`
    juliet.send(el('message', NS_CLIENT, { to, type: 'chat', id: text }, el('body', NS_CLIENT, {}, text)))
  }
  const telephone = async () => {
    const hop = gateway.hop('tcp')
    const wire = await wireTo(hop, gateway.certificate)
    const phone = new Caller(wire, 'romeo', DOMAIN, PASSWORD, { host: wire.host, port: wire.port, transport: 'tcp', gateway: hop })
    closing.push(() => wire.close())
    expect((await phone.register()).status).toBe(200)
    return { phone, wire, hop }
  }
  const { phone, wire, hop } = await telephone()
  for (let n = 0; n < 10; n++) say(`${n}`)
  for (let n = 0; n < 5; n++) {
    const request = await phone.request('MESSAGE')
    ledger.arrived(request.body.toString())
    if (n < 4) phone.reply(request, 200, '')
    else {
      wire.carry(phone, print(responseTo(request, 200)).subarray(0, 40), hop.host, hop.port)
      wire.close()
    }
  }
  // The one whose answer was cut, and the five that waited behind it.
  for (let n = 0; n < 6; n++) {
    const error = await juliet.receive()
    expect(condition(error)).toBe('remote-server-not-found')
    ledger.answered(error.attr('id') ?? '', false)
  }
  const again = await telephone()
  say('at last')
  const request = await again.phone.request('MESSAGE')
  ledger.arrived(request.body.toString())
  again.phone.reply(request, 200, '')
  await ledger.settled()
  ledger.check()
})

test('a telephone that is gone before it has our answer, and says the same once more, is heard once', async () => {
  const gateway = await runningGateway({ transports: ['tcp'] })
  closing.push(() => gateway.stop())
  const juliet = await gateway.client('juliet')
  const hop = gateway.hop('tcp')
  const telephone = async () => {
    const wire = await wireTo(hop, gateway.certificate)
    const { host, port } = wire
    closing.push(() => wire.close())
    return { wire, phone: new Caller(wire, 'romeo', DOMAIN, PASSWORD, { host, port, transport: 'tcp', gateway: hop }) }
  }
  const say = (phone: Caller, text: string) => phone.ask('MESSAGE', `sip:juliet@${DOMAIN}`, [['Content-Type', 'text/plain']], text)
  for (let n = 0; n < 5; n++) {
    const first = await telephone()
    const { request, answer } = await say(first.phone, `once ${n}`)
    expect(answer.status).toBe(200)
    first.wire.close()
    const second = await telephone()
    second.phone.send(request)
    expect((await second.phone.response('MESSAGE')).status).toBeGreaterThanOrEqual(400)
    expect((await say(second.phone, `then ${n}`)).answer.status).toBe(200)
    for (const text of [`once ${n}`, `then ${n}`]) expect((await juliet.receive()).child('body')?.text()).toBe(text)
  }
  expect(gateway.heard.facts.filter(({ what }) => String(what).endsWith('_failed'))).toEqual([])
})
