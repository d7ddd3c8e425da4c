/** Keeps one connection to the server there: connects again, after pauses that grow and have a bound, and knows how it stands. */
import type { Log } from '../../log/log.ts'
import { type Connection, NoResponseError } from '../port.ts'
import { AdminConnection, type Owner, type Server } from './admin-connection.ts'
import type { DrachtioLimits } from './limits.ts'
import { Sockets } from './sockets.ts'
import type { SrfAnswer, SrfRequest } from './srf.ts'

export interface LinkUser {
  readonly methods: ReadonlySet<string>
  /** The connection is gone, with all that was under way on it. */
  lost(connection: AdminConnection, why: string): void
  took(connection: AdminConnection, request: SrfRequest, answer: SrfAnswer): void
}

export class Link implements Owner {
  readonly methods: ReadonlySet<string>
  readonly #server: Server
  readonly #user: LinkUser
  readonly #limits: DrachtioLimits
  readonly #log: Log
  #connection: AdminConnection | undefined
  #state: 'connected' | 'away' = 'away'
  #since = Date.now()
  #retries = 0
  #why: string | undefined = 'not connected yet'
  #retrying: NodeJS.Timeout | undefined
  #firstTried: (() => void) | undefined
  #isStopped = false
  /** Those of the last connection: addresses stay what they are while the server is away. */
  #sockets = new Sockets('')

  constructor(server: Server, user: LinkUser, limits: DrachtioLimits, log: Log) {
    this.methods = user.methods
    this.#server = server
    this.#user = user
    this.#limits = limits
    this.#log = log
  }

  get state(): Connection {
    return { state: this.#state, since: this.#since, retries: this.#retries, why: this.#why }
  }

  get sockets(): Sockets {
    return this.#sockets
  }

  /** The open connection; throws NoResponseError where there is none. */
  get open(): AdminConnection {
    const connection = this.#connection
    if (connection?.isOpen) return connection
    throw new NoResponseError('transport', `the drachtio server ${this.#name} is away: ${this.#why ?? 'not connected yet'}`)
  }

  /** Resolves when the first attempt has ended, well or not: a gateway that is started before its server waits for it while it serves its streams. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#firstTried = resolve
      this.#connect()
    })
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#retrying)
    this.#connection?.end('the gateway is stopping')
  }

  opened(connection: AdminConnection, version: string): void {
    this.#sockets = connection.sockets
    this.#state = 'connected'
    this.#since = Date.now()
    this.#retries = 0
    this.#why = undefined
    this.#log.major({ what: 'drachtio_connected', server: this.#name, version })
    this.#tried()
  }

  ended(connection: AdminConnection, why: string): void {
    if (this.#connection === connection) this.#connection = undefined
    if (this.#state === 'connected') {
      this.#state = 'away'
      this.#since = Date.now()
    } else this.#retries++
    if (!this.#isStopped) this.#tell(why)
    this.#why = why
    this.#user.lost(connection, why)
    this.#tried()
    if (this.#isStopped) return
    const { retryFirstMs, retryMaxMs } = this.#limits
    this.#retrying = setTimeout(() => this.#connect(), Math.min(retryFirstMs * 2 ** Math.min(this.#retries, 20), retryMaxMs))
  }

  took(connection: AdminConnection, request: SrfRequest, answer: SrfAnswer): void {
    this.#user.took(connection, request, answer)
  }

  #connect(): void {
    this.#connection = new AdminConnection(this.#server, this, this.#limits)
  }

  /** Each reason once, not at each attempt. */
  #tell(why: string): void {
    const fact = { what: 'drachtio_connection_failed', server: this.#name, why, retries: this.#retries }
    if (why === this.#why) this.#log.lowLevel(fact)
    else this.#log.failure(fact)
  }

  #tried(): void {
    this.#firstTried?.()
    this.#firstTried = undefined
  }

  get #name(): string {
    return `${this.#server.host}:${this.#server.port}`
  }
}
