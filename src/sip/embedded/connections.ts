/** What all transports with connections share: listeners, the table of flows, and reuse in both directions (RFC 3261 §18, RFC 5923 in spirit). */
import { randomBytes } from 'node:crypto'
import { createServer, isIPv6, type Server, type Socket } from 'node:net'
import type { Log } from '../../log/log.ts'
import { type Listening, type NextHop, NoResponseError, type Transport } from '../port.ts'
import type { Admission } from './admission.ts'
import type { Room } from './framer.ts'
import type { Limits } from './limits.ts'
import type { LocalAddresses } from './local-address.ts'
import { Seldom } from './seldom.ts'
import { hostPort, isLoopback, isWildcard, plainAddress, type Receiver, type TransportLayer, type Way } from './transport.ts'

export interface StreamListener {
  readonly port: number
  /** Absent: every address, IPv6 and IPv4. */
  readonly address?: string | undefined
}

/** One connection, as its transport sees it. */
export interface Link extends Way {
  readonly host: string
  readonly port: number
  /** Under what it is found again: the peer's host and port, and the name it has proved where that was asked for. */
  readonly peer: string
  readonly localAddress: string | undefined
  /** Whether an answer can come through it. */
  readonly hears: boolean
  /** What was sent goes out still, and that is the end. */
  flush(why: string): void
  destroy(why: string): void
  /** Once its peer sends keep-alives: it is closed where nothing comes for so long. */
  endWhenSilent(silentMs: number): void
}

/** What connections of every kind need of the stack. */
export interface Surroundings {
  readonly addresses: LocalAddresses
  readonly admission: Admission
  readonly limits: Limits
  readonly log: Log
}

/** A listener that is there. */
interface Bound {
  readonly server: Server
  readonly address: string
  readonly port: number
}

const BACKLOG = 1_024
/** How long the last bytes may take when we stop. */
const FLUSH_MS = 1_000

export abstract class Connections<L extends Link> implements TransportLayer {
  abstract readonly transport: Transport
  /** Of a Via or Contact where we listen to nobody. */
  protected abstract readonly defaultPort: number
  readonly limits: Limits
  readonly room: Room
  receiver: Receiver = { received: () => {}, broken: () => {} }
  protected readonly log: Log
  readonly #listeners: readonly StreamListener[]
  readonly #addresses: LocalAddresses
  readonly #admission: Admission
  readonly #bound: Bound[] = []
  readonly #byFlow = new Map<string, L>()
  /** The newest of each peer. */
  readonly #byPeer = new Map<string, L>()
  /** Sockets others opened, whatever became of them. */
  readonly #accepted = new Set<Socket>()
  // A flow kept from before a restart must not name another telephone's connection.
  readonly #run = randomBytes(6).toString('hex')
  readonly #refusals = new Seldom()
  #opened = 0
  /** Who wants to know that a flow has ended. */
  readonly #ended = new Map<string, () => void>()
  #emptied: (() => void) | undefined

  constructor(listeners: readonly StreamListener[], { addresses, admission, limits, log }: Surroundings) {
    this.#listeners = listeners
    this.#addresses = addresses
    this.#admission = admission
    this.limits = limits
    this.room = { left: limits.unfinishedMaxBytes }
    this.log = log
  }

  /** Somebody connected, who is not one too many. */
  protected abstract accepted(socket: Socket, host: string, port: number): void

  /** A connection of ours; `localAddress`: from where, if that matters. */
  protected abstract dial(host: string, port: number, name: string | undefined, localAddress: string | undefined): L

  /** What `dial` gives it as `peer`. */
  protected peerOf(host: string, port: number, _name: string | undefined): string {
    return hostPort(host, port)
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
    return this.#bound.map(({ address, port }) => ({ what: `sip/${this.transport}`, address, port }))
  }

  wayTo(host: string, port: number, flow: string | undefined, name?: string): L {
    if (flow !== undefined) {
      const way = this.#byFlow.get(flow)
      if (!way?.hears) throw new NoResponseError('transport', `the connection of ${hostPort(host, port)} is gone`)
      return way
    }
    const there = this.#byPeer.get(this.peerOf(host, port, name))
    return there?.hears ? there : this.#connect(host, port, name)
  }

  watchFlow({ flow = '' }: NextHop, silentMs: number, _lifeMs: number, ended: () => void): void {
    const link = this.#byFlow.get(flow)
    if (!link) {
      ended()
      return
    }
    link.endWhenSilent(silentMs)
    this.#ended.set(flow, ended)
  }

