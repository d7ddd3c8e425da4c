/** SIP over WebSocket, plain and under TLS (RFC 7118): telephones in browsers, which nothing can reach but through the flow they opened. */
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import { createConnection, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket, Server as TlsServer } from 'node:tls'
import { WebSocket, WebSocketServer } from 'ws'
import type { Log } from '../../log/log.ts'
import { Connections, type StreamListener, type Surroundings } from './connections.ts'
import type { TlsContexts } from './tls-contexts.ts'
import { hostPort, plainAddress } from './transport.ts'
import { WebSocketConnection, type WebSocketOwner } from './ws-connection.ts'

/** RFC 7118 §4.1. */
const SUBPROTOCOL = 'sip'
/** Bytes of the request that opens a WebSocket: cookies of the page are in it. */
const HANDSHAKE_MAX_BYTES = 16_384

export class WebSocketTransport extends Connections<WebSocketConnection> implements WebSocketOwner {
  readonly wireLog: Log
  protected readonly defaultPort: number
  readonly #contexts: TlsContexts | undefined
  readonly #tls: TlsServer | undefined
  readonly #http: Server
  readonly #upgrades: WebSocketServer
  /** Sockets that have not become a WebSocket yet, with the end of their patience. */
  readonly #arriving = new Map<Duplex, NodeJS.Timeout>()
  readonly #watching: NodeJS.Timeout
  readonly #messageMaxBytes: number

  constructor(
    readonly transport: 'ws' | 'wss',
    listeners: readonly StreamListener[],
    contexts: TlsContexts | undefined,
    surroundings: Surroundings,
  ) {
    super(listeners, surroundings)
    const { headMaxBytes, bodyMaxBytes, handshakeMs, webSocketPingMs } = this.limits
    this.wireLog = this.log
    this.defaultPort = transport === 'ws' ? 80 : 443
    this.#messageMaxBytes = headMaxBytes + bodyMaxBytes
    this.#contexts = contexts
    // A browser that is asked for a certificate asks its user, who has none.
    this.#tls = contexts?.server(false, handshakeMs, (socket) => this.#speakHttp(socket))
    this.#http = createServer({ maxHeaderSize: HANDSHAKE_MAX_BYTES }, (_request, response) => {
      response.writeHead(426, { Upgrade: 'websocket', Connection: 'close', 'Content-Type': 'text/plain' }).end('SIP over WebSocket\n')
    })
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
    this.#http.on('clientError', (_cause, socket) => socket.destroy())
    this.#upgrades = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: this.#messageMaxBytes,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    })
    this.#watching = setInterval(() => this.#watch(), webSocketPingMs).unref()
  }

  override async close(): Promise<void> {
    clearInterval(this.#watching)
    for (const patience of this.#arriving.values()) clearTimeout(patience)
    this.#arriving.clear()
    await super.close()
  }

  protected accepted(socket: Socket): void {
    socket.on('error', () => {})
    if (this.#tls) this.#tls.emit('connection', socket)
    else this.#speakHttp(socket)
  }

  /** Ours to somebody: to a core that offers SIP over WebSocket. */
  protected dial(host: string, port: number, name: string | undefined, localAddress: string | undefined): WebSocketConnection {
    const below = this.#contexts
      ? this.#contexts.connect(host, port, name ?? host, localAddress)
      : createConnection({ host, port, ...(localAddress === undefined ? {} : { localAddress }) })
    this.counts(below, host)
    below.setNoDelay(true)
    const socket = new WebSocket(`ws://${hostPort(host, port)}/`, SUBPROTOCOL, {
      createConnection: () => below,
      handshakeTimeout: this.limits.connectMs,
      maxPayload: this.#messageMaxBytes,
      perMessageDeflate: false,
    })
    const connection = new WebSocketConnection(socket, this.newFlow(), this.peerOf(host, port, name), host, port, this)
    socket.once('open', () => connection.open(below))
    return connection
  }

  protected override peerOf(host: string, port: number, name: string | undefined): string {
    return this.#contexts ? `${hostPort(host, port)} ${(name ?? host).toLowerCase()}` : hostPort(host, port)
  }

  #speakHttp(socket: Socket | TLSSocket): void {
    // Absolute: who sends a byte now and then would have for ever otherwise.
    const patience = setTimeout(() => socket.destroy(), this.limits.firstMessageMs)
    this.#arriving.set(socket, patience)
    socket.once('close', () => this.#arrived(socket))
    this.#http.emit('connection', socket)
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#arrived(socket)
    const below = request.socket
    const offered = String(request.headers['sec-websocket-protocol'] ?? '')
    // RFC 7118 §4.1: what speaks something else was not looking for us. ws itself would let it in without a subprotocol.
    if (!offered.split(',').some((one) => one.trim() === SUBPROTOCOL)) {
      socket.end(`HTTP/1.1 400 ${STATUS_CODES[400]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    const host = plainAddress(below.remoteAddress ?? '')
    this.#upgrades.handleUpgrade(request, socket, head, (webSocket) => {
      const port = below.remotePort ?? 0
      below.setNoDelay(true)
      const connection = new WebSocketConnection(webSocket, this.newFlow(), hostPort(host, port), host, port, this)
      this.enter(connection)
      connection.open(below)
    })
  }

  #arrived(socket: Duplex): void {
    clearTimeout(this.#arriving.get(socket))
    this.#arriving.delete(socket)
  }

  #watch(): void {
    const now = performance.now()
    for (const connection of [...this.links]) connection.watch(now)
  }
}
