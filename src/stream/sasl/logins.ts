/** From a user name to an account's credentials: the same road and the same time for names that nobody has (RFC 6120 §6.5.10). */
import { fakeKeys, verifyPassword } from '../../account/credentials.ts'
import { Jid, JidError } from '../../address/jid.ts'
import type { Log } from '../../log/log.ts'
import type { Account, Accounts } from '../../store/port.ts'
import { SaslError } from './error.ts'
import type { Guesses, Outcome } from './guesses.ts'
import type { ChannelBinding, Claim, Login } from './mechanism.ts'

export interface LoginRooms {
  readonly accounts: Accounts
  readonly guesses: Guesses
  /** Makes the keys of names nobody has; the same as long as the gateway runs, and best longer. */
  readonly fakeSecret: Buffer
  /** PBKDF2 rounds of a domain's new accounts, which made-up ones must show too. */
  roundsOf(domain: string): number
}

/** One attempt to log in on one stream; ends once. */
export class AccountLogin implements Login {
  #claimed: string | undefined

  constructor(
    private readonly rooms: LoginRooms,
    private readonly domain: string,
    /** What counts as one remote place. */
    private readonly place: string,
    readonly binding: ChannelBinding | undefined,
    readonly plusOffered: boolean,
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
    const account = await this.#find(jid)
    if (account) return { jid: account.jid, credentials: account.credentials, genuine: true }
    return { jid, credentials: fakeKeys(jid, this.rooms.fakeSecret, this.rooms.roundsOf(this.domain)), genuine: false }
  }

  verify(claim: Claim, password: string): Promise<boolean> {
    return verifyPassword(claim.credentials, password)
  }

  ended(outcome: Outcome): void {
    if (this.#claimed !== undefined) this.rooms.guesses.ended(this.#claimed, this.place, outcome)
    this.#claimed = undefined
  }

  /** For the log. */
  get claimed(): string | undefined {
    return this.#claimed
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
