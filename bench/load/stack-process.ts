/** A SIP stack in a process of its own, for signals.ts and sip-memory.ts: it answers every request with 200, sends what it is told, and says what that cost. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { silent } from '../../src/log/log.ts'
import { DrachtioStack } from '../../src/sip/drachtio/stack.ts'
import { embeddedStack } from '../../src/sip/embedded/stack.ts'
import { newCallId, newTag } from '../../src/sip/identifier.ts'
import { Headers, response, SipRequest } from '../../src/sip/message.ts'
import type { NextHop, SipStack } from '../../src/sip/port.ts'

const BODY = Buffer.from('Art thou not Romeo, and a Montague? '.repeat(11))
const DATA =
  "<message id='a1b2c3' type='chat'><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/>" +
  "<origin-id xmlns='urn:xmpp:sid:0' id='de305d54-75b4-431b-adb2-eb6b9e546013'/></message>"

/** A MESSAGE of about 1,000 bytes. */
export function oneMessage(): SipRequest {
  const headers = new Headers(['Max-Forwards', '70', 'From', `"Juliet" <sip:juliet@example.com>;tag=${newTag()}`])
  headers.list.push('To', '<sip:romeo@example.net>', 'Call-ID', newCallId(), 'CSeq', '1 MESSAGE')
  headers.list.push('Content-Type', 'text/plain;charset=UTF-8', 'P-XMPP-Data', DATA)
  return new SipRequest('MESSAGE', 'sip:romeo@example.net', headers, BODY)
}

/** So many, with a number under way. */
export async function sendMany(stack: Pick<SipStack, 'send'>, hop: NextHop, many: number, inFlight: number): Promise<void> {
  let left = many
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const { status } = await stack.send(oneMessage(), hop)
      if (status !== 200) throw new Error(`answered ${status}`)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
}

export type Order =
  | { readonly do: 'send'; readonly hop: NextHop; readonly many: number; readonly inFlight: number }
  | { readonly do: 'cpu' }
  | { readonly do: 'end' }

/** `udp`, `tcp`, or the port of a drachtio server. */
export function stackFor(kind: string): SipStack {
  if (kind !== 'udp' && kind !== 'tcp') return new DrachtioStack({ host: '127.0.0.1', port: Number(kind), secret: 'cymru' }, silent)
  return embeddedStack({ listeners: [{ transport: kind, port: 0, address: '127.0.0.1' }] }, silent)
}

/** After everything that can go has gone. */
export function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

async function serve(kind: string): Promise<void> {
  const stack = stackFor(kind)
  const [listening] = await stack.start(() => response(200))
  let since = process.cpuUsage()
  process.on('message', async (order: Order) => {
    if (order.do === 'end') process.exit()
    if (order.do === 'send') await sendMany(stack, order.hop, order.many, order.inFlight)
    const { user, system } = process.cpuUsage(since)
    since = process.cpuUsage()
    process.send?.({ micros: user + system })
  })
  process.send?.({ port: listening?.port })
}

const kind = process.argv[2]
if (process.send && kind !== undefined) await serve(kind)
