/** Passwords that somebody behind us has to be shown, or that a mechanism computes with: kept sealed, opened when they are needed. */
import type { Jid } from '../../address/jid.ts'
import type { SealedPasswords, SealedUse } from '../../store/port.ts'
import type { Keyring } from './keyring.ts'

export class RecoverablePasswords {
  constructor(
    readonly sealed: SealedPasswords,
    readonly keyring: Keyring,
  ) {}

  /** Undefined where none is kept for that. Rejects with UnsealError. */
  async find(jid: Jid, use: SealedUse): Promise<string | undefined> {
    const sealed = await this.sealed.find(jid, use)
    return sealed && this.keyring.open(jid, use, sealed)
  }

  /** What the account's PBX is shown: the password that only the PBX has, else the account's own. */
  async forPbx(jid: Jid): Promise<string | undefined> {
    return (await this.find(jid, 'pbx')) ?? this.find(jid, 'login')
  }
}
