/** The settings as the rooms take them: plain units, named; paths absolute, so that nobody depends on where the process stands later. */
import path from 'node:path'
import type { LogSettings } from '../log/winston.ts'
import type { Parsed } from './schema.ts'

export type DomainSettings = Parsed['domains'][number]
export type ReceivingSettings = Parsed['receiving']
export type ReceivingListener = ReceivingSettings['listeners'][number]
export type SipListener = Parsed['sip']['embedded']['listeners'][number]

export interface SipSettings extends Omit<Parsed['sip'], 'timers'> {
  readonly timers: { readonly t1Ms: number }
}

export interface Settings {
  /** The file they were read from, as it was named; undefined: the defaults alone. */
  readonly file: string | undefined
  readonly domains: readonly DomainSettings[]
  readonly receiving: ReceivingSettings
  /** How other servers are spoken to. */
  readonly sending: Parsed['sending']
  readonly sip: SipSettings
  /** The public web server. */
  readonly http: Parsed['http']
  /** The Router's table. */
  readonly routes: Parsed['routes']
  /** Empty: those of the system. */
  readonly dns: Parsed['dns']
  /** What seals the passwords that have to stay recoverable. */
  readonly secretsKeyFile: string
  readonly store: { readonly sqlite: string }
  /** All that log/winston.ts wants but `console`, which depends on the terminal. */
  readonly log: Omit<LogSettings, 'console'>
}

export function settingsFrom(parsed: Parsed, file: string | undefined, directory: string = process.cwd()): Settings {
  const { domains, receiving, sending, sip, http, routes, dns, secretsKeyFile, store, log } = parsed
  const at = (name: string) => path.resolve(directory, name)
  return {
    file,
    domains: domains.map((domain) => ({
      ...domain,
      ...(domain.certificate && { certificate: { cert: at(domain.certificate.cert), key: at(domain.certificate.key) } }),
      ...(domain.clientCertificates && {
        clientCertificates: { ...domain.clientCertificates, authorities: domain.clientCertificates.authorities.map(at) },
      }),
    })),
    receiving,
    sending: { ...sending, trustedCertificates: sending.trustedCertificates.map(at) },
    sip: { ...sip, trustedCertificates: sip.trustedCertificates.map(at), timers: { t1Ms: sip.timers.t1 } },
    http,
    routes,
    dns,
    // Beside the database, unless told otherwise: `data/secrets.key` where nothing is said at all.
    secretsKeyFile: secretsKeyFile === undefined ? path.join(path.dirname(at(store.sqlite)), 'secrets.key') : at(secretsKeyFile),
    store: { sqlite: at(store.sqlite) },
    log: {
      directory: log.directory === null ? undefined : at(log.directory),
      format: log.format,
      maxBytes: log.maxSize,
      maxTotalBytes: log.maxTotal,
      keepMs: log.keep,
      levels: { rest: log.level, XMPPI: receiving.logLevel, XMPPS: receiving.logLevel, XMPPO: sending.logLevel, SIP: sip.logLevel },
    },
  }
}

/** Where the chat rooms of a domain are. */
export function conferenceOf(name: string): string {
  return `conference.${name}`
}

/** Whether the PBX of a domain says who may log in: no account of it is kept here then. */
export function checkedByPbx({ pbx }: DomainSettings): boolean {
  return pbx?.register === true && pbx.credentials === 'login'
}

/** Whether passwords of a domain have to stay recoverable: shown to a PBX, or computed with by CRAM-MD5 and the digest of old clients. */
export function keepsPasswords({ pbx, mechanisms }: DomainSettings): boolean {
  return pbx?.credentials === 'stored' || mechanisms.includes('CRAM-MD5')
}

/** Where the gateway keeps what it makes itself: beside the database. */
export function dataDirectory(settings: Settings): string {
  return path.dirname(settings.store.sqlite)
}
