/** The stack of our own: transports below, transactions above (RFC 3261 §17, §18). */
import { randomBytes } from 'node:crypto'
import type { Log } from '../../log/log.ts'
import type { SipParseError } from '../codec.ts'
import { SipRequest, type SipResponse } from '../message.ts'
import {
  type Abilities,
  type CallWatch,
  type Listening,
  type NextHop,
  NoResponseError,
  type Serve,
  type SipStack,
  type Transport,
} from '../port.ts'
import type { Gate } from './admission.ts'
import { ClientTransactions } from './client.ts'
import { type Listener, layersFor } from './layers.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { StatefulProxy } from './proxy.ts'
import { DialogRoutes } from './record-route.ts'
import { ServerTransactions } from './server.ts'
import { defaultTimers, type Timers } from './timers.ts'
import type { TlsContexts } from './tls-contexts.ts'
import { traceReceived } from './trace.ts'
import type { Receiver, TransportLayer, Way } from './transport.ts'
import { Wheel } from './wheel.ts'

export interface EmbeddedSettings {
  readonly listeners: readonly Listener[]
  readonly timers?: Partial<Timers>
  readonly limits?: Partial<Limits>
  /** Certificates; absent: no TLS in either direction. */
  readonly tls?: TlsContexts | undefined
  /** Who is not listened to. */
  readonly gate?: Gate | undefined
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
  /** Calls that somebody is told of, until they end. */
  readonly watched: number
}

export function embeddedStack(settings: EmbeddedSettings, log: Log): EmbeddedStack {
  const { listeners, tls, gate } = settings
  const limits = { ...defaultLimits, ...settings.limits }
  const layers = layersFor(listeners, tls, gate, limits, log)
  return new EmbeddedStack(layers, { ...defaultTimers, ...settings.timers }, limits, log, settings.key, gate)
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
  readonly #gate: Gate | undefined
  readonly #timers: Timers
  readonly #limits: Limits
  readonly #log: Log
  readonly #wheel: Wheel
  readonly #client: ClientTransactions
  readonly #proxy: StatefulProxy
  #server: ServerTransactions | undefined

  /** `key`: signs what dialogs need to come back to us. Another one after a restart ends the signalling of calls that go on. */
  constructor(layers: readonly TransportLayer[], timers: Timers, limits: Limits, log: Log, key: Buffer = randomBytes(32), gate?: Gate) {
    this.#gate = gate
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
      watched: this.#proxy.watched,
    }
  }

  async start(serve: Serve): Promise<readonly Listening[]> {
    const reopen = (way: Way, host: string, port: number) => {
      // RFC 7118 §5: who opened a WebSocket listens nowhere.
      if (way.transport === 'ws' || way.transport === 'wss') throw new NoResponseError('transport', 'the WebSocket is closed')
      return this.#layer(way.transport).wayTo(host, port, undefined)
    }
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

  watchFlow(hop: NextHop, silentMs: number, lifeMs: number, ended: () => void): void {
    this.#layers.get(hop.transport)?.watchFlow?.(hop, silentMs, lifeMs, ended)
  }

  watchCalls(watch: CallWatch): void {
    this.#proxy.watch(watch)
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
    if (this.#gate && message instanceof SipRequest && this.#gate.refuses(host)) return
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
    if (this.#gate?.refuses(host)) return
    try {
      this.#gate?.noise(host)
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
