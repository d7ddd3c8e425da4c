/** Digest hashes of the telephones that spoke last, so that not every request of theirs asks the store. */
import type { SipUri } from '../address/sip-uri.ts'
import type { Credentials } from '../store/port.ts'
import type { MaybePromise } from './port.ts'

export type Hashes = Credentials['sip'] | undefined

/** A change is told (`forget`); this bounds what a change that was not told can do. */
const KNOWN_MS = 10_000
/** Above it the memory starts anew. */
const KNOWN_MAX = 10_000

export class KnownHashes {
  readonly #known = new Map<string, { readonly hashes: Hashes; readonly until: number }>()

  constructor(
    readonly ask: (account: SipUri) => MaybePromise<Hashes>,
    readonly now: () => number,
  ) {}

  of(account: SipUri): MaybePromise<Hashes> {
    const known = this.#known.get(account.aor)
    if (known && known.until > this.now()) return known.hashes
    const hashes = this.ask(account)
    return hashes instanceof Promise ? hashes.then((found) => this.#keep(account.aor, found)) : this.#keep(account.aor, hashes)
  }

  forget(aor: string): void {
    this.#known.delete(aor)
  }

  #keep(aor: string, hashes: Hashes): Hashes {
    if (this.#known.size >= KNOWN_MAX) this.#known.clear()
    // Only who is there: strangers could fill the memory with names nobody has.
    if (hashes) this.#known.set(aor, { hashes, until: this.now() + KNOWN_MS })
    return hashes
  }
}
