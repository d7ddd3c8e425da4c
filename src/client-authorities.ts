/** What an operator says about client certificates, read from its files: for EXTERNAL (XEP-0178). */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { DomainSettings } from './config/settings.ts'
import type { ClientCertificates } from './stream/sasl/client-certificates.ts'

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** A file that has no authority in it; the message is for the operator. */
export class AuthorityError extends Error {
  override name = 'AuthorityError'
}

/** Throws AuthorityError. */
export function clientCertificatesOf({ clientCertificates }: DomainSettings): ClientCertificates | undefined {
  if (!clientCertificates) return undefined
  const { authorities, mail, accounts } = clientCertificates
  return {
    authorities: authorities.flatMap(authoritiesIn),
    mail,
    accounts: new Map(accounts.map(({ fingerprint, account }) => [fingerprint.toUpperCase(), account])),
  }
}

function authoritiesIn(file: string): X509Certificate[] {
  try {
    const found = (readFileSync(file, 'utf8').match(PEM) ?? []).map((pem) => new X509Certificate(pem))
    if (found.length > 0 && found.every(({ ca }) => ca)) return found
  } catch (cause) {
    throw new AuthorityError(`${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`)
  }
  throw new AuthorityError(`${file} must hold certificates of authorities, in PEM, and nothing else`)
}
