/** Sets of IPv4 and IPv6 networks, as operators write them: `192.0.2.0/24`, `2001:db8::/32`, one address. */
import { BlockList, isIP } from 'node:net'

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** An IPv4 address stays one when it comes through an IPv6 socket. */
export function plainAddress(address: string): string {
  return MAPPED.exec(address)?.[1] ?? address
}

/** What counts as one remote place: an IPv4 address, or the /64 that a site or a telephone gets in IPv6. */
export function placeOf(address: string): string {
  const plain = plainAddress(address)
  if (isIP(plain) !== 6) return plain
  const [head = '', tail] = (plain.split('%')[0] ?? plain).split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = tail === undefined ? left : [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right]
  return `${groups
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}

export class Networks {
  readonly #list = new BlockList()
  readonly isEmpty: boolean

  /** Throws a RangeError with a sentence for what is not a network. */
  constructor(networks: readonly string[]) {
    this.isEmpty = networks.length === 0
    for (const network of networks) this.#add(network)
  }

  has(address: string): boolean {
    if (this.isEmpty) return false
    const plain = plainAddress(address).split('%')[0] ?? address
    const version = isIP(plain)
    return version !== 0 && this.#list.check(plain, version === 6 ? 'ipv6' : 'ipv4')
  }

  #add(network: string): void {
    const [address = '', bits, ...more] = network.trim().split('/')
    const plain = plainAddress(address)
    const version = isIP(plain)
    // 96 bits of a mapped address are the mapping itself.
    const length = bits === undefined ? (version === 6 ? 128 : 32) : Number(bits) - (plain === address ? 0 : 96)
    const longest = version === 6 ? 128 : 32
    if (version === 0 || more.length > 0 || (bits !== undefined && !/^\d+$/.test(bits)) || length < 0 || length > longest) {
      throw new RangeError(
        `${JSON.stringify(network)} is not a network: write an address, or an address with a slash and the bits that count`,
      )
    }
    this.#list.addSubnet(plain, length, version === 6 ? 'ipv6' : 'ipv4')
  }
}
