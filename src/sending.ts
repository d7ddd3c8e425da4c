/** How we go to other servers, from the operator's words: where from, how encrypted, with which certificates. */
import { readFile } from 'node:fs/promises'
import { rootCertificates } from 'node:tls'
import { Jid } from './address/jid.ts'
import type { Settings } from './config/settings.ts'
import { uriFor } from './mapping/address.ts'
import type { Identity } from './stream/certificate.ts'
import type { SendingSettings } from './stream/s2s/dialling.ts'
import { EncryptionPolicy } from './stream/s2s/encryption.ts'

export async function sendingOf(settings: Settings, identities: readonly Identity[]): Promise<SendingSettings> {
  const { idleTimeout, sourceAddress, useDomainAddresses, encrypted, commonNames, trustedCertificates } = settings.sending
  const assigned = new Map(settings.domains.map(({ name, assignedAddresses }) => [Jid.parse(name).domain, assignedAddresses[0]]))
  const byHost = new Map(identities.map((identity) => [identity.domain, identity]))
  const otherwise = sourceAddress === 'auto' ? undefined : sourceAddress
  return {
    idleMs: idleTimeout,
    policy: new EncryptionPolicy(encrypted),
    commonNames,
    authorities: await authoritiesIn(trustedCertificates),
    sourceAddressFor: (domain) => (useDomainAddresses ? (assigned.get(domain) ?? otherwise) : otherwise),
    identityFor: (domain) => byHost.get(uriFor(Jid.parse(domain)).host),
  }
}

/** Undefined where there are none but the usual ones: named one by one they are all told to whoever is asked for a certificate, 15 KB. */
export async function authoritiesIn(files: readonly string[]): Promise<readonly string[] | undefined> {
  if (files.length === 0) return undefined
  return [...rootCertificates, ...(await Promise.all(files.map((file) => readFile(file, 'utf8'))))]
}
