/** TLS for streams: certificates by server name, STARTTLS and direct TLS through one door (RFC 6120 §5, RFC 7590, XEP-0368). */
import { constants, createHash, randomBytes, X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, createServer, type SecureContext, type Server, TLSSocket, type TlsOptions } from 'node:tls'
import type { Identity } from './certificate.ts'
import { TlsBinding } from './channel-binding.ts'
import { signatureHash } from './signature-hash.ts'

/** RFC 9325 §4.2: forward secrecy and authenticated encryption only; AES-128 first, as it is the cheapest that is strong. */
export const CIPHERS = [
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

/** XEP-0368 §3: of clients, and of servers. */
const ALPN = ['xmpp-client', 'xmpp-server']

/** Told how a handshake ended; the same socket is told once. */
export interface Securing {
  secured(socket: TLSSocket, binding: TlsBinding): void
  notSecured(why: Error): void
}

/** A certificate as it is shown. Taking it from each connection would cost more than all the rest of a login. */
interface Shown {
  readonly context: SecureContext
  readonly endPoint: Buffer | undefined
}

export class TlsDoor {
  /**
   * One server per domain, none of which listens: each falls back to its own certificate where the client names no server, or one we do not
   * know. A bare TLSSocket would do the handshake too, but never verify a client's certificate.
   */
  readonly #servers = new Map<string, Server>()
  /** The same for other servers, which are asked for their certificate; a client would put the question to a person. */
  readonly #asking = new Map<string, Server>()
  #shown = new Map<string, Shown>()
  readonly #securing = new Map<string, Securing>()

  /** The first identity is for those who ask for no domain before the handshake. */
  constructor(
    identities: readonly Identity[],
    private readonly handshakeSeconds: number,
    /** Whom other servers' certificates may come from; undefined: those the system trusts. */
    private readonly authorities?: readonly string[],
    /** What those who name protocols may ask for, the best first. */
    private readonly protocols: readonly string[] = ALPN,
  ) {
    this.reload(identities)
  }

  /** New certificates for whoever connects from now on; what is connected stays as it is. */
  reload(identities: readonly Identity[]): void {
    const shown = new Map(identities.map((identity) => [identity.domain, shownOf(identity)]))
    // Only now, when all of them could be read.
    this.#shown = shown
    for (const identity of identities) {
      this.#show(this.#servers, identity, undefined)
      this.#show(this.#asking, identity, {
        requestCert: true,
        rejectUnauthorized: false,
        ...(this.authorities ? { ca: [...this.authorities] } : {}),
      })
    }
    for (const domain of this.#servers.keys()) {
      if (shown.has(domain)) continue
      this.#servers.delete(domain)
      this.#asking.delete(domain)
    }
  }

  #show(servers: Map<string, Server>, { domain, cert, key }: Identity, asking: TlsOptions | undefined): void {
    const server = servers.get(domain)
    if (!server) {
      servers.set(domain, this.#server({ domain, cert, key }, asking))
      return
    }
    server.setSecureContext({ ...settings({ domain, cert, key }), ...(asking?.ca ? { ca: asking.ca } : {}) })
    // A ticket of the old certificate would bind a login to a certificate that is no longer shown.
    server.setTicketKeys(randomBytes(48))
  }

  /**
   * Begins the handshake on a socket whose next byte is TLS; what comes back names it for `abandon`. `domain`, as A-labels: whose certificate to
   * show where the client names no server. `asksPeer`: for its certificate.
   */
  secure(socket: Socket, domain: string | undefined, securing: Securing, asksPeer = false): string {
    const key = pairOf(socket)
    const servers = asksPeer ? this.#asking : this.#servers
    const server = (domain === undefined ? undefined : servers.get(domain)) ?? servers.values().next().value
    if (!server) {
      securing.notSecured(new Error('there is no certificate'))
      return key
    }
    this.#securing.set(key, securing)
    server.emit('connection', socket)
    return key
  }

  /** Nobody waits for this handshake any more. */
  abandon(handshake: string): void {
    this.#securing.delete(handshake)
  }

  /** Handshakes that have begun and not ended. */
  get underWay(): number {
    return this.#securing.size
  }

  #server(identity: Identity, asking: TlsOptions | undefined): Server {
    const server = createServer({
      ...settings(identity),
      ...asking,
      // Asked of those who name protocols: who has none of ours was not looking for us (RFC 7301 §3.2). A list would be copied for every connection.
      ALPNCallback: ({ protocols }) => this.protocols.find((one) => protocols.includes(one)),
      handshakeTimeout: this.handshakeSeconds * 1000,
      SNICallback: (name, done) => done(null, name === identity.domain ? undefined : this.#shown.get(name.toLowerCase())?.context),
    })
    server.on('secureConnection', (socket: TLSSocket & { servername?: string | false }) => {
      const named = socket.servername ? this.#shown.get(socket.servername.toLowerCase()) : undefined
      const { endPoint } = named ?? this.#shown.get(identity.domain) ?? NOT_SHOWN
      this.#end(pairOf(socket))?.secured(socket, new TlsBinding(socket, endPoint))
    })
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

const NOT_SHOWN = { endPoint: undefined }

function shownOf(identity: Identity): Shown {
  const { raw } = new X509Certificate(identity.cert)
  const hash = signatureHash(raw)
  return {
    context: createSecureContext(settings(identity)),
    endPoint: hash === undefined ? undefined : createHash(hash).update(raw).digest(),
  }
}

/** The certificate a peer has shown, where an authority we trust stands behind it; undefined for any other, and where there is no TLS. */
export function trustedPeerOf(socket: object): X509Certificate | undefined {
  return socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate() : undefined
}

/** The same, whoever stands behind it: the handshake has proved no more than that the peer has its key. */
export function peerCertificateOf(socket: object): X509Certificate | undefined {
  return socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
}

/** Names a TCP connection as long as it lives: the TLS socket that Node makes of a socket does not say which one it was. */
const pairOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`
