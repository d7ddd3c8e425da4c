/** From a user name to an account's credentials: the same road and the same time for names that nobody has (RFC 6120 §6.5.10). */
import { randomBytes } from 'node:crypto'
import { fakeKeys, keysOf, type ScramHash, verifyPassword } from '../../account/credentials.ts'
import type { RecoverablePasswords } from '../../account/secrets/recoverable.ts'
import { Jid, JidError } from '../../address/jid.ts'
import type { LoginOutcome } from '../../core/pbx/line.ts'
import type { Log } from '../../log/log.ts'
import type { Account, Accounts, Credentials, ScramKeys } from '../../store/port.ts'
import { SaslError } from './error.ts'
import type { Guesses, Outcome } from './guesses.ts'
import type { ChannelBinding, Claim, Login } from './mechanism.ts'

export interface LoginRooms {
  readonly accounts: Accounts
  readonly guesses: Guesses
  /** Those that CRAM-MD5 and old clients' digest are computed with. */
  readonly passwords: RecoverablePasswords
  /** Makes the keys of names nobody has; the same as long as the gateway runs, and best longer. */
  readonly fakeSecret: Buffer
  /** PBKDF2 rounds of a domain's new accounts, which made-up ones must show too. */
  roundsOf(domain: string): number
  /** For domains whose passwords somebody else checks: a PBX. Absent, or undefined: they are in the store. */
  loginElsewhere?(domain: string): CheckPassword | undefined
}

type CheckPassword = (jid: Jid, password: string) => Promise<LoginOutcome>

/** One attempt to log in on one stream; ends once. */
export class AccountLogin implements Login {
  #claimed: string | undefined

  constructor(
    private readonly rooms: LoginRooms,
    readonly domain: string,
    /** What counts as one remote place. */
    private readonly place: string,
    readonly binding: ChannelBinding | undefined,
    readonly plusOffered: boolean,
    readonly certified: readonly Jid[],
    private readonly log: () => Log,
  ) {}

  async claim(user: string): Promise<Claim> {
    const jid = this.#jid(user)
    const name = jid.toString()
    if (!this.rooms.guesses.begin(name, this.place)) {
      this.log().problem({ what: 'login_refused', account: name, why: 'too many wrong guesses' })
      throw new SaslError('temporary-auth-failure', 'Too many logins failed; wait a minute')
    }
    this.#claimed = name
    // Whether there is such an account is known to who checks the password.
    if (this.#elsewhere()) return { jid, credentials: this.#fake(jid), genuine: true }
    const account = await this.#find(jid)
    if (account) return { jid: account.jid, credentials: account.credentials, genuine: true }
    return { jid, credentials: this.#fake(jid), genuine: false }
  }

  verify(claim: Claim, password: string): Promise<boolean> {
    const check = this.#elsewhere()
    return check ? this.#verifyBy(check, claim, password) : verifyPassword(claim.credentials, password)
  }

  keysOf({ jid, credentials }: Claim, hash: ScramHash): ScramKeys {
    return keysOf(hash, jid, credentials, this.rooms.fakeSecret)
  }

  digestMd5({ credentials }: Claim): Buffer {
    return credentials.digestMd5 ?? randomBytes(16)
  }

  async password({ jid }: Claim): Promise<string> {
    try {
      return await this.rooms.passwords.orDecoy(jid, 'login')
    } catch (cause) {
      this.log().failure({ what: 'password_lookup_failed', account: jid.toString(), error: cause instanceof Error ? cause.stack : cause })
      throw new SaslError('temporary-auth-failure', 'Accounts cannot be looked up at the moment')
    }
  }

  ended(outcome: Outcome): void {
    if (this.#claimed !== undefined) this.rooms.guesses.ended(this.#claimed, this.place, outcome)
    this.#claimed = undefined
  }

  /** For the log. */
  get claimed(): string | undefined {
    return this.#claimed
  }

  #elsewhere(): CheckPassword | undefined {
    return this.rooms.loginElsewhere?.(this.domain)
  }

  #fake(jid: Jid): Credentials {
    return fakeKeys(jid, this.rooms.fakeSecret, this.rooms.roundsOf(this.domain))
  }

  async #verifyBy(check: CheckPassword, { jid }: Claim, password: string): Promise<boolean> {
    const outcome = await check(jid, password)
    if (outcome === 'away') throw new SaslError('temporary-auth-failure', 'The telephone system does not answer at the moment')
    if (outcome === 'unproven')
      throw new SaslError(
        'temporary-auth-failure',
        'The telephone system asks nobody for a password, so it cannot say whether yours is right',
      )
    return outcome === 'right'
  }

  #jid(user: string): Jid {
    try {
      return Jid.of(user, this.domain)
    } catch (cause) {
      if (cause instanceof JidError) throw new SaslError('malformed-request', cause.message)
      throw cause
    }
  }

  async #find(jid: Jid): Promise<Account | undefined> {
    try {
      return await this.rooms.accounts.find(jid)
    } catch (cause) {
      this.log().failure({ what: 'account_lookup_failed', account: jid.toString(), error: cause instanceof Error ? cause.stack : cause })
      throw new SaslError('temporary-auth-failure', 'Accounts cannot be looked up at the moment')
    }
  }
}
