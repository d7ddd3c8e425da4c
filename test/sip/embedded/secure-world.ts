/** Stacks with certificates, for tests of TLS and WebSocket. */
import type { Limits } from '../../../src/sip/embedded/limits.ts'
import { embeddedStack } from '../../../src/sip/embedded/stack.ts'
import type { TlsContexts } from '../../../src/sip/embedded/tls-contexts.ts'
import { response } from '../../../src/sip/message.ts'
import type { NextHop, Received, Serve, Transport } from '../../../src/sip/port.ts'
import { Heard } from '../../support/heard.ts'
import { runs } from './tcp-world.ts'

export interface SecureOptions {
  readonly tls?: TlsContexts
  readonly limits?: Partial<Limits>
  readonly serve?: Serve
}

/** One stack that listens by that transport on 127.0.0.1; stopped by tcp-world's `stopAll`. */
export async function standing(transport: Transport, { tls, limits = {}, serve = () => response(200) }: SecureOptions = {}) {
  const got: Received[] = []
  const heard = new Heard()
  const stack = embeddedStack({ listeners: [{ transport, port: 0, address: '127.0.0.1' }], limits, timers: { t1Ms: 20 }, tls }, heard.log)
  const listening = await stack.start((received) => {
    got.push(received)
    return serve(received)
  })
  runs({ stop: () => stack.stop(0) })
  const hop: NextHop = { transport, host: '127.0.0.1', port: listening[0]?.port ?? 0 }
  return { stack, got, heard, hop, port: hop.port }
}
