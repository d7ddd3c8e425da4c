/** One connection to the server, from the first packet to its end: it proves who we are, says what we serve, and notices when nobody is there any more. */
import type { Socket } from 'node:net'
import { Gate } from './gate.ts'
import type { DrachtioLimits } from './limits.ts'
import { Sockets } from './sockets.ts'
import { newSrf, type Srf, type SrfAnswer, type SrfRequest } from './srf.ts'

export interface Server {
  readonly host: string
  readonly port: number
  readonly secret: string
}

export interface Owner {
  readonly methods: ReadonlySet<string>
  opened(connection: AdminConnection, version: string): void
  /** Once, whether it was ever open or not. */
  ended(connection: AdminConnection, why: string): void
  /** A request from the network. */
  took(connection: AdminConnection, request: SrfRequest, answer: SrfAnswer): void
}

export class AdminConnection {
  readonly gate: Gate
  readonly srf: Srf
  /** Where the server takes SIP; nowhere before it is open. */
  sockets = new Sockets('')
  isOpen = false
  readonly #owner: Owner
  readonly #limits: DrachtioLimits
  readonly #opening: NodeJS.Timeout
  #socket: Socket | undefined
  #pinging: NodeJS.Timeout | undefined
  #heardAtPing = -1
  #lastError: string | undefined
  #isEnded = false

  constructor(server: Server, owner: Owner, limits: DrachtioLimits) {
    this.#owner = owner
    this.#limits = limits
    this.gate = new Gate(limits.acknowledgeMs, () => this.end('it does not acknowledge what it was sent'))
    this.#opening = setTimeout(() => this.end('it does not answer'), limits.connectMs)
    const srf = newSrf()
    this.srf = srf
    // All routes before the connection: each later one would send all of them again.
    for (const method of owner.methods) srf.use(method.toLowerCase(), (request, answer) => owner.took(this, request, answer))
    srf.on('connect', (failure, hostPorts, version) => this.#admitted(failure, hostPorts ?? '', version ?? ''))
    srf.on('error', (failure) => {
      this.#lastError = failure instanceof Error ? failure.message : String(failure)
    })
    srf.on('close', () => this.end(this.#lastError ?? 'it closed the connection'))
    // We connect again ourselves: drachtio-srf would ask four times a second for ever where the secret is wrong, and forget TCP_NODELAY.
    srf.connect({ ...server, reconnect: { maxAttempts: 1, retryMaxDelay: null } })
    srf.app.client.wp.on('connect', (socket) => this.#connected(socket))
  }

  /** Ends it, whatever state it is in. */
  end(why: string): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.isOpen = false
    clearTimeout(this.#opening)
    clearInterval(this.#pinging)
    this.gate.close()
    this.#socket?.destroy()
    this.#owner.ended(this, why)
  }

  #connected(socket: Socket): void {
    if (this.#isEnded) {
      socket.destroy()
      return
    }
    this.#socket = socket
    // Small frames in both directions wait for each other without this.
    socket.setNoDelay(true)
    this.#guard(socket)
  }

  /** What is no frame makes drachtio-srf throw inside the socket: there may be another program behind that port. */
  #guard(socket: Socket): void {
    const readers = socket.listeners('data')
    socket.removeAllListeners('data')
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const read of readers) read.call(socket, chunk)
      } catch (cause) {
        this.end(`it does not speak drachtio's protocol: ${cause instanceof Error ? cause.message.slice(0, 80) : cause}`)
      }
    })
  }

  #admitted(failure: unknown, hostPorts: string, version: string): void {
    if (this.#isEnded) return
    if (failure) {
      this.end('it refused the secret')
      return
    }
    clearTimeout(this.#opening)
    this.sockets = new Sockets(hostPorts)
    this.isOpen = true
    this.#pinging = setInterval(() => this.#ping(), this.#limits.pingMs)
    this.#owner.opened(this, version)
  }

  #ping(): void {
    // A frame that is not acknowledged has a time of its own.
    const socket = this.#socket
    if (!socket || this.gate.isShut) return
    if (socket.bytesRead === this.#heardAtPing) {
      this.end('it is silent')
      return
    }
    this.#heardAtPing = socket.bytesRead
    this.srf.app.client.wp.send(socket, 'ping')
  }
}
