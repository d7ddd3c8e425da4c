/** What a TLS connection offers to bind a login to: tls-exporter (RFC 9266) and tls-server-end-point (RFC 5929 §4). */
import type { TLSSocket } from 'node:tls'
import type { ChannelBinding } from './sasl/mechanism.ts'

const EXPORTER = 'tls-exporter'
const END_POINT = 'tls-server-end-point'
/**
 * Taken but not offered: nobody has defined it for TLS 1.3 (RFC 9266 §3), yet there are clients that know no other type, do not ask which ones
 * we know (XEP-0440), and would end at PLAIN. The client's Finished proves the whole handshake in every version, as long as that was a full one:
 * after a resumption it may be the same on two connections (RFC 7627 §1).
 */
const UNIQUE = 'tls-unique'
const BOTH: readonly string[] = [EXPORTER, END_POINT]
const ONLY_EXPORTER: readonly string[] = [EXPORTER]
const ONLY_END_POINT: readonly string[] = [END_POINT]
const NEITHER: readonly string[] = []

export class TlsBinding implements ChannelBinding {
  readonly types: readonly string[]

  constructor(
    private readonly socket: TLSSocket,
    /** Of the certificate that was shown; undefined where RFC 5929 knows no hash for it. */
    private readonly endPoint: Buffer | undefined,
  ) {
    // TLS 1.2 has unique secrets only with the extended master secret (RFC 9266 §4.2), and Node does not say whether it was used.
    const hasExporter = socket.getProtocol() === 'TLSv1.3'
    this.types = hasExporter ? (endPoint ? BOTH : ONLY_EXPORTER) : endPoint ? ONLY_END_POINT : NEITHER
  }

  data(type: string): Buffer | undefined {
    if (this.socket.destroyed) return undefined
    if (type === UNIQUE) return this.socket.isSessionReused() ? undefined : this.socket.getPeerFinished()
    if (!this.types.includes(type)) return undefined
    return type === EXPORTER ? this.socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)) : this.endPoint
  }
}
