/** The drachtio adapter on the double, with a peer at the double's other side, and what tests of it say and wait for. */
import { setImmediate as soon } from 'node:timers/promises'
import { type Log, silent } from '../../src/log/log.ts'
import type { DrachtioSettings } from '../../src/sip/drachtio/stack.ts'
import { MemoryNetwork } from '../../src/sip/embedded/memory.ts'
import { newCallId, newTag } from '../../src/sip/identifier.ts'
import { Headers, response, SipRequest } from '../../src/sip/message.ts'
import type { NextHop, Received, Serve, SipStack } from '../../src/sip/port.ts'
import { message } from '../contract/sip-stack.ts'
import type { DoubleOptions } from './drachtio-double.ts'
import { StackOnDouble } from './drachtio-stack.ts'

export interface PlaceOptions {
  readonly serve?: Serve
  /** What the peer does with what it gets. */
  readonly peer?: Serve
  readonly settings?: Partial<DrachtioSettings>
  readonly double?: DoubleOptions
  readonly log?: Log
  readonly peerTransport?: 'udp' | 'tcp'
}

/** Connects again soon. */
export const QUICK = { limits: { retryFirstMs: 5, retryMaxMs: 20 } } as const

const running: Pick<SipStack, 'stop'>[] = []

/** It ends with `leave`. */
export function keep<S extends Pick<SipStack, 'stop'>>(stack: S): S {
  running.push(stack)
  return stack
}

export async function leave(): Promise<void> {
  for (const one of running.splice(0).toReversed()) await one.stop(0)
}

export async function place(options: PlaceOptions = {}) {
  const network = new MemoryNetwork()
  const stack = keep(new StackOnDouble(network.join({ host: '192.0.2.1' }), options.settings, options.double, options.log ?? silent))
  const peer = keep(network.join({ host: '192.0.2.2' }))
  const served: Received[] = []
  const got: Received[] = []
  await stack.start((received) => {
    served.push(received)
    return options.serve?.(received) ?? response(200)
  })
  await peer.start((received) => {
    got.push(received)
    return options.peer?.(received) ?? response(200)
  })
  const transport = options.peerTransport ?? 'tcp'
  return {
    network,
    stack,
    double: stack.double,
    peer,
    /** What reached the gateway, and what reached the peer. */
    served,
    got,
    toPeer: { transport, host: '192.0.2.2', port: 5_060 } as NextHop,
    toUs: { transport, host: '192.0.2.1', port: 5_060 } as NextHop,
  }
}

export const failureOf = (sent: Promise<unknown>): Promise<unknown> =>
  sent.then(
    () => 'an answer',
    (cause: unknown) => cause,
  )

/** A text in lines that a server reads. */
export const lines = (bytes: number): string => `${'x'.repeat(77)}\r\n`.repeat(Math.ceil(bytes / 79)).slice(0, bytes)

export const text = (bytes: number): SipRequest => message(lines(bytes), [['Content-Type', 'text/plain']])

/** A request of any method that is in no dialog. */
export function request(method: string, fields: readonly (readonly [string, string])[] = []): SipRequest {
  const headers = new Headers()
  headers.append('From', `<sip:alice@h.example>;tag=${newTag()}`)
  headers.append('To', '<sip:bob@h.example>')
  headers.append('Call-ID', newCallId())
  headers.append('CSeq', `1 ${method}`)
  headers.append('Max-Forwards', '70')
  if (/^(?:SUBSCRIBE|NOTIFY|PUBLISH)$/.test(method)) headers.append('Event', 'presence')
  for (const [name, value] of fields) headers.append(name, value)
  return new SipRequest(method, 'sip:bob@h.example', headers, Buffer.alloc(0))
}

/** A further one in the dialog that `first` made: `from` and `to` are whole, with their tags. */
export function inDialog(
  method: string,
  first: SipRequest,
  from: string,
  to: string,
  fields: readonly (readonly [string, string])[],
  cseq = 1,
): SipRequest {
  const headers = new Headers()
  headers.append('From', from)
  headers.append('To', to)
  headers.append('Call-ID', first.headers.get('call-id') ?? '')
  headers.append('CSeq', `${cseq} ${method}`)
  headers.append('Max-Forwards', '70')
  headers.append('Event', 'presence')
  for (const [name, value] of fields) headers.append(name, value)
  return new SipRequest(method, 'sip:bob@192.0.2.2;transport=tcp', headers, Buffer.alloc(0))
}

/** For what tells nobody that it has happened. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await soon()
}

/** Connected, and the server knows what we serve. */
export const ready = (stack: StackOnDouble): Promise<void> =>
  until(
    () =>
      stack.connection.state === 'connected' &&
      [...stack.double.applications].some(({ isThere, routes }) => isThere && routes.size === stack.can.serves.size),
  )
