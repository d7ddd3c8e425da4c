/** A store that lasts as long as the process: for tests, and for gateways that keep nothing. */
import { randomBytes } from 'node:crypto'
import type { Jid } from '../address/jid.ts'
import { aorOf } from './aor.ts'
import type {
  Account,
  Accounts,
  Bindings,
  Credentials,
  Kept,
  KeptRecord,
  Rosters,
  Sealed,
  SealedPasswords,
  SealedRecord,
  SealedUse,
  Store,
  StoredBinding,
  StoredContact,
  StoredRoster,
} from './port.ts'

export class MemoryStore implements Store {
  readonly bindings = new MemoryBindings()
  readonly rosters = new MemoryRosters()
  readonly #kept = new Map<string, MemoryKept>()
  readonly #secrets = new Map<string, Buffer>()
  readonly sealed = new MemorySealed((jid) => this.accounts.exists(jid))
  readonly accounts: MemoryAccounts = new MemoryAccounts(this.sealed, (jid) => {
    this.bindings.replace(aorOf(jid), [])
    this.rosters.forget(jid)
    this.sealed.forget(jid)
    for (const kept of this.#kept.values()) kept.forget(aorOf(jid))
  })

  kept(room: string): Kept {
    let kept = this.#kept.get(room)
    if (!kept) {
      kept = new MemoryKept()
      this.#kept.set(room, kept)
    }
    return kept
  }

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
  readonly #removed: (jid: Jid) => void

  /** `removed`: what belongs to an account goes with it. */
  constructor(
    readonly sealed: MemorySealed,
    removed: (jid: Jid) => void,
  ) {
    this.#removed = removed
  }

  find(jid: Jid): Account | undefined {
    return this.#accounts.get(jid.bare.toString())
  }

  exists(jid: Jid): boolean {
    return this.#accounts.has(jid.bare.toString())
  }

  add(jid: Jid, credentials: Credentials, sealed?: Sealed): boolean {
    if (jid.local === undefined) throw new TypeError('an account has a localpart')
    if (this.exists(jid)) return false
    this.#accounts.set(jid.bare.toString(), { jid: jid.bare, credentials, createdAt: new Date() })
    this.sealed.put(jid, 'login', sealed)
    return true
  }

  setCredentials(jid: Jid, credentials: Credentials, sealed?: Sealed): boolean {
    const account = this.find(jid)
    if (!account) return false
    this.#accounts.set(jid.bare.toString(), { ...account, credentials })
    this.sealed.put(jid, 'login', sealed)
    return true
  }

  remove(jid: Jid): boolean {
    if (!this.#accounts.delete(jid.bare.toString())) return false
    this.#removed(jid)
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

class MemorySealed implements SealedPasswords {
  /** By account and use. */
  readonly #records = new Map<string, SealedRecord>()

  constructor(readonly isAccount: (jid: Jid) => boolean) {}

  find(jid: Jid, use: SealedUse): Sealed | undefined {
    return this.#records.get(keyOf(jid, use))?.sealed
  }

  set(jid: Jid, use: SealedUse, sealed: Sealed): boolean {
    if (!this.isAccount(jid)) return false
    this.put(jid, use, sealed)
    return true
  }

  remove(jid: Jid, use: SealedUse): boolean {
    return this.#records.delete(keyOf(jid, use))
  }

  removeAll(domain: string, use: SealedUse): number {
    const theirs = [...this.#records.values()].filter((record) => record.use === use && record.jid.domain === domain)
    for (const { jid } of theirs) this.remove(jid, use)
    return theirs.length
  }

  /** Undefined: none is left. */
  put(jid: Jid, use: SealedUse, sealed: Sealed | undefined): void {
    if (sealed) this.#records.set(keyOf(jid, use), { jid: jid.bare, use, sealed })
    else this.#records.delete(keyOf(jid, use))
  }

  withOtherKeys(keyId: string): readonly SealedRecord[] {
    const others = [...this.#records.values()].filter(({ sealed }) => sealed.keyId !== keyId)
    return others.sort((a, b) => byAddress(a.jid, b.jid) || bytewise(a.use, b.use))
  }

  reseal({ jid, use, sealed: before }: SealedRecord, sealed: Sealed): boolean {
    if (this.find(jid, use)?.nonce.equals(before.nonce) !== true) return false
    this.put(jid, use, sealed)
    return true
  }

  forget(jid: Jid): void {
    for (const use of ['login', 'pbx'] as const) this.put(jid, use, undefined)
  }
}

const keyOf = (jid: Jid, use: SealedUse): string => `${use} ${jid.bare}`

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

class MemoryRosters implements Rosters {
  readonly #rosters = new Map<string, { version: number; contacts: Map<string, StoredContact> }>()

  load(account: Jid): StoredRoster {
    const roster = this.#rosters.get(account.bare.toString())
    if (!roster) return { version: 0, contacts: [] }
    return { version: roster.version, contacts: [...roster.contacts.values()].sort((a, b) => bytewise(a.jid.toString(), b.jid.toString())) }
  }

  put(account: Jid, contact: StoredContact, version: number): void {
    const roster = this.#of(account)
    roster.version = version
    roster.contacts.set(contact.jid.toString(), contact)
  }

  remove(account: Jid, contact: Jid, version: number): void {
    const roster = this.#of(account)
    roster.version = version
    roster.contacts.delete(contact.toString())
  }

  forget(account: Jid): void {
    this.#rosters.delete(account.bare.toString())
  }

  #of(account: Jid): { version: number; contacts: Map<string, StoredContact> } {
    const key = account.bare.toString()
    let roster = this.#rosters.get(key)
    if (!roster) {
      roster = { version: 0, contacts: new Map() }
      this.#rosters.set(key, roster)
    }
    return roster
  }
}

class MemoryKept implements Kept {
  readonly #records = new Map<string, KeptRecord>()

  put(record: KeptRecord): void {
    this.#records.set(record.key, record)
  }

  remove(key: string): void {
    this.#records.delete(key)
  }

  load(now: number): readonly KeptRecord[] {
    for (const [key, { expiresAt }] of this.#records) if (expiresAt !== undefined && expiresAt <= now) this.#records.delete(key)
    return [...this.#records.values()].sort((a, b) => bytewise(a.key, b.key))
  }

  forget(owner: string): void {
    for (const [key, record] of this.#records) if (record.owner === owner) this.#records.delete(key)
  }
}
