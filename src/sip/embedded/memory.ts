/** A network without wires: parties that reach each other by printed and parsed bytes, below the transactions every embedded stack has. */
import { type Log, silent } from '../../log/log.ts'
import { parseMessage, SipParseError } from '../codec.ts'
import { type Listening, type NextHop, NoResponseError, type Transport } from '../port.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { EmbeddedStack } from './stack.ts'
import { defaultTimers, type Timers } from './timers.ts'
import { hostPort, type Receiver, type Sender, type TransportLayer, type Way } from './transport.ts'

export interface MemoryParty {
  /** An IP address, as a name would be looked up outside. */
  readonly host: string
  readonly port?: number
  readonly timers?: Partial<Timers>
  readonly limits?: Partial<Limits>
  readonly log?: Log
}

/** A message between two parties. */
export interface Packet {
  readonly transport: Transport
  readonly from: string
  readonly to: string
  readonly bytes: Buffer
  /** For who held it: now it arrives. */
  deliver(): void
}

/** Somebody at an address of that network. */
export interface Place {
  readonly transport: Transport
  readonly host: string
  readonly port: number
  take(bytes: Buffer, from: Place): void
}

export type Verdict = 'pass' | 'drop' | 'hold'

export interface MemorySettings {
  /** Whether requests over `udp` are sent again: only of use where packets are dropped. Absent: nothing is lost, nothing sent twice. */
  readonly isLossy?: boolean
}

export class MemoryNetwork {
  readonly isLossy: boolean
  /** Asked for every packet; it passes where this is not set. */
  intercept: ((packet: Packet) => Verdict) | undefined
  readonly #places = new Map<string, Place>()

  constructor(settings: MemorySettings = {}) {
    this.isLossy = settings.isLossy ?? false
  }

  /** A stack at that address, for UDP and TCP alike; it is there from its start to its stop. */
  join(party: MemoryParty): EmbeddedStack {
    const { host, port = 5_060, log = silent } = party
    const layers = [new MemoryTransport(this, 'udp', host, port), new MemoryTransport(this, 'tcp', host, port)]
    return new EmbeddedStack(layers, { ...defaultTimers, ...party.timers }, { ...defaultLimits, ...party.limits }, log)
  }

  /** Who speaks in bytes takes a place directly. */
  enter(place: Place): void {
    const key = keyOf(place.transport, place.host, place.port)
    if (this.#places.has(key)) throw new Error(`${key} is taken`)
    this.#places.set(key, place)
  }

  leave(place: Place): void {
    const key = keyOf(place.transport, place.host, place.port)
    if (this.#places.get(key) === place) this.#places.delete(key)
  }

  has(transport: 'udp' | 'tcp', host: string, port: number): boolean {
    return this.#places.has(keyOf(transport, host, port))
  }

  carry(from: Place, bytes: Buffer, host: string, port: number): void {
    const deliver = () => this.#places.get(keyOf(from.transport, host, port))?.take(bytes, from)
    const packet: Packet = {
      transport: from.transport,
      from: hostPort(from.host, from.port),
      to: hostPort(host, port),
      bytes,
      deliver,
    }
    const verdict = this.intercept?.(packet) ?? 'pass'
    // Never inside the call that sent it, as on any wire.
    if (verdict === 'pass') queueMicrotask(deliver)
  }
}

function keyOf(transport: Transport, host: string, port: number): string {
  return `${transport} ${hostPort(host, port)}`
}

class MemoryTransport implements TransportLayer, Place {
  readonly transport: 'udp' | 'tcp'
  readonly host: string
  readonly port: number
  readonly #network: MemoryNetwork
  #receiver: Receiver | undefined

  constructor(network: MemoryNetwork, transport: 'udp' | 'tcp', host: string, port: number) {
    this.#network = network
    this.transport = transport
    this.host = host
    this.port = port
  }

  async listen(receiver: Receiver): Promise<Listening[]> {
    this.#network.enter(this)
    this.#receiver = receiver
    return [{ what: `sip/${this.transport}`, address: this.host, port: this.port }]
  }

  wayTo(host: string, port: number, flow: string | undefined): Way {
    if (flow !== undefined && this.transport === 'tcp' && !this.#network.has('tcp', host, port)) {
      throw new NoResponseError('transport', `the connection of ${hostPort(host, port)} is gone`)
    }
    return new MemoryWay(this, this.#network, host, port)
  }

  localFor(_host: string, flow: string | undefined): NextHop {
    const hop = { transport: this.transport, host: this.host, port: this.port }
    return flow === undefined ? hop : { ...hop, flow }
  }

  refuseNew(): void {}

  async close(): Promise<void> {
    this.#network.leave(this)
    this.#receiver = undefined
  }

  take(bytes: Buffer, from: Place): void {
    const way = new MemoryWay(this, this.#network, from.host, from.port)
    try {
      this.#receiver?.received(parseMessage(bytes), way, from.host, from.port)
    } catch (cause) {
      if (!(cause instanceof SipParseError)) throw cause
      this.#receiver?.broken(cause, way, from.host, from.port)
    }
  }
}

class MemoryWay implements Way {
  readonly transport: 'udp' | 'tcp'
  readonly isReliable: boolean
  readonly isOpen = true
  readonly flow: string
  readonly #own: MemoryTransport
  readonly #network: MemoryNetwork

  constructor(own: MemoryTransport, network: MemoryNetwork, host: string, port: number) {
    this.#own = own
    this.#network = network
    this.transport = own.transport
    this.isReliable = own.transport === 'tcp' || !network.isLossy
    this.flow = `memory-${own.transport}-${hostPort(host, port)}`
  }

  localFor(host: string): NextHop {
    return this.#own.localFor(host, this.flow)
  }

  send(bytes: Buffer, host: string, port: number, sender?: Sender): void {
    if (this.transport === 'tcp' && !this.#network.has('tcp', host, port)) {
      sender?.wayFailed(new Error('nobody is there'), true)
      return
    }
    this.#network.carry(this.#own, bytes, host, port)
  }

  forget(): void {}
}
