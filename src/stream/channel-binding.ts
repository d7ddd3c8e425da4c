/** What a TLS connection offers to bind a login to: tls-exporter (RFC 9266) and tls-server-end-point (RFC 5929 §4). */
import { createHash, type X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { ChannelBinding } from './sasl/mechanism.ts'
import { signatureHash } from './signature-hash.ts'

const EXPORTER = 'tls-exporter'
const END_POINT = 'tls-server-end-point'
// Not tls-unique: it has no meaning in TLS 1.3 (RFC 9266 §3), and in 1.2 it is only safe with an extension that Node does not tell of (RFC 7627).

export class TlsBinding implements ChannelBinding {
  readonly types: readonly string[]
  readonly #hash: string | undefined

  constructor(private readonly socket: TLSSocket) {
    const certificate = own(socket)
    this.#hash = certificate && signatureHash(certificate.raw)
    const types: string[] = []
    // TLS 1.2 has unique secrets only with the extended master secret (RFC 9266 §4.2), and Node does not say whether it was used.
    if (socket.getProtocol() === 'TLSv1.3') types.push(EXPORTER)
    if (this.#hash) types.push(END_POINT)
    this.types = types
  }

  data(type: string): Buffer | undefined {
    if (!this.types.includes(type) || this.socket.destroyed) return undefined
    if (type === EXPORTER) return this.socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
    const certificate = own(this.socket)
    return certificate && this.#hash ? createHash(this.#hash).update(certificate.raw).digest() : undefined
  }
}

/** The certificate that we showed on this connection. */
function own(socket: TLSSocket): X509Certificate | undefined {
  return socket.getX509Certificate()
}
