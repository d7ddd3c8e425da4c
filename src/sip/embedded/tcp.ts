/** SIP over TCP: connections others open to us, and ours to them, each used for both directions (RFC 3261 §18, RFC 5923 in spirit). */
import { randomBytes } from 'node:crypto'
import { createConnection, createServer, isIPv6, type Server, type Socket } from 'node:net'
import type { Log } from '../../log/log.ts'
import { type Listening, type NextHop, NoResponseError } from '../port.ts'
import { Connection, type Owner } from './connection.ts'
import type { Room } from './framer.ts'
import type { Limits } from './limits.ts'
import type { LocalAddresses } from './local-address.ts'
import { Seldom } from './seldom.ts'
import { hostPort, isLoopback, isWildcard, plainAddress, type Receiver, type TransportLayer } from './transport.ts'

export interface TcpListener {
  readonly port: number
  /** Absent: every address, IPv6 and IPv4. */
  readonly address?: string | undefined
}

/** A listener that is there. */
interface Bound {
  readonly server: Server
  readonly address: string
  readonly port: number
}

const BACKLOG = 1_024
const DEFAULT_PORT = 5_060
/** How long the last bytes may take when we stop. */
const FLUSH_MS = 1_000

export class TcpTransport implements TransportLayer, Owner {
  readonly transport = 'tcp'
  readonly limits: Limits
  readonly room: Room
  receiver: Receiver = { received: () => {}, broken: () => {} }
  readonly #listeners: readonly TcpListener[]
  readonly #addresses: LocalAddresses
  readonly #log: Log
  readonly #bound: Bound[] = []
  readonly #byFlow = new Map<string, Connection>()
  /** By the peer's host and port: the newest. */
  readonly #byPeer = new Map<string, Connection>()
  readonly #perAddress = new Map<string, number>()
  // A flow kept from before a restart must not name another telephone's connection.
  readonly #run = randomBytes(6).toString('hex')
  readonly #refusals = new Seldom()
  #opened = 0
  #emptied: (() => void) | undefined

  constructor(listeners: readonly TcpListener[], addresses: LocalAddresses, limits: Limits, log: Log) {
    this.#listeners = listeners
    this.#addresses = addresses
    this.limits = limits
    this.room = { left: limits.unfinishedMaxBytes }
    this.#log = log
  }

  async listen(receiver: Receiver): Promise<Listening[]> {
    this.receiver = receiver
    for (const listener of this.#listeners) {
      try {
        await this.#bind(listener)
      } catch (cause) {
        await this.close()
        throw cause
      }
    }
    return this.#bound.map(({ address, port }) => ({ what: 'sip/tcp', address, port }))
  }

  wayTo(host: string, port: number, flow: string | undefined): Connection {
    if (flow !== undefined) {
      const way = this.#byFlow.get(flow)
      if (!way?.hears) throw new NoResponseError('transport', `the connection of ${hostPort(host, port)} is gone`)
      return way
    }
    const there = this.#byPeer.get(hostPort(host, port))
    return there?.hears ? there : this.#connect(host, port)
  }

