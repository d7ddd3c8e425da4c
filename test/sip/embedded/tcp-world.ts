/** A stack on TCP and UDP, and peers that speak in bytes, for tests of connections. */
import type { Limits } from '../../../src/sip/embedded/limits.ts'
import { embeddedStack } from '../../../src/sip/embedded/stack.ts'
import { response } from '../../../src/sip/message.ts'
import type { Received, Serve } from '../../../src/sip/port.ts'
import { Heard } from '../../support/heard.ts'
import { TcpPeer } from '../../support/raw-sip.ts'

const running: { stop(): Promise<void> }[] = []

/** To be stopped with the rest. */
export function runs(one: { stop(): Promise<void> }): void {
  running.push(one)
}

/** After each test. */
export async function stopAll(): Promise<void> {
  await Promise.all(running.splice(0).map((one) => one.stop()))
}

interface WorldOptions {
  readonly serve?: Serve
  readonly limits?: Partial<Limits>
}

export async function world({ serve = () => response(200), limits = {} }: WorldOptions = {}) {
  const got: Received[] = []
  const heard = new Heard()
  const listeners = (['udp', 'tcp'] as const).map((transport) => ({ transport, port: 0, address: '127.0.0.1' }))
  const stack = embeddedStack({ listeners, limits, timers: { t1Ms: 20 } }, heard.log)
  const listening = await stack.start((received) => {
    got.push(received)
    return serve(received)
  })
  runs({ stop: () => stack.stop(0) })
  const port = listening.find((one) => one.what === 'sip/tcp')?.port ?? 0
  return { stack, got, heard, port, peer: () => peerOf(port) }
}

async function peerOf(port: number): Promise<TcpPeer> {
  const peer = await TcpPeer.to(port)
  runs({ stop: () => peer.close() })
  return peer
}

export function text(
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
