/** Where a domain's server listens (RFC 6120 §3.2, XEP-0368): SRV records of both kinds in one order, else the address of the domain itself. */
import type { ServerLimits } from './limits.ts'

export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly port: number
  readonly name: string
}

/** As the operator's DNS tells it; rejects where nobody could say. */
export interface Names {
  srv(name: string): Promise<readonly SrvRecord[]>
  addresses(name: string): Promise<readonly string[]>
  /** RFC 2782: by priority, among equals by lot. */
  ordered<R extends SrvRecord>(records: readonly R[]): readonly R[]
}

/** One host to connect to. */
export interface Place {
  readonly host: string
  readonly port: number
  /** TLS from the first byte. */
  readonly isDirectTls: boolean
  /** The operator named it: a certificate for it is as good as one for the domain. */
  readonly isRelay: boolean
}

export interface Relay {
  readonly domain: string
  readonly host: string
  readonly port: number
}

/** The domain has no server: nothing that is tried again would change that. */
export class NoServer extends Error {
  override name = 'NoServer'
}

/** RFC 6120 §14.7. */
const PORT = 5_269

/** `domain` as A-labels. Rejects with NoServer where there is none, with another Error where nobody could say. */
export async function placesFor(domain: string, names: Names, limits: Pick<ServerLimits, 'placesMax'>): Promise<readonly Place[]> {
  const [direct, plain] = await Promise.all([
    // Servers of names that choke on one question still answer the other.
    names.srv(`_xmpps-server._tcp.${domain}`).catch((): readonly SrvRecord[] => []),
    names.srv(`_xmpp-server._tcp.${domain}`),
  ])
  const isRefused = isNotOffered(plain)
  const records = [
    ...(isNotOffered(direct) ? [] : direct.map((one) => ({ ...one, isDirectTls: true }))),
    ...(isRefused ? [] : plain.map((one) => ({ ...one, isDirectTls: false }))),
  ].filter(({ port, name }) => port > 0 && name !== '' && name !== '.')
  if (records.length > 0)
    return names
      .ordered(records)
      .slice(0, limits.placesMax)
      .map(({ name, port, isDirectTls }) => ({ host: name, port, isDirectTls, isRelay: false }))
  if (isRefused) throw new NoServer(`${domain} says in DNS that it has no XMPP server`)
  if ((await names.addresses(domain)).length === 0) throw new NoServer(`There is no server ${domain}`)
  return [{ host: domain, port: PORT, isDirectTls: false, isRelay: false }]
}

export const relayPlace = ({ host, port }: Relay): Place => ({ host, port, isDirectTls: false, isRelay: true })

/** RFC 2782: a single record with the root as its target. */
const isNotOffered = (records: readonly SrvRecord[]): boolean =>
  records.length > 0 && records.every(({ name }) => name === '' || name === '.')
