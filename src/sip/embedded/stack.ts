/** The stack of our own: transports below, transactions above (RFC 3261 §17, §18). */
import { randomBytes } from 'node:crypto'
import type { Log } from '../../log/log.ts'
import type { SipParseError } from '../codec.ts'
import { SipRequest, type SipResponse } from '../message.ts'
import { type Abilities, type Listening, type NextHop, NoResponseError, type Serve, type SipStack, type Transport } from '../port.ts'
import { ClientTransactions } from './client.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { LocalAddresses } from './local-address.ts'
import { StatefulProxy } from './proxy.ts'
import { DialogRoutes } from './record-route.ts'
import { ServerTransactions } from './server.ts'
import { TcpTransport } from './tcp.ts'
import { defaultTimers, type Timers } from './timers.ts'
import { traceReceived } from './trace.ts'
import type { Receiver, TransportLayer, Way } from './transport.ts'
import { UdpTransport } from './udp.ts'
import { Wheel } from './wheel.ts'

export interface Listener {
  readonly transport: 'udp' | 'tcp'
  /** 0: any that is free. */
  readonly port: number
  /** Absent: every address, IPv6 and IPv4. */
  readonly address?: string | undefined
}

export interface EmbeddedSettings {
  readonly listeners: readonly Listener[]
  readonly timers?: Partial<Timers>
  readonly limits?: Partial<Limits>
  /** What signs Record-Route; absent: a new one with each start. */
  readonly key?: Buffer
}

const GRACE_MS = 5_000

export interface Load {
  /** Requests that are being served. */
  readonly serving: number
  /** Requests of ours without a final response. */
  readonly waiting: number
  /** Responses kept for requests that come again. */
  readonly retained: number
  /** Calls somewhere on their way to an answer. */
  readonly ringing: number
  /** INVITE transactions, until their last timer. */
  readonly invites: number
}

/** Over UDP and TCP. TCP is there for what we send even without a listener, as large requests need it. */
export function embeddedStack(settings: EmbeddedSettings, log: Log): EmbeddedStack {
  const limits = { ...defaultLimits, ...settings.limits }
  const addresses = new LocalAddresses()
  const udp = settings.listeners.filter((one) => one.transport === 'udp')
  const tcp = settings.listeners.filter((one) => one.transport === 'tcp')
  const layers: TransportLayer[] = [new TcpTransport(tcp, addresses, limits, log)]
  if (udp.length > 0) layers.unshift(new UdpTransport(udp, addresses, log))
  return new EmbeddedStack(layers, { ...defaultTimers, ...settings.timers }, limits, log, settings.key)
}

/** Whatever its method, a request is served; ACK and CANCEL belong to their INVITE. */
const ABILITIES: Abilities = {
  dialogs: 'ours',
  proxy: true,
  serves: new Set([
    'REGISTER',
    'MESSAGE',
    'OPTIONS',
    'INFO',
    'SUBSCRIBE',
    'NOTIFY',
    'PUBLISH',
    'INVITE',
    'BYE',
    'REFER',
    'UPDATE',
    'PRACK',
  ]),
}

export class EmbeddedStack implements SipStack, Receiver {
  readonly can = ABILITIES
  readonly #layers: ReadonlyMap<Transport, TransportLayer>
  readonly #timers: Timers
  readonly #limits: Limits
  readonly #log: Log
  readonly #wheel: Wheel
  readonly #client: ClientTransactions
  readonly #proxy: StatefulProxy
  #server: ServerTransactions | undefined

  /** `key`: signs what dialogs need to come back to us. Another one after a restart ends the signalling of calls that go on. */
  constructor(layers: readonly TransportLayer[], timers: Timers, limits: Limits, log: Log, key: Buffer = randomBytes(32)) {
    this.#layers = new Map(layers.map((layer) => [layer.transport, layer]))
    this.#timers = timers
    this.#limits = limits
    this.#log = log
    this.#wheel = new Wheel((cause) => log.failure({ what: 'sip_timer_failed', cause }))
    this.#client = new ClientTransactions(this.#layers, this.#wheel, timers, limits, log)
    this.#proxy = new StatefulProxy(this.#client, new DialogRoutes(key), this.#layers, limits, log)
  }

  /** What runs: for metrics, and for tests that nothing is left behind. */
  get load(): Load {
    return {
      serving: this.#server?.servingCount ?? 0,
      waiting: this.#client.waitingCount,
      retained: this.#server?.retainedCount ?? 0,
      ringing: this.#proxy.ringing,
      invites: (this.#server?.inviteCount ?? 0) + this.#client.inviteCount,
    }
  }

  async start(serve: Serve): Promise<readonly Listening[]> {
    const reopen = (way: Way, host: string, port: number) => this.#layer(way.transport).wayTo(host, port, undefined)
    this.#server = new ServerTransactions(serve, this.#wheel, this.#timers, this.#limits, this.#log, reopen, this.#proxy)
    const listening: Listening[] = []
    try {
      for (const layer of this.#layers.values()) listening.push(...(await layer.listen(this)))
    } catch (cause) {
      await this.#close()
      throw cause
    }
    return listening
  }

  send(request: SipRequest, hop: NextHop): Promise<SipResponse> {
    return this.#client.send(request, hop)
  }

  localFor(hop: NextHop): NextHop {
    return this.#layer(hop.transport).localFor(hop.host, hop.flow)
  }

  async stop(graceMs: number = GRACE_MS): Promise<void> {
    for (const layer of this.#layers.values()) layer.refuseNew()
    await this.#drained(graceMs)
    this.#client.stop()
    await this.#close()
  }

  received(message: SipRequest | SipResponse, way: Way, host: string, port: number): void {
    try {
      traceReceived(this.#log, message, way, host, port)
      if (message instanceof SipRequest) this.#server?.receive(message, way, host, port)
      else this.#client.receive(message, host)
    } catch (cause) {
      // Our own mistake; what a stranger sent must not end the process.
      this.#log.failure({ what: 'sip_receive_failed', cause })
    }
  }

  broken(error: SipParseError, way: Way, host: string, port: number): void {
    try {
      this.#server?.refuseBroken(error, way, host, port)
    } catch (cause) {
      this.#log.failure({ what: 'sip_refuse_failed', cause })
    }
  }

  #layer(transport: Transport): TransportLayer {
    const layer = this.#layers.get(transport)
    if (!layer) throw new NoResponseError('transport', `no ${transport} is configured`)
    return layer
  }

  #drained(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timeout = setTimeout(resolve, graceMs)
      const look = () => {
        if (this.#client.waitingCount > 0 || (this.#server?.servingCount ?? 0) > 0) return
        clearTimeout(timeout)
        resolve()
      }
      this.#proxy.drain()
      this.#client.drain(look)
      this.#server?.drain(look)
      look()
    })
  }

  async #close(): Promise<void> {
    this.#server?.stop()
    await Promise.all([...this.#layers.values()].map((layer) => layer.close()))
  }
}
