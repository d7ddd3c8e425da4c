/** Keeps one connection to the PBX there: connects again, after pauses that grow and have a bound, and knows how it stands. */
import { unbracketed } from '../../address/ip-literal.ts'
import type { Log } from '../../log/log.ts'
import { type Connection, type NextHop, NoResponseError } from '../port.ts'
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
  #state: 'connected' | 'away' = 'away'
  #since = Date.now()
  #retries = 0
  #why: string | undefined = 'not connected yet'
  #hasBeenOpen = false
  #retrying: NodeJS.Timeout | undefined
  #firstTried: (() => void) | undefined
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
    return { state: this.#state, since: this.#since, retries: this.#retries, why: this.#why }
  }

  /** Where the PBX is, or was when it was last there; under its name before that. */
  get hop(): NextHop {
    return this.#hop
  }

  /** The open connection; throws NoResponseError where there is none. */
  get open(): PbxConnection {
    if (this.#connection?.isOpen) return this.#connection
    throw new NoResponseError('transport', `the PBX ${this.#name} is away: ${this.#why ?? 'not connected yet'}`)
  }

  /** Resolves when the first attempt has ended, well or not: a gateway that is started before its PBX waits for it while it serves its streams. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#firstTried = resolve
      this.#connect()
    })
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#retrying)
    this.#connection?.close('the gateway is stopping')
  }

  opened(connection: PbxConnection): void {
    const host = connection.remoteAddress
    if (host !== undefined) this.#hop = { ...this.#hop, host }
    this.#state = 'connected'
    this.#since = Date.now()
    this.#retries = 0
    this.#why = undefined
    this.#log.major({ what: 'websocket_connected', pbx: this.#name, address: host })
    const again = this.#hasBeenOpen
    this.#hasBeenOpen = true
    this.#user.opened(again)
    this.#tried()
  }

  ended(connection: PbxConnection, why: string): void {
    if (this.#connection === connection) this.#connection = undefined
    if (this.#state === 'connected') {
      this.#state = 'away'
      this.#since = Date.now()
    } else this.#retries++
    if (!this.#isStopped) this.#tell(why)
    this.#why = why
    this.#user.lost(`the connection to the PBX is gone: ${why}`)
    this.#tried()
    if (this.#isStopped) return
    const { retryFirstMs, retryMaxMs } = this.#limits
    const pause = Math.min(retryFirstMs * 2 ** Math.min(this.#retries, 20), retryMaxMs)
    // Not all gateways of one PBX at the same moment.
    this.#retrying = setTimeout(() => this.#connect(), pause * (0.75 + Math.random() / 4))
  }

  took(_connection: PbxConnection, bytes: Buffer): void {
    this.#user.took(bytes)
  }

  #connect(): void {
    this.#connection = new PbxConnection(this.#pbx, this, this.#limits)
  }

  /** Each reason once, not at each attempt. */
  #tell(why: string): void {
    const fact = { what: 'websocket_connection_failed', pbx: this.#name, why, retries: this.#retries }
    if (why === this.#why) this.#log.lowLevel(fact)
    else this.#log.problem(fact)
  }

  #tried(): void {
    this.#firstTried?.()
    this.#firstTried = undefined
  }
}
