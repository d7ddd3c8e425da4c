/** Passwords that somebody behind us has to be shown, or that a mechanism computes with: kept sealed, opened when they are needed. */
import { randomBytes } from 'node:crypto'
import { Jid } from '../../address/jid.ts'
import type { Sealed, SealedPasswords, SealedUse } from '../../store/port.ts'
import type { Keyring } from './keyring.ts'

const NOBODY = Jid.parse('nobody@localhost')

export class RecoverablePasswords {
  #decoy: Sealed | undefined

  constructor(
    readonly sealed: SealedPasswords,
    readonly keyring: Keyring,
  ) {}

  /** Undefined where none is kept for that. Rejects with UnsealError. */
  async find(jid: Jid, use: SealedUse): Promise<string | undefined> {
    const sealed = await this.sealed.find(jid, use)
    return sealed && this.keyring.open(jid, use, sealed)
  }

  /** The same work where none is kept, and a password that nobody knows: who is asked for a proof must not learn from the time who exists. */
  async orDecoy(jid: Jid, use: SealedUse): Promise<string> {
    const sealed = await this.sealed.find(jid, use)
    if (sealed) return this.keyring.open(jid, use, sealed)
    this.#decoy ??= this.keyring.seal(NOBODY, 'login', randomBytes(12).toString('base64'))
    return this.keyring.open(NOBODY, 'login', this.#decoy)
  }

  /** What the account's PBX is shown: the password that only the PBX has, else the account's own. */
  async forPbx(jid: Jid): Promise<string | undefined> {
    return (await this.find(jid, 'pbx')) ?? this.find(jid, 'login')
  }
}
