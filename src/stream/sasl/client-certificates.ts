/** Whose account a client's certificate opens (XEP-0178 §2): by what stands in it, or by the operator's table. */
import type { X509Certificate } from 'node:crypto'
import { Jid, JidError } from '../../address/jid.ts'

export interface ClientCertificates {
  /** Who may say who somebody is: each certificate has to be issued by one of these itself. */
  readonly authorities: readonly X509Certificate[]
  /** Whether an address of mail stands for the account of the same name. */
  readonly mail: boolean
  /** By SHA-256 fingerprint, in upper case with colons. */
  readonly accounts: ReadonlyMap<string, string>
}

/** id-kp-clientAuth, and anyExtendedKeyUsage (RFC 5280 §4.2.1.12). */
const PURPOSES = ['1.3.6.1.5.5.7.3.2', '2.5.29.37.0']
/** As Node prints a subjectAltName; a value with anything that could be mistaken for the next one is a JSON string, and none of ours. */
const NAME = /^(othername:XmppAddr|email):([^\s"']+)$/

/** The accounts of this domain; none where nobody we know stands behind the certificate. */
export function accountsOf(certificate: X509Certificate, domain: string, known: ClientCertificates, now: number = Date.now()): Jid[] {
  if (!isGood(certificate, known, now)) return []
  const entry = known.accounts.get(certificate.fingerprint256)
  const names = entry === undefined ? namesIn(certificate, known.mail) : [`${entry}@${domain}`]
  const accounts = new Map<string, Jid>()
  for (const name of names) {
    const jid = accountIn(name)
    if (jid?.domain === domain) accounts.set(jid.toString(), jid)
  }
  return [...accounts.values()]
}

function isGood(certificate: X509Certificate, { authorities }: ClientCertificates, now: number): boolean {
  if (now < Date.parse(certificate.validFrom) || now > Date.parse(certificate.validTo)) return false
  // What Node calls keyUsage is the extended one; without it a certificate is for every purpose.
  const purposes: readonly string[] | undefined = certificate.keyUsage
  if (purposes && !purposes.some((purpose) => PURPOSES.includes(purpose))) return false
  return authorities.some((authority) => authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey))
}

function namesIn(certificate: X509Certificate, mail: boolean): string[] {
  return (certificate.subjectAltName ?? '').split(', ').flatMap((one) => {
    const [, kind, name] = NAME.exec(one) ?? []
    return name !== undefined && (mail || kind !== 'email') ? [name] : []
  })
}

function accountIn(name: string): Jid | undefined {
  try {
    const jid = Jid.parse(name)
    return jid.local === undefined || jid.resource !== undefined ? undefined : jid
  } catch (cause) {
    if (cause instanceof JidError) return undefined
    throw cause
  }
}
