/** Certificates for tests: made on the spot, each its own authority. */
import { isIP } from 'node:net'
import { generate } from 'selfsigned'
import { TlsContexts, type TlsIdentity } from '../../src/sip/embedded/tls-contexts.ts'

/** For these names: host names, addresses, or `sip:` URIs. */
export async function certificateFor(...names: readonly string[]): Promise<TlsIdentity> {
  const altNames = names.map((name) => {
    if (isIP(name) !== 0) return { type: 7 as const, ip: name }
    return name.startsWith('sip:') ? { type: 6 as const, value: name } : { type: 2 as const, value: name }
  })
  const made = await generate([{ name: 'commonName', value: names[0] ?? '' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      { name: 'subjectAltName', altNames },
    ],
  })
  return { domain: names[0] ?? '', cert: made.cert, key: made.private }
}

/** Who shows a certificate for these names and believes nobody else's. */
export async function trusting(...names: readonly string[]): Promise<TlsContexts> {
  const identity = await certificateFor(...names)
  return new TlsContexts({ identities: [identity], authorities: [identity.cert] })
}
