/** What a signal, a MESSAGE and its 200, costs a SIP stack: over UDP, TCP and through a drachtio server's double, asked and asking. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { silent } from '../../src/log/log.ts'
import { embeddedStack } from '../../src/sip/embedded/stack.ts'
import { response } from '../../src/sip/message.ts'
import type { NextHop, SipStack } from '../../src/sip/port.ts'
import { DrachtioDouble } from '../../test/support/drachtio-double.ts'
import { type Order, sendMany } from './stack-process.ts'

export const SIGNAL_KINDS = ['udp', 'tcp', 'drachtio'] as const
export type SignalKind = (typeof SIGNAL_KINDS)[number]

export interface SignalCost {
  /** CPU of the stack's process for a request it takes and answers, and for one it sends. */
  readonly takenMicros: number
  readonly sentMicros: number
}

const IN_FLIGHT = 16

async function ask<T>(child: ChildProcess, order?: Order): Promise<T> {
  const told = once(child, 'message')
  if (order) child.send(order)
  return (await told)[0]
}

const loopback = (transport: 'udp' | 'tcp') => embeddedStack({ listeners: [{ transport, port: 0, address: '127.0.0.1' }] }, silent)

/** `many` signals in each direction, after a tenth as many for warmth. */
export async function signals(kind: SignalKind, many: number): Promise<SignalCost> {
  const transport = kind === 'udp' ? 'udp' : 'tcp'
  const peer: SipStack = loopback(transport)
  const [listening] = await peer.start(() => response(200))
  const toPeer: NextHop = { transport, host: '127.0.0.1', port: listening?.port ?? 0 }
  const double = kind === 'drachtio' ? await DrachtioDouble.over(loopback('tcp')) : undefined
  const process = fork(fileURLToPath(new URL('stack-process.ts', import.meta.url)), [double ? String(double.port) : kind])
  try {
    const { port } = await ask<{ port: number }>(process)
    const toStack: NextHop = double?.sockets[0] ?? { transport, host: '127.0.0.1', port }
    const sent = (count: number) => ask<{ micros: number }>(process, { do: 'send', hop: toPeer, many: count, inFlight: IN_FLIGHT })
    const taken = async (count: number) => {
      await ask(process, { do: 'cpu' })
      await sendMany(peer, toStack, count, IN_FLIGHT)
      return ask<{ micros: number }>(process, { do: 'cpu' })
    }
    await taken(many / 10)
    await sent(many / 10)
    const cost = { takenMicros: (await taken(many)).micros / many, sentMicros: (await sent(many)).micros / many }
    if (double && double.faults.length > 0) throw new Error(double.faults.join(', '))
    return cost
  } finally {
    process.kill()
    await peer.stop(0)
    await double?.stop()
  }
}
