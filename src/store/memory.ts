/** A store that lasts as long as the process: for tests, and for gateways that keep nothing. */
import { randomBytes } from 'node:crypto'
import type { Jid } from '../address/jid.ts'
import { aorOf } from './aor.ts'
import type { Account, Accounts, Bindings, Credentials, Store, StoredBinding } from './port.ts'

export class MemoryStore implements Store {
  readonly bindings = new MemoryBindings()
  readonly accounts = new MemoryAccounts(this.bindings)
  readonly #secrets = new Map<string, Buffer>()

  secret(name: string): Buffer {
    let secret = this.#secrets.get(name)
    if (!secret) {
      secret = randomBytes(32)
      this.#secrets.set(name, secret)
    }
    return secret
  }

  close(): void {}
}

class MemoryAccounts implements Accounts {
  readonly #accounts = new Map<string, Account>()
  readonly #bindings: Bindings

  constructor(bindings: Bindings) {
    this.#bindings = bindings
  }

  find(jid: Jid): Account | undefined {
    return this.#accounts.get(jid.bare.toString())
  }

  exists(jid: Jid): boolean {
    return this.#accounts.has(jid.bare.toString())
  }

  add(jid: Jid, credentials: Credentials): boolean {
    if (jid.local === undefined) throw new TypeError('an account has a localpart')
    if (this.exists(jid)) return false
    this.#accounts.set(jid.bare.toString(), { jid: jid.bare, credentials, createdAt: new Date() })
    return true
  }

  setCredentials(jid: Jid, credentials: Credentials): boolean {
    const account = this.find(jid)
    if (!account) return false
    this.#accounts.set(jid.bare.toString(), { ...account, credentials })
    return true
  }

  remove(jid: Jid): boolean {
    if (!this.#accounts.delete(jid.bare.toString())) return false
    this.#bindings.replace(aorOf(jid), [])
    return true
  }

  list(domain?: string): readonly Jid[] {
    const jids = [...this.#accounts.values()].map(({ jid }) => jid)
    return jids.filter((jid) => domain === undefined || jid.domain === domain).sort(byAddress)
  }
}

/** By domain, then by local part, as their UTF-8 bytes: what a database does too. */
function byAddress(a: Jid, b: Jid): number {
  return bytewise(a.domain, b.domain) || bytewise(a.local ?? '', b.local ?? '')
}

function bytewise(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

class MemoryBindings implements Bindings {
  readonly #bindings = new Map<string, readonly StoredBinding[]>()

  replace(aor: string, bindings: readonly StoredBinding[]): void {
    if (bindings.length === 0) this.#bindings.delete(aor)
    else this.#bindings.set(aor, [...bindings])
  }

  load(now: number): readonly StoredBinding[] {
    for (const [aor, bindings] of this.#bindings) {
      this.replace(
        aor,
        bindings.filter(({ expiresAt }) => expiresAt > now),
      )
    }
    return [...this.#bindings.values()].flat()
  }
}
