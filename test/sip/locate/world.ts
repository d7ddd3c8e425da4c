/** Names that only the tests know, and a clock that goes when it is told. */
import { SipUri } from '../../../src/address/sip-uri.ts'
import { type Dns, DnsError, type Naptr, type Records, type Srv } from '../../../src/sip/locate/dns.ts'
import type { LocateLimits } from '../../../src/sip/locate/limits.ts'
import { type Locating, Locator } from '../../../src/sip/locate/locator.ts'
import type { NextHop, Transport } from '../../../src/sip/port.ts'

export interface Names {
  readonly naptr?: Readonly<Record<string, readonly Naptr[]>>
  readonly srv?: Readonly<Record<string, readonly Srv[]>>
  readonly addresses?: Readonly<Record<string, readonly string[]>>
  readonly ttl?: number
}

export class World implements Dns {
  /** Questions, in order: `srv _sip._udp.a.example`. */
  readonly asked: string[] = []
  names: Names
  /** What is asked while it is set has no answer. */
  isAway: (question: string) => boolean = () => false
  clock = 1_000_000
  transports: readonly Transport[] = ['udp', 'tcp', 'tls']

  constructor(names: Names) {
    this.names = names
  }

  naptr(name: string): Promise<Records<Naptr>> {
    return this.#say(`naptr ${name}`, this.names.naptr?.[name])
  }

  srv(name: string): Promise<Records<Srv>> {
    return this.#say(`srv ${name}`, this.names.srv?.[name])
  }

  addresses(name: string): Promise<Records<string>> {
    return this.#say(`a ${name}`, this.names.addresses?.[name])
  }

  locator(limits?: LocateLimits, random: () => number = () => 0): Locator {
    const reach = { by: (transport: Transport) => this.transports.includes(transport), to: () => true }
    const locating: Locating = { dns: this, reach, now: () => this.clock, random, ...(limits ? { limits } : {}) }
    return new Locator(locating)
  }

  async #say<T>(question: string, records: readonly T[] = []): Promise<Records<T>> {
    this.asked.push(question)
    if (this.isAway(question)) throw new DnsError('nobody answered')
    return { records, ttl: this.names.ttl }
  }
}

export async function hops(locator: Locator, uri: string): Promise<string[]> {
  return (await locator.hopsFor(SipUri.parse(uri))).map(written)
}

export const written = ({ transport, host, port }: NextHop): string => `${transport} ${host} ${port}`