  /** The port is a listener's also where the connection is ours: who answers after it broke opens another one there. */
  localFor(host: string, flow: string | undefined): NextHop {
    const own = flow === undefined ? undefined : this.#byFlow.get(flow)?.localAddress
    const bound = this.#bound.find((one) => one.address === own) ?? this.#boundFor(host)
    const address = own ?? (bound === undefined || isWildcard(bound.address) ? this.#addresses.towards(host) : bound.address)
    const port = bound?.port ?? DEFAULT_PORT
    return flow === undefined ? { transport: 'tcp', host: address, port } : { transport: 'tcp', host: address, port, flow }
  }

  closed(connection: Connection, why: string): void {
    this.#byFlow.delete(connection.flow)
    const peer = hostPort(connection.host, connection.port)
    if (this.#byPeer.get(peer) === connection) this.#byPeer.delete(peer)
    const others = (this.#perAddress.get(connection.host) ?? 1) - 1
    if (others > 0) this.#perAddress.set(connection.host, others)
    else this.#perAddress.delete(connection.host)
    if (this.#byFlow.size === 0) this.#emptied?.()
    this.#log.lowLevel({ what: 'sip_connection_closed', peer, flow: connection.flow, why })
  }

  refuseNew(): void {
    for (const { server } of this.#bound) server.close()
  }

  async close(): Promise<void> {
    const closed = this.#bound.splice(0).map(({ server }) => new Promise<void>((resolve) => server.close(() => resolve())))
    for (const connection of [...this.#byFlow.values()]) connection.flush('we are stopping')
    // What was answered just now still has to leave; a peer that does not read is not waited for.
    const impatient = setTimeout(() => {
      for (const connection of [...this.#byFlow.values()]) connection.destroy('we are stopping')
    }, FLUSH_MS)
    if (this.#byFlow.size > 0) await new Promise<void>((resolve) => (this.#emptied = resolve))
    clearTimeout(impatient)
    await Promise.all(closed)
  }

  #boundFor(host: string): Bound | undefined {
    const bound = this.#bound.filter((one) => isWildcard(one.address) || isIPv6(one.address) === isIPv6(host))
    return bound.find((one) => isWildcard(one.address) || isLoopback(one.address) === isLoopback(host)) ?? bound[0]
  }

  #bind(listener: TcpListener): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      // Without an address Node binds :: with IPv4 in it, and 0.0.0.0 where there is no IPv6.
      server.listen(
        { port: listener.port, backlog: BACKLOG, ...(listener.address === undefined ? {} : { host: listener.address }) },
        () => {
          server.off('error', reject)
          // Out of file descriptors, for one: those that are connected go on.
          server.on('error', (cause) => this.#log.failure({ what: 'sip_tcp_failed', cause }))
          const at = server.address()
          if (at && typeof at === 'object') this.#bound.push({ server, address: at.address, port: at.port })
          resolve()
        },
      )
    })
  }

  #accept(socket: Socket): void {
    const host = plainAddress(socket.remoteAddress ?? '')
    const port = socket.remotePort ?? 0
    const why = this.#whyNoMore(host)
    if (host === '' || why !== undefined) {
      socket.destroy()
      // As many lines as there are strangers knocking would fill the disk.
      const fact = { what: 'sip_connection_refused', peer: hostPort(host, port), why: why ?? 'gone at once' }
      if (this.#refusals.mayTell()) this.#log.problem(fact)
      else this.#log.lowLevel(fact)
      return
    }
    this.#enter(socket, host, port).open(plainAddress(socket.localAddress ?? ''), this.limits.firstMessageMs)
  }

  #connect(host: string, port: number): Connection {
    const why = this.#whyNoMore(host)
    if (why !== undefined) throw new NoResponseError('transport', `no connection to ${hostPort(host, port)}: ${why}`)
    // From the address we are known by, where there is one.
    const bound = this.#boundFor(host)?.address
    const own = bound === undefined || isWildcard(bound) || isLoopback(bound) !== isLoopback(host) ? {} : { localAddress: bound }
    const socket = createConnection({ host, port, ...own })
    const connection = this.#enter(socket, host, port)
    socket.setTimeout(this.limits.connectMs)
    socket.once('connect', () => connection.open(plainAddress(socket.localAddress ?? ''), this.limits.idleMs))
    return connection
  }

  #enter(socket: Socket, host: string, port: number): Connection {
    this.#opened++
    const connection = new Connection(socket, `tcp-${this.#run}-${this.#opened}`, host, port, this)
    this.#byFlow.set(connection.flow, connection)
    this.#byPeer.set(hostPort(host, port), connection)
    this.#perAddress.set(host, (this.#perAddress.get(host) ?? 0) + 1)
    this.#log.lowLevel({ what: 'sip_connection_opened', peer: hostPort(host, port), flow: connection.flow })
    return connection
  }

  #whyNoMore(host: string): string | undefined {
    if (this.#byFlow.size >= this.limits.connectionsMax) return `more than ${this.limits.connectionsMax} connections`
    if ((this.#perAddress.get(host) ?? 0) < this.limits.connectionsPerAddressMax) return undefined
    return `more than ${this.limits.connectionsPerAddressMax} connections of one address`
  }
}