  /** The port is a listener's also where the connection is ours: who answers after it broke opens another one there. */
  localFor(host: string, flow: string | undefined): NextHop {
    const { transport } = this
    const own = flow === undefined ? undefined : this.#byFlow.get(flow)?.localAddress
    const bound = this.#bound.find((one) => one.address === own) ?? this.#boundFor(host)
    const address = own ?? (bound === undefined || isWildcard(bound.address) ? this.#addresses.towards(host) : bound.address)
    const port = bound?.port ?? this.defaultPort
    return flow === undefined ? { transport, host: address, port } : { transport, host: address, port, flow }
  }

  closed(link: L, why: string): void {
    this.#byFlow.delete(link.flow)
    if (this.#byPeer.get(link.peer) === link) this.#byPeer.delete(link.peer)
    if (this.#byFlow.size === 0) this.#emptied?.()
    this.#tellEnded(link.flow)
    this.log.lowLevel({ what: 'sip_connection_closed', peer: hostPort(link.host, link.port), flow: link.flow, why })
  }

  refuseNew(): void {
    for (const { server } of this.#bound) server.close()
  }

  async close(): Promise<void> {
    // What ends with us is not dead: a telephone that comes back has it still.
    this.#ended.clear()
    const closed = this.#bound.splice(0).map(({ server }) => new Promise<void>((resolve) => server.close(() => resolve())))
    for (const link of [...this.#byFlow.values()]) link.flush('we are stopping')
    // What was answered just now still has to leave; a peer that does not read is not waited for.
    const impatient = setTimeout(() => {
      for (const link of [...this.#byFlow.values()]) link.destroy('we are stopping')
    }, FLUSH_MS)
    if (this.#byFlow.size > 0) await new Promise<void>((resolve) => (this.#emptied = resolve))
    clearTimeout(impatient)
    // Those who were still shaking hands.
    for (const socket of this.#accepted) socket.destroy()
    await Promise.all(closed)
  }

  protected get links(): Iterable<L> {
    return this.#byFlow.values()
  }

  protected newFlow(): string {
    return `${this.transport}-${this.#run}-${++this.#opened}`
  }

  /** A connection of ours counts like those of others. */
  protected counts(socket: Socket, host: string): void {
    this.#admission.enter(socket, host)
  }

  protected enter(link: L): L {
    this.#byFlow.set(link.flow, link)
    this.#byPeer.set(link.peer, link)
    this.log.lowLevel({ what: 'sip_connection_opened', peer: hostPort(link.host, link.port), flow: link.flow })
    return link
  }

  /** As many lines as there are strangers knocking would fill the disk. */
  protected refused(host: string, port: number, why: string): void {
    const fact = { what: 'sip_connection_refused', transport: this.transport, peer: hostPort(host, port), why }
    if (this.#refusals.mayTell()) this.log.problem(fact)
    else this.log.lowLevel(fact)
  }

  #tellEnded(flow: string): void {
    const ended = this.#ended.get(flow)
    if (this.#ended.delete(flow)) ended?.()
  }

  #boundFor(host: string): Bound | undefined {
    const bound = this.#bound.filter((one) => isWildcard(one.address) || isIPv6(one.address) === isIPv6(host))
    return bound.find((one) => isWildcard(one.address) || isLoopback(one.address) === isLoopback(host)) ?? bound[0]
  }

  #bind(listener: StreamListener): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      // Without an address Node binds :: with IPv4 in it, and 0.0.0.0 where there is no IPv6.
      server.listen(
        { port: listener.port, backlog: BACKLOG, ...(listener.address === undefined ? {} : { host: listener.address }) },
        () => {
          server.off('error', reject)
          // Out of file descriptors, for one: those that are connected go on.
          server.on('error', (cause) => this.log.failure({ what: `sip_${this.transport}_failed`, cause }))
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
    // Who is not listened to is told nothing, and what it costs us ends here.
    if (this.#admission.isRefused(host)) {
      socket.destroy()
      return
    }
    const why = host === '' ? 'gone at once' : this.#admission.whyNoMore(host)
    if (why !== undefined) {
      socket.destroy()
      this.refused(host, port, why)
      return
    }
    this.counts(socket, host)
    this.#accepted.add(socket)
    socket.once('close', () => this.#accepted.delete(socket))
    this.accepted(socket, host, port)
  }

  #connect(host: string, port: number, name: string | undefined): L {
    const why = this.#admission.whyNoMore(host)
    if (why !== undefined) throw new NoResponseError('transport', `no connection to ${hostPort(host, port)}: ${why}`)
    // From the address we are known by, where there is one.
    const bound = this.#boundFor(host)?.address
    const isOurs = bound !== undefined && !isWildcard(bound) && isLoopback(bound) === isLoopback(host)
    return this.enter(this.dial(host, port, name, isOurs ? bound : undefined))
  }
}
