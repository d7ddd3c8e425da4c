/** The certificate of a domain: read from its files, or self-signed at first start (RFC 6120 §13.7). */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Log } from '../log/log.ts'

/** Paths of a PEM chain and its PEM key. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

/** One certificate as it is used for TLS. */
export interface Identity {
  /** The domain it was loaded for, as A-labels. */
  readonly domain: string
  readonly cert: string
  readonly key: string
}

const SELF_SIGNED_DAYS = 3650 // Clients that pin it would have to be told again at every renewal.
const WARN_DAYS = 21 // Time enough for a person to notice.
const DAY_MS = 86_400_000

/** Reads and checks a certificate; throws an Error that says which file is wrong and why. */
export async function loadIdentity(domain: string, files: CertificateFiles, log: Log, now = Date.now()): Promise<Identity> {
  const cert = await read(files.cert)
  const key = await read(files.key)
  const certificate = parsed(files.cert, () => new X509Certificate(cert))
  const privateKey = parsed(files.key, () => createPrivateKey(key))
  if (!certificate.checkPrivateKey(privateKey)) throw new Error(`${files.key} is not the key of ${files.cert}`)
  if (!names(certificate, domain))
    log.problem({ what: 'certificate_names_others', domain, file: files.cert, names: certificate.subjectAltName })
  const days = Math.floor((Date.parse(certificate.validTo) - now) / DAY_MS)
  const fact = { domain, file: files.cert, expires: certificate.validTo }
  if (days < 0) log.failure({ what: 'certificate_expired', ...fact })
  else if (days < WARN_DAYS) log.major({ what: 'certificate_expires_soon', days, ...fact })
  if (Date.parse(certificate.validFrom) > now)
    log.failure({ what: 'certificate_not_yet_valid', domain, file: files.cert, from: certificate.validFrom })
  return { domain, cert, key }
}

/** The files of a domain's self-signed certificate, made where they are not there yet. */
export async function selfSigned(
  domain: string,
  directory: string,
  log: Log,
  alsoNames: readonly string[] = [],
): Promise<CertificateFiles> {
  const name = domain.replaceAll(/[^a-z0-9.-]/gi, '_')
  const files = { cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) }
  if ((await exists(files.cert)) && (await exists(files.key))) return files
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const made = await make([domain, ...alsoNames])
  // The key first and anew: a half pair is made again, and an old file would keep its old mode.
  await rm(files.key, { force: true })
  await writeFile(files.key, made.private, { mode: 0o600 })
  await writeFile(files.cert, made.cert, { mode: 0o644 })
  log.major({ what: 'certificate_made', domain, file: files.cert, fingerprint: new X509Certificate(made.cert).fingerprint256 })
  return files
}

/** The library writes no otherName, so xmppAddr and SRVName (RFC 6120 §13.7.1.2) are left to certificates of real authorities; dNSName is what clients check. */
async function make(domains: readonly string[]): Promise<{ private: string; cert: string }> {
  // Not at the top: its X.509 library takes longer to load than the rest of the start, and is needed once.
  const { generate } = await import('selfsigned')
  const commonName = domains[0] ?? ''
  const altNames = domains.map((domain) => {
    const address = domain.replaceAll(/[[\]]/g, '')
    return isIP(address) ? { type: 7 as const, ip: address } : { type: 2 as const, value: domain }
  })
  // X.520 allows 64 characters in a common name.
  return generate([{ name: 'commonName', value: commonName.length <= 64 ? commonName : 'stoxgate' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - DAY_MS),
    notAfterDate: new Date(Date.now() + SELF_SIGNED_DAYS * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      { name: 'subjectAltName', altNames },
    ],
  })
}

function names(certificate: X509Certificate, domain: string): boolean {
  const address = domain.replaceAll(/[[\]]/g, '')
  return isIP(address) ? certificate.checkIP(address) !== undefined : certificate.checkHost(domain) !== undefined
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new Error(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

function parsed<T>(path: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw new Error(`${path} is not what it should be: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}
