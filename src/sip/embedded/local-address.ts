/** Which of our addresses a peer can reach, where a listener is bound to all of them. */
import { BlockList, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'

/** Interfaces come and go, and asking for them costs a tenth of a millisecond. */
const ASK_AGAIN_MS = 30_000
const REMEMBERED_MAX = 10_000

export class LocalAddresses {
  readonly #remembered = new Map<string, string>()
  #askedAt = Number.NEGATIVE_INFINITY
  readonly #interfaces: typeof networkInterfaces

  constructor(interfaces: typeof networkInterfaces = networkInterfaces) {
    this.#interfaces = interfaces
  }

  /** Of the peer's own subnet if there is one, else the first that is no loopback. */
  towards(host: string): string {
    const now = performance.now()
    if (now - this.#askedAt > ASK_AGAIN_MS || this.#remembered.size >= REMEMBERED_MAX) {
      this.#remembered.clear()
      this.#askedAt = now
    }
    const known = this.#remembered.get(host)
    if (known !== undefined) return known
    const found = this.#search(host)
    this.#remembered.set(host, found)
    return found
  }

  #search(host: string): string {
    const family = isIPv6(host) ? 'IPv6' : 'IPv4'
    const kind = family === 'IPv6' ? 'ipv6' : 'ipv4'
    let outward: string | undefined
    for (const addresses of Object.values(this.#interfaces())) {
      for (const one of addresses ?? []) {
        if (one.family !== family) continue
        const subnet = new BlockList()
        const bits = Number(one.cidr?.split('/')[1] ?? (family === 'IPv6' ? 128 : 32))
        subnet.addSubnet(one.address, bits, kind)
        if (subnet.check(host, kind)) return one.address
        // fe80::/10 reaches nobody beyond its own link.
        if (!one.internal && !one.address.startsWith('fe80:')) outward ??= one.address
      }
    }
    return outward ?? (family === 'IPv6' ? '::1' : '127.0.0.1')
  }
}
