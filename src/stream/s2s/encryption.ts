/** Which traffic to other servers is encrypted: the model's "Send Encrypted to Domains" and "Wherever possible". */
import { Wildcard } from '../../core/wildcard.ts'
import type { ServerLimits } from './limits.ts'

/**
 * `required`: TLS with a certificate that proves the domain, or nothing at all. `possible`: TLS where it works, whatever the certificate.
 * `off`: nobody asked for it. `never`: the operator knows that it does not work there.
 */
export type Encryption = 'required' | 'possible' | 'off' | 'never'

export interface EncryptionSettings {
  /** `*.partner.example`, `!broken.example`: names as A-labels, in which a `*` stands for any characters, at least one. */
  readonly domains: readonly string[]
  readonly whereverPossible: boolean
}

export class EncryptionPolicy {
  readonly #listed: readonly Wildcard[]
  readonly #excluded: readonly Wildcard[]
  readonly #otherwise: Encryption

  constructor({ domains, whereverPossible }: EncryptionSettings) {
    this.#listed = domains.filter((one) => !one.startsWith('!')).map((one) => new Wildcard(one))
    this.#excluded = domains.filter((one) => one.startsWith('!')).map((one) => new Wildcard(one.slice(1).trim()))
    this.#otherwise = whereverPossible ? 'possible' : 'off'
  }

  /** `domain`: as A-labels. An exclusion counts wherever in the list it stands: it is the narrower word. */
  for(domain: string): Encryption {
    if (this.#excluded.some((one) => one.match(domain) !== undefined)) return 'never'
    return this.#listed.some((one) => one.match(domain) !== undefined) ? 'required' : this.#otherwise
  }
}

/** Hosts that TLS has failed with for a domain, for as long as that is believed. */
export class WithoutTls {
  readonly #until = new Map<string, number>()

  constructor(
    readonly limits: Pick<ServerLimits, 'withoutTlsSeconds' | 'withoutTlsMax'>,
    readonly now: () => number,
  ) {}

  has(domain: string, host: string): boolean {
    const key = `${domain} ${host}`
    const until = this.#until.get(key)
    if (until === undefined) return false
    if (until > this.now()) return true
    this.#until.delete(key)
    return false
  }

  add(domain: string, host: string): void {
    const key = `${domain} ${host}`
    this.#until.delete(key)
    const oldest = this.#until.size >= this.limits.withoutTlsMax ? this.#until.keys().next().value : undefined
    if (oldest !== undefined) this.#until.delete(oldest)
    this.#until.set(key, this.now() + this.limits.withoutTlsSeconds * 1_000)
  }
}
