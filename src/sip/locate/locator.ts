/** RFC 3263 §4: from a URI to the transport addresses a request to it may go to, the best first. */
import { isIP } from 'node:net'
import type { SipUri } from '../../address/sip-uri.ts'
import type { MaybePromise } from '../../core/port.ts'
import { type NextHop, NoResponseError, type Transport } from '../port.ts'
import { DEFAULT_PORTS, type Destination, destinationOf } from './destination.ts'
import { type Dns, DnsError, type Naptr, type Srv } from './dns.ts'
import { KeptAnswers } from './kept-answers.ts'
import { LOCATE_DEFAULTS, type LocateLimits } from './limits.ts'
import { inSrvOrder, isRefused } from './srv-order.ts'

/** RFC 3263 §4.1 and RFC 7118 §11.1, where NAPTR names a transport. */
const SERVICES: Readonly<Record<string, Transport>> = {
  'SIP+D2U': 'udp',
  'SIP+D2T': 'tcp',
  'SIPS+D2T': 'tls',
  'SIP+D2W': 'ws',
  'SIPS+D2W': 'wss',
}

const SRV_PREFIX: Readonly<Record<Transport, string>> = {
  udp: '_sip._udp',
  tcp: '_sip._tcp',
  tls: '_sips._tcp',
  ws: '_sip._ws',
  wss: '_sips._ws',
}

// Where the name's owner has no preference ours counts: that nobody listens is known at once over TCP, and after 32 s over UDP.
const PREFERENCE: readonly Transport[] = ['tcp', 'udp', 'tls']

/** DNS is away: what was known before may still be true. */
export class NotLookedUp extends NoResponseError {
  constructor(message: string) {
    super('transport', message)
  }
}

export interface Locating {
  readonly dns: Dns
  /** What the stack can send to: asked only once the address is known, so it may look at that too. */
  readonly reach: Reach
  readonly now: () => number
  readonly random: () => number
  readonly limits?: LocateLimits
}

export interface Reach {
  /** Where everything goes, if the stack is connected to one element alone. */
  only?(): NextHop | undefined
  by(transport: Transport): boolean
  to(hop: NextHop): boolean
}

export class Locator {
  readonly #naptr: KeptAnswers<Naptr>
  readonly #srv: KeptAnswers<Srv>
  readonly #addresses: KeptAnswers<string>
  readonly #limits: LocateLimits

  constructor(readonly locating: Locating) {
    const { dns, now } = locating
    this.#limits = locating.limits ?? LOCATE_DEFAULTS
    this.#naptr = new KeptAnswers((name) => dns.naptr(name), this.#limits, now)
    this.#srv = new KeptAnswers((name) => dns.srv(name), this.#limits, now)
    this.#addresses = new KeptAnswers((name) => dns.addresses(name), this.#limits, now)
  }

  /** At least one. Throws or rejects with NoResponseError, whose message says why there is none. */
  hopsFor(uri: SipUri): MaybePromise<readonly NextHop[]> {
    const to = destinationOf(uri)
    const only = this.locating.reach.only?.()
    if (only) return [theOnly(only, to)]
    if (to.transport !== undefined && !this.locating.reach.by(to.transport))
      throw new NoResponseError('transport', `no ${to.transport} is configured`)
    if (!to.isAddress) return this.#located(to)
    const transport = to.transport ?? this.#defaultFor(to)
    return [named({ transport, host: to.host, port: to.port ?? DEFAULT_PORTS[transport] }, to)]
  }

  async #located(to: Destination): Promise<readonly NextHop[]> {
    try {
      const hops = await this.#search(to)
      const reached = hops.filter((hop) => this.locating.reach.to(hop))
      if (reached.length > 0) return reached.slice(0, this.#limits.hopsMax).map((hop) => named(hop, to))
      if (hops.length > 0) throw new NoResponseError('transport', `${to.host} has only addresses that cannot be reached from here`)
    } catch (cause) {
      if (cause instanceof DnsError) throw new NotLookedUp(`${to.host} cannot be looked up: ${cause.message}`)
      throw cause
    }
    throw new NoResponseError('transport', `${to.host} has no address`)
  }

