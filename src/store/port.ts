/** What is kept, whatever keeps it. Memory and SQLite pass one suite: test/contract/store. */
import type { Jid } from '../address/jid.ts'
import type { Element } from '../xml/element.ts'

type MaybePromise<T> = T | Promise<T>

/** One salted key pair (RFC 5802 §3); the password itself is not kept. */
export interface ScramKeys {
  readonly salt: Buffer
  readonly iterations: number
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** H(user:realm:password) in hexadecimal (RFC 2617 §3.2.2.2, RFC 8760), realm = the domain, for the user names `local` and `local@domain`. */
export interface SipHash {
  readonly local: string
  readonly full: string
}

/** Everything made from one password, replaced together. */
export interface Credentials {
  /** SHA-512 is absent where the password is older than it. */
  readonly scram: { readonly 'SHA-1': ScramKeys; readonly 'SHA-256': ScramKeys; readonly 'SHA-512'?: ScramKeys }
  /** MD5(user:realm:password) of DIGEST-MD5 (RFC 2831 §2.1.2.1), 16 bytes; only where the domain speaks it. */
  readonly digestMd5?: Buffer
  /** Absent where the domain keeps no telephones. */
  readonly sip?: { readonly MD5: SipHash; readonly 'SHA-256': SipHash }
}

export interface Account {
  /** user@domain. */
  readonly jid: Jid
  readonly credentials: Credentials
  readonly createdAt: Date
}

export interface Accounts {
  find(jid: Jid): MaybePromise<Account | undefined>
  exists(jid: Jid): MaybePromise<boolean>
  /** False where the account is there already; nothing is changed then. `sealed`: the password itself, where it has to stay recoverable. */
  add(jid: Jid, credentials: Credentials, sealed?: Sealed): MaybePromise<boolean>
  /** All credentials in one transaction, what an earlier password left under `login` included; false where there is no such account. */
  setCredentials(jid: Jid, credentials: Credentials, sealed?: Sealed): MaybePromise<boolean>
  /** Removes the account and all that belongs to it, in one transaction; false where there is no such account. */
  remove(jid: Jid): MaybePromise<boolean>
  /** In the order of their addresses; all domains where none is given. */
  list(domain?: string): MaybePromise<readonly Jid[]>
}

/** What a recoverable password is for: `login` is the account's own, `pbx` one that only its PBX knows. */
export type SealedUse = 'login' | 'pbx'

/** A password as only the holder of the key can read it (account/secrets); here it is bytes. */
export interface Sealed {
  /** Of the key, so that keys can be changed one after the other. */
  readonly keyId: string
  readonly nonce: Buffer
  readonly box: Buffer
}

export interface SealedRecord {
  readonly jid: Jid
  readonly use: SealedUse
  readonly sealed: Sealed
}

export interface SealedPasswords {
  find(jid: Jid, use: SealedUse): MaybePromise<Sealed | undefined>
  /** Puts or replaces; false where there is no such account. */
  set(jid: Jid, use: SealedUse, sealed: Sealed): MaybePromise<boolean>
  /** False where there was none. */
  remove(jid: Jid, use: SealedUse): MaybePromise<boolean>
  /** Those of a whole domain, which keeps none any more; how many there were. */
  removeAll(domain: string, use: SealedUse): MaybePromise<number>
  /** All that were sealed with another key than this one, in the order of their addresses. */
  withOtherKeys(keyId: string): MaybePromise<readonly SealedRecord[]>
  /** The same password with another key; false where another password has taken its place meanwhile. */
  reseal(record: SealedRecord, sealed: Sealed): MaybePromise<boolean>
}

/** A contact a telephone registered (RFC 3261 §10), as core/registrar keeps it. `data` is the registrar's own text. */
export interface StoredBinding {
  readonly aor: string
  readonly contact: string
  readonly expiresAt: number
  readonly data: string
}

export interface Bindings {
  /** Replaces all bindings of one address-of-record. */
  replace(aor: string, bindings: readonly StoredBinding[]): MaybePromise<void>
  /** Those that have not expired at `now` (milliseconds since 1970), in the order they were given; the others are forgotten. */
  load(now: number): MaybePromise<readonly StoredBinding[]>
}

/** One contact of one account (RFC 6121 §2.1.2), with the parts of its state that clients are not shown. */
export interface StoredContact {
  readonly jid: Jid
  readonly name: string | undefined
  readonly groups: readonly string[]
  readonly subscription: 'none' | 'to' | 'from' | 'both'
  /** We asked and wait for the answer: `ask='subscribe'`. */
  readonly pendingOut: boolean
  /** Their request is granted before it comes (§3.4): `approved='true'`. */
  readonly approved: boolean
  /** Their request, as it came, until the user has answered it (§3.1.3). */
  readonly pendingIn: Element | undefined
  /** False while there is only a request of theirs: such a contact is not in the list clients see (§A.1). */
  readonly listed: boolean
}

export interface StoredRoster {
  /** Grows with every change that clients see (§2.6); 0 where nothing was ever kept. */
  readonly version: number
  readonly contacts: readonly StoredContact[]
}

export interface Rosters {
  load(account: Jid): MaybePromise<StoredRoster>
  /** Puts or replaces one contact, and the roster's version with it, in one transaction. */
  put(account: Jid, contact: StoredContact, version: number): MaybePromise<void>
  remove(account: Jid, contact: Jid, version: number): MaybePromise<void>
}

/** Something a room keeps over a restart, in its own words. */
export interface KeptRecord {
  readonly key: string
  /** The address-of-record it goes away with. */
  readonly owner: string
  /** Milliseconds since 1970; undefined: until it is removed. */
  readonly expiresAt: number | undefined
  readonly data: string
}

/** The records of one room; keys of different rooms never meet. */
export interface Kept {
  /** Puts or replaces. */
  put(record: KeptRecord): MaybePromise<void>
  remove(key: string): MaybePromise<void>
  /** Those that have not expired at `now`, in the order of their keys; the others are forgotten. */
  load(now: number): MaybePromise<readonly KeptRecord[]>
}

export interface Store {
  readonly accounts: Accounts
  readonly sealed: SealedPasswords
  readonly bindings: Bindings
  readonly rosters: Rosters
  /** What the room of this name keeps. */
  kept(room: string): Kept
  /** 32 random bytes, made when first asked for under this name and the same ever after: for what must not change with a restart and belongs to nobody. */
  secret(name: string): MaybePromise<Buffer>
  close(): MaybePromise<void>
}
