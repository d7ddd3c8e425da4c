/** A drachtio server that goes away and comes back while messages pass in both directions. */
import { afterEach, describe, expect, test } from 'vitest'
import { silent } from '../../src/log/log.ts'
import { DrachtioStack } from '../../src/sip/drachtio/stack.ts'
import { embeddedStack } from '../../src/sip/embedded/stack.ts'
import { response, type SipRequest } from '../../src/sip/message.ts'
import { type NextHop, NoResponseError, type SipStack } from '../../src/sip/port.ts'
import { message as messageRequest } from '../contract/sip-stack.ts'
import { DrachtioDouble } from '../support/drachtio-double.ts'
import { QUICK, ready, until } from '../support/drachtio-place.ts'
import { condition, message } from '../support/stanzas.ts'
import { town } from '../support/town.ts'
import { Ledger, SteadyLoad } from './ledger.ts'
import { Relay } from './relay.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

const onLoopback = () => embeddedStack({ listeners: [{ transport: 'tcp', port: 0, address: '127.0.0.1' }], timers: { t1Ms: 20 } }, silent)

interface ServerPlace {
  readonly host: string
  readonly port: number
  readonly secret: string
  readonly faults: readonly string[]
}

async function double(): Promise<ServerPlace> {
  const made = await DrachtioDouble.over(onLoopback())
  closing.push(() => made.stop())
  return { host: '127.0.0.1', port: made.port, secret: made.secret, faults: made.faults }
}

const real = /^(.+):(\d+)$/.exec(process.env.DRACHTIO ?? '')
const secret = process.env.DRACHTIO_SECRET ?? 'cymru'
const servers: [string, () => Promise<ServerPlace>][] = [['the double', double]]
if (real) servers.push(['a real server', async () => ({ host: real[1] ?? '', port: Number(real[2]), secret, faults: [] })])

/** Sends a request, and notes what came of it. */
async function noted(ledger: Ledger, stack: SipStack, hop: NextHop, text: string): Promise<void> {
  ledger.sent(text)
  try {
    const { status } = await stack.send(messageRequest(text, [['Content-Type', 'text/plain']]), hop)
    ledger.answered(text, status < 300)
  } catch (cause) {
    if (!(cause instanceof NoResponseError)) throw cause
    ledger.answered(text, false)
  }
}

describe.each(servers)('behind %s', (_name, server) => {
  test('the connection to it is cut three times under load: every request has its answer, what was acknowledged is there', async () => {
    const { host, port, secret, faults } = await server()
    const relay = await Relay.to(host, port)
    closing.push(() => relay.cut())
    const stack = new DrachtioStack({ host: '127.0.0.1', port: relay.port, secret, timers: { t1Ms: 20 }, ...QUICK }, silent)
    closing.push(() => stack.stop(0))
    const [out, back] = [new Ledger('each is answered'), new Ledger('each is answered')]
    const listening = await stack.start(({ request }) => took(back, request))
    const peer = onLoopback()
    closing.push(() => peer.stop(0))
    const [at] = await peer.start(({ request }) => took(out, request))
    const toPeer = { transport: 'tcp', host: '127.0.0.1', port: at?.port ?? 0 } as const
    const tcp = listening.find(({ what }) => what.endsWith('tcp'))
    const toUs = { transport: 'tcp', host: '127.0.0.1', port: tcp?.port ?? 0 } as const

    const running: Promise<void>[] = []
    const load = new SteadyLoad(2, (n) => running.push(noted(out, stack, toPeer, `out ${n}`), noted(back, peer, toUs, `back ${n}`)))
    for (let times = 1; times <= 3; times++) {
      await both(out, back, 100)
      await relay.cut()
      const refused = out.refused
      await out.until(() => out.refused >= refused + 20)
      expect(stack.connection.state).toBe('away')
      await relay.mend()
      await until(() => stack.connection.state === 'connected')
      await both(out, back, 100)
    }
    load.stop()
    await Promise.all(running)
    out.check()
    back.check()
    expect(out.refused).toBeGreaterThanOrEqual(60)
    expect(stack.load).toEqual({ serving: 0, waiting: 0 })
    expect(faults).toEqual([])
  }, 60_000)
})

function took(ledger: Ledger, request: SipRequest) {
  ledger.arrived(request.body.toString())
  return response(200)
}

/** That many more arrive in either direction. */
async function both(out: Ledger, back: Ledger, more: number): Promise<void> {
  const goals = [out.arrivals + more, back.arrivals + more] as const
  await Promise.all([out.until(() => out.arrivals >= goals[0]), back.until(() => back.arrivals >= goals[1])])
}

test('a client and a telephone talk while the server goes away and comes back', async () => {
  const verona = await town({ stack: 'drachtio', t1Ms: 20 })
  closing.push(() => verona.stop())
  const server = verona.drachtio
  if (!server) throw new Error('it has another stack')
  const juliet = await verona.client('juliet', 'balcony')
  const phone = await verona.phone('romeo')
  const [out, back] = [new Ledger('silence is consent'), new Ledger('each is answered')]
  phone.answer = ({ body }) => {
    out.arrived(body.toString())
    return response(200)
  }
  let isOver = false
  const reading = (async () => {
    while (!isOver) {
      const stanza = await juliet.receive()
      if (stanza.attr('type') === 'error') {
        expect(condition(stanza)).toMatch(/^remote-server-(?:not-found|timeout)$|^resource-constraint$/)
        out.answered(stanza.attr('id') ?? '', false)
      } else back.arrived(stanza.child('body')?.text() ?? '')
    }
  })()
  const running: Promise<void>[] = []
  const say = (n: number): void => {
    out.sent(`out ${n}`)
    juliet.send(message('romeo@xmpp.example', `out ${n}`, { id: `out ${n}` }))
    running.push(told(back, phone, `back ${n}`))
  }
  const load = new SteadyLoad(4, say)
  await both(out, back, 50)
  await server.double.vanish()
  const refused = out.refused
  await out.until(() => out.refused >= refused + 20)
  await server.double.appear()
  await ready(server)
  await both(out, back, 50)
  load.stop()
  await Promise.all(running)
  await out.settled()
  isOver = true
  // Whatever the last one is, it ends the reading.
  await told(back, phone, 'the end')
  await reading
  out.check()
  back.check()
}, 30_000)

async function told(ledger: Ledger, phone: Awaited<ReturnType<Awaited<ReturnType<typeof town>>['phone']>>, text: string): Promise<void> {
  ledger.sent(text)
  try {
    ledger.answered(text, (await phone.message('sip:juliet@xmpp.example', text)).status < 300)
  } catch (cause) {
    if (!(cause instanceof NoResponseError)) throw cause
    ledger.answered(text, false)
  }
}
