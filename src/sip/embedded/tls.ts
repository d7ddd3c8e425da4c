/** SIP over TLS (RFC 3261 §26.2): a stream whose ends have certificates; a client's is optional. */
import type { Socket } from 'node:net'
import type { Server, TLSSocket } from 'node:tls'
import { Connection, type Owner } from './connection.ts'
import { Connections, type StreamListener, type Surroundings } from './connections.ts'
import { identitiesOf } from './peer-identity.ts'
import type { TlsContexts } from './tls-contexts.ts'
import { hostPort, plainAddress } from './transport.ts'

export class TlsTransport extends Connections<Connection> implements Owner {
  readonly transport = 'tls'
  protected readonly defaultPort = 5_061
  readonly #contexts: TlsContexts
  readonly #server: Server

  constructor(listeners: readonly StreamListener[], contexts: TlsContexts, surroundings: Surroundings) {
    super(listeners, surroundings)
    this.#contexts = contexts
    this.#server = contexts.server(true, this.limits.handshakeMs, (socket) => this.#secured(socket))
  }

  protected accepted(socket: Socket): void {
    // What becomes of the handshake is the server's affair; a peer that breaks it off is no news.
    socket.on('error', () => {})
    this.#server.emit('connection', socket)
  }

  /** Under the name it was verified for: who is somebody else's server is not reused for this one. */
  protected override peerOf(host: string, port: number, name: string | undefined): string {
    return `${hostPort(host, port)} ${(name ?? host).toLowerCase()}`
  }

  protected dial(host: string, port: number, name: string | undefined, localAddress: string | undefined): Connection {
    const socket = this.#contexts.connect(host, port, name ?? host, localAddress)
    this.counts(socket, host)
    const connection = new Connection(socket, this.newFlow(), this.peerOf(host, port, name), host, port, this)
    socket.setTimeout(this.limits.connectMs)
    socket.once('secureConnect', () => {
      connection.identity = identityOf(socket)
      connection.open(plainAddress(socket.localAddress ?? ''), this.limits.idleMs)
    })
    return connection
  }

  #secured(socket: TLSSocket): void {
    const host = plainAddress(socket.remoteAddress ?? '')
    if (host === '') {
      socket.destroy()
      return
    }
    const port = socket.remotePort ?? 0
    const connection = new Connection(socket, this.newFlow(), hostPort(host, port), host, port, this)
    connection.identity = identityOf(socket)
    this.enter(connection)
    connection.open(plainAddress(socket.localAddress ?? ''), this.limits.firstMessageMs)
  }
}

/** Only of a certificate that an authority vouches for. */
function identityOf(socket: TLSSocket): readonly string[] | undefined {
  return socket.authorized ? identitiesOf(socket.getPeerX509Certificate()?.subjectAltName) : undefined
}
