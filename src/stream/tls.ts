/** TLS for streams: certificates by server name, STARTTLS and direct TLS through one door (RFC 6120 §5, RFC 7590, XEP-0368). */
import { constants, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls'
import type { Identity } from './certificate.ts'

/** RFC 9325 §4.2: forward secrecy and authenticated encryption only; AES-128 first, as it is the cheapest that is strong. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** XEP-0368 §3; a client that offers other protocols only was not looking for us, and OpenSSL ends the handshake (RFC 7301 §3.2). */
const ALPN = ['xmpp-client']

/** Told how a handshake ended; the same socket is told once. */
export interface Securing {
  secured(socket: TLSSocket): void
  notSecured(why: Error): void
}

export class TlsDoor {
  /**
   * One server per domain, none of which listens: each falls back to its own certificate where the client names no server, or one we do not
   * know. A bare TLSSocket would do the handshake too, but never verify a client's certificate.
   */
  readonly #servers = new Map<string, Server>()
  #contexts = new Map<string, SecureContext>()
  readonly #securing = new Map<string, Securing>()

  /** The first identity is for those who ask for no domain before the handshake. */
  constructor(
    identities: readonly Identity[],
    private readonly handshakeSeconds: number,
  ) {
    this.reload(identities)
  }

  /** New certificates for whoever connects from now on; what is connected stays as it is. */
  reload(identities: readonly Identity[]): void {
    const contexts = new Map(identities.map((identity) => [identity.domain, contextOf(identity)]))
    // Only now, when all of them could be read.
    this.#contexts = contexts
    for (const { domain, cert, key } of identities) {
      const server = this.#servers.get(domain)
      if (!server) {
        this.#servers.set(domain, this.#server({ domain, cert, key }))
        continue
      }
      server.setSecureContext(settings({ domain, cert, key }))
      // A ticket of the old certificate would bind a login to a certificate that is no longer shown.
      server.setTicketKeys(randomBytes(48))
    }
    for (const domain of this.#servers.keys()) if (!contexts.has(domain)) this.#servers.delete(domain)
  }

  /** Begins the handshake on a socket whose next byte is TLS. `domain`, as A-labels: whose certificate to show where the client names no server. */
  secure(socket: Socket, domain: string | undefined, securing: Securing): void {
    const server = (domain === undefined ? undefined : this.#servers.get(domain)) ?? this.#servers.values().next().value
    if (!server) return securing.notSecured(new Error('there is no certificate'))
    const key = pairOf(socket)
    this.#securing.set(key, securing)
    socket.once('close', () => {
      if (this.#securing.get(key) === securing) this.#end(key)?.notSecured(new Error('the connection ended in the handshake'))
    })
    server.emit('connection', socket)
  }

  #server(identity: Identity): Server {
    const server = createServer({
      ...settings(identity),
      ALPNProtocols: ALPN,
      handshakeTimeout: this.handshakeSeconds * 1000,
      SNICallback: (name, done) => done(null, this.#contexts.get(name.toLowerCase())),
    })
    server.on('secureConnection', (socket) => this.#end(pairOf(socket))?.secured(socket))
    server.on('tlsClientError', (error, socket) => {
      this.#end(pairOf(socket))?.notSecured(error)
      socket.destroy()
    })
    return server
  }

  #end(key: string): Securing | undefined {
    const securing = this.#securing.get(key)
    this.#securing.delete(key)
    return securing
  }
}

function settings({ cert, key }: Identity) {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2' as const,
    ciphers: CIPHERS,
    honorCipherOrder: true,
    // RFC 6120 §5.3.5: not needed, and it would let a client make us work.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  }
}

const contextOf = (identity: Identity): SecureContext => createSecureContext(settings(identity))

/** Names a TCP connection: the TLS socket that Node makes of a socket does not say which one it was. */
const pairOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`
