/** Keeps one connection to the server there: connects again, after pauses that grow and have a bound, and knows how it stands. */
import type { Log } from '../../log/log.ts'
import { type Connection, NoResponseError } from '../port.ts'
import { Standing } from '../standing.ts'
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
  readonly #standing = new Standing(Date.now)
  #retrying: NodeJS.Timeout | undefined
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
    return this.#standing.report
  }

  get sockets(): Sockets {
    return this.#sockets
  }

  /** The open connection; throws NoResponseError where there is none. */
  get open(): AdminConnection {
    const connection = this.#connection
    if (connection?.isOpen) return connection
    throw new NoResponseError('transport', `the drachtio server ${this.#name} is away: ${this.#standing.why}`)
  }

  /** Resolves when the first attempt has ended, well or not: a gateway that is started before its server waits for it while it serves its streams. */
  start(): Promise<void> {
    const tried = this.#standing.firstTried()
    this.#connect()
    return tried
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#retrying)
    this.#connection?.end('the gateway is stopping')
  }

  opened(connection: AdminConnection, version: string): void {
    this.#sockets = connection.sockets
    this.#standing.connected()
    this.#log.major({ what: 'drachtio_connected', server: this.#name, version })
    this.#standing.tried()
  }

  ended(connection: AdminConnection, why: string): void {
    if (this.#connection === connection) this.#connection = undefined
    const isNews = this.#standing.away(why)
    if (!this.#isStopped) this.#tell(why, isNews)
    this.#user.lost(connection, why)
    this.#standing.tried()
    if (this.#isStopped) return
    this.#retrying = setTimeout(() => this.#connect(), this.#standing.pause(this.#limits))
  }

  took(connection: AdminConnection, request: SrfRequest, answer: SrfAnswer): void {
    this.#user.took(connection, request, answer)
  }

  #connect(): void {
    this.#connection = new AdminConnection(this.#server, this, this.#limits)
  }

  /** Each reason once, not at each attempt. */
  #tell(why: string, isNews: boolean): void {
    const fact = { what: 'drachtio_connection_failed', server: this.#name, why, retries: this.#standing.retries }
    if (isNews) this.#log.failure(fact)
    else this.#log.lowLevel(fact)
  }

  get #name(): string {
    return `${this.#server.host}:${this.#server.port}`
  }
}
