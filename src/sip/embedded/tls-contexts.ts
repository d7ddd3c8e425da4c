/** The certificates of our domains as TLS takes them, by server name, and which authorities a peer's certificate must come from (RFC 5922, RFC 9325). */
import { constants } from 'node:crypto'
import { connect, createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls'
import { objectionTo } from './peer-identity.ts'

/** One domain's certificate, both in PEM. */
export interface TlsIdentity {
  readonly domain: string
  readonly cert: string
  readonly key: string
}

export interface TlsSettings {
  /** The first is shown to who names no server, and by us where we are asked for one. */
  readonly identities: readonly TlsIdentity[]
  /** In OpenSSL's words; absent: Node's own choice. */
  readonly ciphers?: string
  /** Whether who connects is asked for a certificate; absent: yes. linphone 5.1 never answers that question, so nobody is asked where no name is trusted. */
  readonly asksClients?: boolean
  /** Certificates in PEM of whom we believe; absent: those Node comes with. */
  readonly authorities?: readonly string[]
}

export class TlsContexts {
  #settings: TlsSettings
  #byName = new Map<string, SecureContext>()
  #client: SecureContext
  readonly #servers: Server[] = []

  constructor(settings: TlsSettings) {
    this.#settings = settings
    this.#client = createSecureContext(this.#options(settings, true))
    this.#byName = this.#named(settings)
  }

  /** Of whom we believe; undefined: those Node comes with. */
  get authorities(): readonly string[] | undefined {
    return this.#settings.authorities
  }

  /** New certificates for whoever connects from now on. Throws where one cannot be read; everything stays as it was then. */
  reload(identities: readonly TlsIdentity[]): void {
    const settings = { ...this.#settings, identities }
    const byName = this.#named(settings)
    const client = createSecureContext(this.#options(settings, true))
    for (const server of this.#servers) server.setSecureContext(this.#options(settings, false))
    this.#settings = settings
    this.#byName = byName
    this.#client = client
  }

  /** It listens to nothing: sockets are handed to it. `mayAsk`: for a certificate; who has none is served all the same. */
  server(mayAsk: boolean, handshakeMs: number, secured: (socket: TLSSocket) => void): Server {
    const server = createServer({
      ...this.#options(this.#settings, false),
      requestCert: mayAsk && this.#settings.asksClients !== false,
      rejectUnauthorized: false,
      handshakeTimeout: handshakeMs,
      SNICallback: (name, done) => done(null, this.#byName.get(name.toLowerCase())),
    })
    server.on('secureConnection', secured)
    server.on('tlsClientError', (_cause, socket) => socket.destroy())
    this.#servers.push(server)
    return server
  }

  /** To that address, where somebody must be who proves that name. */
  connect(host: string, port: number, name: string, localAddress: string | undefined): TLSSocket {
    return connect({
      host,
      port,
      secureContext: this.#client,
      checkServerIdentity: (_host, certificate) => objectionTo(certificate, name),
      // An address is no server name (RFC 6066 §3).
      ...(/^[\d.]+$|:/.test(name) ? {} : { servername: name }),
      ...(localAddress === undefined ? {} : { localAddress }),
    })
  }

  #named(settings: TlsSettings): Map<string, SecureContext> {
    return new Map(
      settings.identities.map((one) => [
        one.domain.toLowerCase(),
        createSecureContext(this.#options({ ...settings, identities: [one] }, false)),
      ]),
    )
  }

  #options({ identities, ciphers, authorities }: TlsSettings, isClient: boolean) {
    const [first] = identities
    return {
      ...(first === undefined ? {} : { cert: first.cert, key: first.key }),
      minVersion: 'TLSv1.2' as const,
      ...(ciphers === undefined ? {} : { ciphers }),
      ...(isClient ? {} : { honorCipherOrder: true, secureOptions: constants.SSL_OP_NO_RENEGOTIATION }),
      ...(authorities === undefined ? {} : { ca: [...authorities] }),
    }
  }
}
