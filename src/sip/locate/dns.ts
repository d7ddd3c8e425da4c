/** What RFC 3263 asks of DNS: NAPTR (RFC 3403), SRV (RFC 2782) and addresses; and who answers it outside of tests. */
import { lookup, Resolver } from 'node:dns/promises'

export interface Naptr {
  readonly order: number
  readonly preference: number
  readonly flags: string
  readonly service: string
  /** The name to ask next. */
  readonly replacement: string
}

export interface Srv {
  readonly priority: number
  readonly weight: number
  readonly port: number
  /** Empty or `.`: the service is decidedly not offered there. */
  readonly name: string
}

export interface Records<T> {
  /** Empty where DNS says that there are none. */
  readonly records: readonly T[]
  /** Seconds they are good for; undefined where whoever was asked does not tell. */
  readonly ttl: number | undefined
}

/** Rejects with DnsError where nobody could say. */
export interface Dns {
  naptr(name: string): Promise<Records<Naptr>>
  srv(name: string): Promise<Records<Srv>>
  addresses(name: string): Promise<Records<string>>
}

export class DnsError extends Error {
  override name = 'DnsError'
}

/** One question to one server. The whole of RFC 3263 takes three in a row, and somebody waits for a message to go. */
const QUESTION_MS = 2_000
const TRIES = 2

/** Answers that mean: there is no such name, or it has no such records. */
const NONE_THERE = new Set(['ENOTFOUND', 'ENODATA', 'ENONAME', 'EAI_NONAME', 'EAI_NODATA', 'EBADNAME'])

/** Node's resolver. Without servers of its own it asks those of the system, and for addresses also its hosts file. */
export class NodeDns implements Dns {
  readonly #resolver = new Resolver({ timeout: QUESTION_MS, tries: TRIES })
  readonly #asksSystem: boolean

  constructor(servers: readonly string[]) {
    this.#asksSystem = servers.length === 0
    if (!this.#asksSystem) this.#resolver.setServers(servers)
  }

  // Node tells no TTL of NAPTR and SRV.
  naptr(name: string): Promise<Records<Naptr>> {
    return orNone(this.#resolver.resolveNaptr(name).then((records) => ({ records, ttl: undefined })))
  }

  srv(name: string): Promise<Records<Srv>> {
    return orNone(this.#resolver.resolveSrv(name).then((records) => ({ records, ttl: undefined })))
  }

  async addresses(name: string): Promise<Records<string>> {
    if (this.#asksSystem)
      return orNone(
        lookup(name, { all: true, order: 'verbatim' }).then((found) => ({ records: found.map(({ address }) => address), ttl: undefined })),
      )
    const [v4, v6] = await Promise.allSettled([
      orNone(this.#resolver.resolve4(name, { ttl: true }).then(withTtl)),
      orNone(this.#resolver.resolve6(name, { ttl: true }).then(withTtl)),
    ])
    if (v4.status === 'rejected' && v6.status === 'rejected') throw v4.reason
    const found = [v4, v6].flatMap((half) => (half.status === 'fulfilled' ? [half.value] : []))
    const ttls = found.flatMap(({ ttl }) => (ttl === undefined ? [] : [ttl]))
    return { records: found.flatMap(({ records }) => records), ttl: ttls.length > 0 ? Math.min(...ttls) : undefined }
  }
}

function withTtl(records: readonly { readonly address: string; readonly ttl: number }[]): Records<string> {
  return {
    records: records.map(({ address }) => address),
    ttl: records.length > 0 ? Math.min(...records.map(({ ttl }) => ttl)) : undefined,
  }
}

async function orNone<T>(asked: Promise<Records<T>>): Promise<Records<T>> {
  try {
    return await asked
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    if (NONE_THERE.has(code)) return { records: [], ttl: undefined }
    throw new DnsError(cause instanceof Error ? cause.message : String(cause))
  }
}
