/** Whom an operator trusts (`sip.trusted`): by network, or by the name that a verified TLS certificate proves (RFC 5922). */
export class TrustedPeers {
  readonly #networks: { has(address: string): boolean }
  readonly #names: ReadonlySet<string>

  /** Names in small letters. */
  constructor(networks: { has(address: string): boolean }, names: Iterable<string> = []) {
    this.#networks = networks
    this.#names = new Set(names)
  }

  has(address: string, identity?: readonly string[]): boolean {
    return this.#networks.has(address) || identity?.some((name) => this.#names.has(name)) === true
  }
}
