/** How many connections there may be, of all and of one address, whatever is spoken on them: what a stranger opens is counted from its first packet. */
import type { Socket } from 'node:net'
import type { Limits } from './limits.ts'

/** Whose requests are not even read: see `scanners` in docs/telephones.md. */
export interface Gate {
  refuses(host: string): boolean
  /** Something came from there that is no request at all. */
  noise(host: string): void
}

export class Admission {
  readonly #limits: Limits
  readonly #gate: Gate | undefined
  readonly #perAddress = new Map<string, number>()
  #count = 0

  constructor(limits: Limits, gate?: Gate) {
    this.#limits = limits
    this.#gate = gate
  }

  /** Undefined where one more may come or be opened. */
  whyNoMore(host: string): string | undefined {
    const { connectionsMax, connectionsPerAddressMax } = this.#limits
    if (this.#count >= connectionsMax) return `more than ${connectionsMax} connections`
    if ((this.#perAddress.get(host) ?? 0) < connectionsPerAddressMax) return undefined
    return `more than ${connectionsPerAddressMax} connections of one address`
  }

  isRefused(host: string): boolean {
    return this.#gate?.refuses(host) === true
  }

  /** It counts until it is closed. */
  enter(socket: Socket, host: string): void {
    this.#count++
    this.#perAddress.set(host, (this.#perAddress.get(host) ?? 0) + 1)
    socket.once('close', () => this.#leave(host))
  }

  #leave(host: string): void {
    this.#count--
    const others = (this.#perAddress.get(host) ?? 1) - 1
    if (others > 0) this.#perAddress.set(host, others)
    else this.#perAddress.delete(host)
  }
}
