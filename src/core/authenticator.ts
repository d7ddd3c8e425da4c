/** Whether a telephone is who it says (RFC 3261 §22, RFC 8760): the account's own password, as digest. */
import { aorKey, type SipUri } from '../address/sip-uri.ts'
import type { Log } from '../log/log.ts'
import { type Claim, claimFor, type Digest } from '../sip/digest.ts'
import { response, type SipRequest, type SipResponse } from '../sip/message.ts'
import type { KnownHashes } from './known-hashes.ts'

/** Which pair of header fields: a registrar asks with 401, a proxy with 407 (RFC 3261 §22.2, §22.3). */
export type Asking = 'registrar' | 'proxy'

const FIELDS = {
  registrar: { status: 401, reason: 'Unauthorized', challenge: 'WWW-Authenticate', credentials: 'Authorization' },
  proxy: { status: 407, reason: 'Proxy Authentication Required', challenge: 'Proxy-Authenticate', credentials: 'Proxy-Authorization' },
} as const

export class Authenticator {
  constructor(
    /** The digest hashes of an account; undefined where it does not exist or has no telephones. */
    readonly hashes: KnownHashes,
    readonly digest: Digest,
    readonly log: Log,
  ) {}

  /** Undefined where the request is the account's own; else the response it gets instead. The realm is the domain. */
  async check(request: SipRequest, account: SipUri, asking: Asking, host: string): Promise<SipResponse | undefined> {
    const { credentials } = FIELDS[asking]
    const realm = account.host
    const claim = claimFor(realm, request.headers.all(credentials))
    if (!claim) return this.#challenge(realm, asking, false)
    const verdict = this.digest.check(claim, request.method, await this.#hashFor(claim, account))
    if (verdict === 'right') return undefined
    if (verdict === 'wrong') this.log.problem({ what: 'telephone_login_failed', account: account.toString(), host })
    return this.#challenge(realm, asking, verdict === 'stale')
  }

  /** The user name is the account's, alone or with its domain; another's password is no password here. */
  async #hashFor({ username, algorithm }: Claim, account: SipUri): Promise<string | undefined> {
    const domain = `@${account.host}`
    const isFull = username.endsWith(domain)
    const local = isFull ? username.slice(0, -domain.length) : username
    // Asked in any case, so that a name nobody has takes as long as one that exists.
    const hashes = await this.hashes.of(account)
    if (aorKey(local, account.host) !== account.aor) return undefined
    return hashes?.[algorithm][isFull ? 'full' : 'local']
  }

  #challenge(realm: string, asking: Asking, stale: boolean): SipResponse {
    const { status, reason, challenge } = FIELDS[asking]
    const challenges = this.digest.challenge(realm, stale)
    return response(
      status,
      reason,
      challenges.map((value) => [challenge, value]),
    )
  }
}