  async #search(to: Destination): Promise<readonly NextHop[]> {
    // §4.2: a port says that there is no SRV to ask for.
    if (to.port !== undefined) return this.#at(to.host, to.transport ?? this.#defaultFor(to), to.port)
    if (to.transport !== undefined) {
      const found = await this.#bySrv(`${SRV_PREFIX[to.transport]}.${to.host}`, to.transport)
      return found ?? this.#at(to.host, to.transport, DEFAULT_PORTS[to.transport])
    }
    const byNaptr = await this.#byNaptr(to)
    if (byNaptr.length > 0) return byNaptr
    const asked = PREFERENCE.filter((transport) => this.#mayUse(transport, to))
    const found = await Promise.all(asked.map((transport) => this.#bySrv(`${SRV_PREFIX[transport]}.${to.host}`, transport)))
    if (found.some((hops) => hops !== undefined)) return found.flatMap((hops) => hops ?? [])
    const transport = this.#defaultFor(to)
    return this.#at(to.host, transport, DEFAULT_PORTS[transport])
  }

  /** §4.1: what the owner of the name offers, as far as we have it, in the owner's order. */
  async #byNaptr(to: Destination): Promise<readonly NextHop[]> {
    const records = (await unlessFailed(this.#naptr.of(to.host))) ?? []
    const usable = records
      .filter(({ flags, service }) => {
        const transport = SERVICES[service.toUpperCase()]
        return flags.toLowerCase() === 's' && transport !== undefined && this.#mayUse(transport, to)
      })
      .sort((a, b) => a.order - b.order || a.preference - b.preference)
    const found = await Promise.all(
      usable.map(async ({ service, replacement }) => this.#bySrv(replacement, SERVICES[service.toUpperCase()] ?? 'udp')),
    )
    return found.flatMap((hops) => hops ?? [])
  }

  /** Undefined where there are no such records; empty where they say that the service is not offered, or name nobody. */
  async #bySrv(name: string, transport: Transport): Promise<readonly NextHop[] | undefined> {
    const records = await unlessFailed(this.#srv.of(name))
    if (records === undefined || records.length === 0) return undefined
    if (isRefused(records)) return []
    const ordered = inSrvOrder(records, this.locating.random).filter(({ port }) => port > 0)
    const found = await Promise.all(ordered.map(({ name: host, port }) => unlessFailed(this.#at(host, transport, port))))
    return found.flatMap((hops, at) => (hops ?? []).map((hop) => ({ ...hop, priority: ordered[at]?.priority ?? 0 })))
  }

  async #at(host: string, transport: Transport, port: number): Promise<readonly NextHop[]> {
    const addresses = isIP(host) !== 0 ? [host] : await this.#addresses.of(host)
    return addresses.map((address) => ({ transport, host: address, port }))
  }

  #mayUse(transport: Transport, { isSecure }: Destination): boolean {
    if (isSecure && transport !== 'tls' && transport !== 'wss') return false
    return this.locating.reach.by(transport)
  }

  /** §4.1: UDP, for sips: TLS; TCP where we have no UDP. */
  #defaultFor({ isSecure }: Destination): Transport {
    const transport = isSecure ? 'tls' : this.locating.reach.by('udp') ? 'udp' : 'tcp'
    if (!this.locating.reach.by(transport)) throw new NoResponseError('transport', `no ${transport} is configured`)
    return transport
  }
}

/** RFC 7118 §5.2.2: `transport=ws` speaks of both kinds. Throws NoResponseError where somebody else is meant. */
function theOnly(only: NextHop, { host, port = only.port, transport }: Destination): NextHop {
  const isMeant = (host === only.name || host === only.host) && port === only.port && (transport === 'ws' || transport === 'wss')
  if (isMeant) return only
  throw new NoResponseError('transport', `nobody but ${only.name ?? only.host} can be reached, by ${only.transport}`)
}

/** Under TLS the peer proves to be the domain that was asked for, not the name DNS gave for it. */
function named(hop: NextHop, { domain }: Destination): NextHop {
  const isProven = hop.transport === 'tls' || hop.transport === 'wss'
  return isProven && domain !== undefined ? { ...hop, name: domain } : hop
}

/** Servers that know A and AAAA but choke on the rest still stand in some offices: what they could not say is as if it were not there. */
async function unlessFailed<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (cause) {
    if (cause instanceof DnsError) return undefined
    throw cause
  }
}
