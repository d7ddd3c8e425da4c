/** Who a certificate says its holder is, in SIP's own terms (RFC 5922 §7.1, §7.2). */
import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'

/** One entry of what Node prints: `DNS:a.example, URI:"sip:b.example"`, quoted as in JSON where it has a comma or a quote in it. */
const ENTRY = /([A-Za-z][A-Za-z ]*):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/gy
/** §7.1: a sip URI names a domain only if it has no user part; its parameters say nothing. */
const SIP_DOMAIN = /^sip:([^@;?]+)(?:[;?]|$)/i

/** In small letters. A certificate without subjectAltName has none: its common name is not asked. */
export function identitiesOf(subjectAltName: string | undefined): readonly string[] {
  const names = new Set<string>()
  for (const [, kind, written = ''] of (subjectAltName ?? '').matchAll(ENTRY)) {
    const value = written.startsWith('"') ? unquoted(written) : written
    const name = kind === 'DNS' ? value : kind === 'URI' ? SIP_DOMAIN.exec(value)?.[1] : undefined
    // §7.2: no wildcard stands for a SIP domain.
    if (name !== undefined && !name.includes('*')) names.add(name.toLowerCase())
  }
  return [...names]
}

/** Why this certificate is not that of who we meant to reach; undefined where it is. */
export function objectionTo(certificate: PeerCertificate, name: string): Error | undefined {
  if (isIP(name) !== 0) return checkServerIdentity(name, certificate)
  const identities = identitiesOf(certificate.subjectaltname)
  if (identities.includes(name.toLowerCase())) return undefined
  return new Error(`its certificate is not for ${name}, but for ${identities.join(', ') || 'nobody'}`)
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text))
  } catch {
    return '' // what cannot be read names nobody
  }
}
