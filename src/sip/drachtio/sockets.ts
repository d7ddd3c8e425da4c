/** Where the server itself takes SIP, as it says when it lets us in: `tcp/127.0.0.1:5090,udp/[::1]:5090`. */

import { isIPv6 } from 'node:net'
import { unbracketed } from '../../address/ip-literal.ts'
import { type Listening, type NextHop, NoResponseError, type Transport } from '../port.ts'

const HOST_PORT = /^(udp|tcp|tls|ws|wss)\/(.+):(\d{1,5})$/i

export class Sockets {
  readonly #all: readonly NextHop[]

  constructor(text: string) {
    const all: NextHop[] = []
    for (const one of text.split(',')) {
      const [, protocol, host, port] = HOST_PORT.exec(one.trim()) ?? []
      const transport = TRANSPORTS.find((name) => name === protocol?.toLowerCase())
      if (transport && host !== undefined) all.push({ transport, host: unbracketed(host), port: Number(port) })
    }
    this.#all = all
  }

  get listening(): readonly Listening[] {
    return this.#all.map(({ transport, host, port }) => ({ what: `sip/${transport}`, address: host, port }))
  }

  has(transport: Transport): boolean {
    return this.#all.some((one) => one.transport === transport)
  }

  /** The one that speaks this transport, of the peer's own kind of address if there is one: a server on all addresses names loopback too. Throws NoResponseError. */
  towards({ transport, host }: NextHop): NextHop {
    const peer = kindOf(unbracketed(host))
    const some = this.#all.filter((one) => one.transport === transport)
    const found = some.find((one) => kindOf(one.host) === peer) ?? some.find((one) => !kindOf(one.host).startsWith('loopback')) ?? some[0]
    if (!found) throw new NoResponseError('transport', `the drachtio server has no ${transport}`)
    return found
  }

  /** The one that the server names by `host:port`; a server that names none has its first. */
  at(hostPort: string | undefined, transport: Transport): NextHop {
    const [, host, port] = /^(.+):(\d{1,5})$/.exec(hostPort ?? '') ?? []
    if (host !== undefined && Number(port) > 0) return { transport, host: unbracketed(host), port: Number(port) }
    return this.#all.find((one) => one.transport === transport) ?? { transport, host: '0.0.0.0', port: 0 }
  }
}

function kindOf(host: string): string {
  const family = isIPv6(host) ? '6' : '4'
  return host.startsWith('127.') || host === '::1' ? `loopback ${family}` : family
}

const TRANSPORTS = ['udp', 'tcp', 'tls', 'ws', 'wss'] as const
