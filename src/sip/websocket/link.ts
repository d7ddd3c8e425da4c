/** Keeps one connection to the PBX there: connects again, after pauses that grow and have a bound, and knows how it stands. */
import { unbracketed } from '../../address/ip-literal.ts'
import type { Log } from '../../log/log.ts'
import { type Connection, type NextHop, NoResponseError } from '../port.ts'
import { Standing } from '../standing.ts'
import { type ConnectionOwner, type PbxAddress, PbxConnection } from './connection.ts'
import type { WebSocketLimits } from './limits.ts'

export interface LinkUser {
  /** It is there; `again`: it was lost before, and with it what was registered through it. */
  opened(again: boolean): void
  /** The connection is gone, with all that was under way on it. */
  lost(why: string): void
  took(bytes: Buffer): void
}

export class Link implements ConnectionOwner {
  readonly #pbx: PbxAddress
  readonly #user: LinkUser
  readonly #limits: WebSocketLimits
  readonly #log: Log
  /** For people: the address without what may be secret in it. */
  readonly #name: string
  #hop: NextHop
  #connection: PbxConnection | undefined
  readonly #standing = new Standing(Date.now)
  #hasBeenOpen = false
  #retrying: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(pbx: PbxAddress, user: LinkUser, limits: WebSocketLimits, log: Log) {
    this.#pbx = pbx
    this.#user = user
    this.#limits = limits
    this.#log = log
    const { protocol, host, hostname, port } = new URL(pbx.url)
    const transport = protocol === 'wss:' ? 'wss' : 'ws'
    this.#name = `${transport}://${host}`
    const name = unbracketed(hostname)
    this.#hop = { transport, host: name, port: port === '' ? (transport === 'wss' ? 443 : 80) : Number(port), name }
  }

  get state(): Connection {
    return this.#standing.report
  }

  /** Where the PBX is, or was when it was last there; under its name before that. */
  get hop(): NextHop {
    return this.#hop
  }

  /** The open connection; throws NoResponseError where there is none. */
  get open(): PbxConnection {
    if (this.#connection?.isOpen) return this.#connection
    throw new NoResponseError('transport', `the PBX ${this.#name} is away: ${this.#standing.why}`)
  }

  /** Resolves when the first attempt has ended, well or not: a gateway that is started before its PBX waits for it while it serves its streams. */
  start(): Promise<void> {
    const tried = this.#standing.firstTried()
    this.#connect()
    return tried
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#retrying)
    this.#connection?.close('the gateway is stopping')
  }

  opened(connection: PbxConnection): void {
    const host = connection.remoteAddress
    if (host !== undefined) this.#hop = { ...this.#hop, host }
    this.#standing.connected()
    this.#log.major({ what: 'websocket_connected', pbx: this.#name, address: host })
    const again = this.#hasBeenOpen
    this.#hasBeenOpen = true
    this.#user.opened(again)
    this.#standing.tried()
  }

  ended(connection: PbxConnection, why: string): void {
    if (this.#connection === connection) this.#connection = undefined
    const isNews = this.#standing.away(why)
    if (!this.#isStopped) this.#tell(why, isNews)
    this.#user.lost(`the connection to the PBX is gone: ${why}`)
    this.#standing.tried()
    if (this.#isStopped) return
    // Not all gateways of one PBX at the same moment.
    this.#retrying = setTimeout(() => this.#connect(), this.#standing.pause(this.#limits) * (0.75 + Math.random() / 4))
  }

  took(_connection: PbxConnection, bytes: Buffer): void {
    this.#user.took(bytes)
  }

  #connect(): void {
    this.#connection = new PbxConnection(this.#pbx, this, this.#limits)
  }

  /** Each reason once, not at each attempt. */
  #tell(why: string, isNews: boolean): void {
    const fact = { what: 'websocket_connection_failed', pbx: this.#name, why, retries: this.#standing.retries }
    if (isNews) this.#log.problem(fact)
    else this.#log.lowLevel(fact)
  }
}
