/** Which domains may connect as components, and how they prove it (XEP-0114 §3). */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Permissions } from './permissions.ts'

export interface ComponentSettings {
  /** Prepared, as U-labels. */
  readonly domain: string
  readonly secret: string
  /** What becomes of a stanza without a sender, or from somebody else: `check` ends the stream, `stamp` makes it the component's own. */
  readonly from: 'check' | 'stamp'
  /** What a second connection is: one more that shares the load, the one that counts from now on, or a mistake. */
  readonly conflict: 'balance' | 'replace' | 'refuse'
  /** XEP-0356. */
  readonly permissions: Permissions
}

export interface ComponentsSettings {
  readonly components: readonly ComponentSettings[]
  /** For any name below a hosted domain. */
  readonly password?: string | undefined
}

/** Domains no component may claim, and those below which names may come by password. */
export interface OwnNames {
  /** Hosted, prepared. */
  readonly hosted: readonly string[]
  /** Rooms and the like. */
  readonly reserved: readonly string[]
}

const UNLISTED = {
  from: 'check',
  conflict: 'balance',
  permissions: { roster: 'none', message: 'none' },
} as const satisfies Partial<ComponentSettings>

export class ComponentNames {
  readonly #byDomain: ReadonlyMap<string, ComponentSettings>
  readonly #password: string | undefined
  readonly #own: OwnNames
  /** What a name nobody knows is measured by, so that it takes as long to refuse as a wrong secret. */
  readonly #nobodys = randomBytes(20).toString('hex')

  constructor({ components, password }: ComponentsSettings, own: OwnNames) {
    this.#byDomain = new Map(components.map((one) => [one.domain, one]))
    this.#password = password
    this.#own = own
  }

  /** Whether any component may connect. */
  get isOffered(): boolean {
    return this.#byDomain.size > 0 || this.#password !== undefined
  }

  get listed(): Iterable<ComponentSettings> {
    return this.#byDomain.values()
  }

  isListed(domain: string): boolean {
    return this.#byDomain.has(domain)
  }

  /** One of ours, which no component may have. */
  isOurs(domain: string): boolean {
    return this.#own.hosted.includes(domain) || this.#own.reserved.includes(domain)
  }

  /** Undefined where nobody of that name may come. */
  settingsOf(domain: string): ComponentSettings | undefined {
    if (this.isOurs(domain)) return undefined
    const listed = this.#byDomain.get(domain)
    if (listed || this.#password === undefined) return listed
    const isBelow = this.#own.hosted.some((name) => domain.endsWith(`.${name}`))
    return isBelow ? { ...UNLISTED, domain, secret: this.#password } : undefined
  }

  /** The settings of whoever has proved to be that component; undefined for a wrong secret and an unknown name alike. */
  proved(domain: string, streamId: string, handshake: string): ComponentSettings | undefined {
    const settings = this.settingsOf(domain)
    const expected = Buffer.from(digestOf(streamId, settings?.secret ?? this.#nobodys))
    const given = Buffer.from(handshake.trim())
    // Its length is no secret.
    return given.length === expected.length && timingSafeEqual(given, expected) ? settings : undefined
  }
}

/** XEP-0114 §3: SHA-1 of both, in small hexadecimal letters. */
export const digestOf = (streamId: string, secret: string): string => createHash('sha1').update(streamId).update(secret).digest('hex')
