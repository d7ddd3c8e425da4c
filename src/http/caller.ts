/** Who is behind a request: the other end of the connection or, where that is a proxy we trust, whom the proxy names. */
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Protection } from '../stream/framing.ts'
import type { Enter } from '../stream/listener.ts'
import type { Networks } from '../stream/networks.ts'
import type { Remote } from '../stream/tag.ts'

/** What is known of an accepted connection. */
export interface Arrival {
  readonly remote: Remote
  /** Where streams that come this way enter. */
  readonly enter: Enter
  readonly isProxy: boolean
  readonly isTls: boolean
}

export interface Caller {
  readonly remote: Remote
  readonly enter: Enter
  /** Undefined in the clear. */
  readonly protection: Protection | undefined
}

/**
 * No login is bound to it: not to the TLS of a proxy, whose other end is not the client; not to that of one request among many; and not to ours under a
 * WebSocket either, as a browser lets no page see it, and a library that is offered -PLUS in one may choose it and fail (stanza 12).
 */
const UNBOUND: Protection = { binding: undefined }

export class Callers {
  readonly #arrivals = new WeakMap<Duplex, Arrival>()

  constructor(private readonly proxies: Networks) {}

  isProxy(address: string): boolean {
    return this.proxies.has(address)
  }

  arrived(socket: Duplex, arrival: Arrival): void {
    this.#arrivals.set(socket, arrival)
  }

  of(request: IncomingMessage): Caller {
    const arrival = this.#arrivals.get(request.socket)
    if (!arrival) throw new Error('a request on a connection that nobody accepted')
    const { remote, enter, isTls, isProxy } = arrival
    if (!isProxy) return { remote, enter, protection: isTls ? UNBOUND : undefined }
    const isSecure = lastOf(request.headers['x-forwarded-proto']) === 'https'
    return { remote: { ...remote, address: this.#behind(request, remote.address) }, enter, protection: isSecure ? UNBOUND : undefined }
  }

  /** From the right, as each proxy appends whom it heard: the first that is no proxy of ours is the last that can be believed. */
  #behind(request: IncomingMessage, proxy: string): string {
    let address = proxy
    for (const one of listOf(request.headers['x-forwarded-for']).toReversed()) {
      const plain = /^\[(.*)\]$/.exec(one)?.[1] ?? one
      if (isIP(plain) === 0) return address
      address = plain
      if (!this.isProxy(plain)) return address
    }
    return address
  }
}

function listOf(header: string | string[] | undefined): string[] {
  return String(header ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}

const lastOf = (header: string | string[] | undefined): string | undefined => listOf(header).at(-1)?.toLowerCase()
