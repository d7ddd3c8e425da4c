/** One place where a forwarded INVITE rings, or is tried at (RFC 3261 §16.6 step 11, §16.8). */
import { response, type SipRequest, type SipResponse } from '../message.ts'
import type { Branch } from '../port.ts'
import type { Aftermath } from './aftermath.ts'
import type { ClientTransactions } from './client.ts'
import type { InviteClient, InviteUser } from './invite-client.ts'
import { patienceMs } from './timers.ts'
import { Timed } from './wheel.ts'

/** Who counts what all branches say. */
export interface BranchOwner {
  /** What becomes of a 2xx that comes again. */
  readonly aftermath: Aftermath
  heard(branch: CallBranch, said: SipResponse): void
  /** Not a word in all that time, and there is another place to try. */
  silent(branch: CallBranch): void
  failed(branch: CallBranch, failure: 'timeout' | 'transport' | SipResponse): void
}

export class CallBranch extends Timed implements InviteUser {
  readonly #owner: BranchOwner
  readonly #client: ClientTransactions
  readonly #ringingMs: number
  readonly #invite: InviteClient
  #hasRungTooLong = false
  /** Another place is tried instead: what it says late is of no use, but for a 2xx. */
  #isLate = false
  #hasBegun = false
  final: SipResponse | undefined
  /** Its 3xx was followed: there is nothing in it for the caller. */
  isFollowed = false

  constructor(
    owner: BranchOwner,
    client: ClientTransactions,
    ringingMs: number,
    readonly branch: Branch,
    readonly breadth: number,
    request: SipRequest,
  ) {
    super()
    this.#owner = owner
    this.#client = client
    this.#ringingMs = ringingMs
    this.#invite = client.invite(request, branch.hop, this)
  }

  /** Where to go on if this fails; none once that was done. */
  get next(): Branch | undefined {
    const [first, ...others] = this.#isLate ? [] : (this.branch.others ?? [])
    return first && { ...first, others }
  }

  get aftermath(): Aftermath {
    return this.#owner.aftermath
  }

  begin(): void {
    const isImpatient = this.branch.others !== undefined && this.branch.others.length > 0
    this.#client.wheel.start(this, isImpatient ? patienceMs(this.#client.timers) : this.#ringingMs)
    this.#hasBegun = !isImpatient
    this.#client.launchInvite(this.#invite)
  }

  cancel(reasons: readonly string[]): void {
    if (this.final === undefined) this.#invite.cancel(reasons)
  }

  provisional(said: SipResponse): void {
    if (this.final !== undefined || this.#isLate) return
    this.#hasBegun = true
    // §16.7 step 2.
    if (!this.#hasRungTooLong) this.#client.wheel.start(this, this.#ringingMs)
    this.#owner.heard(this, said)
  }

  answered(said: SipResponse): void {
    // RFC 5626 §7: a device that has answered has answered for all its flows.
    const isNobody = said.status === 430 || (said.status === 503 && this.branch.aor === undefined)
    if (isNobody && this.final === undefined) this.#owner.failed(this, said)
    this.#conclude(said)
  }

  failed(why: 'timeout' | 'transport'): void {
    if (this.final !== undefined) return
    this.#owner.failed(this, why)
    this.#conclude(response(why === 'timeout' ? 408 : 503))
  }

  expire(): void {
    if (!this.#hasBegun) {
      this.#hasBegun = true
      if (this.#invite.isHeard) {
        this.#client.wheel.start(this, this.#ringingMs)
        return
      }
      this.#owner.silent(this)
      this.#isLate = true
      // As soon as it says anything; until then its transaction goes on by itself.
      this.#invite.cancel([])
      return
    }
    // Timer C (§16.8).
    this.#hasRungTooLong = true
    this.#invite.cancel([])
  }

  #conclude(said: SipResponse): void {
    if (this.final !== undefined) return
    this.#client.wheel.stop(this)
    this.final = (this.#hasRungTooLong || this.#isLate) && said.status === 487 ? response(408) : said
    this.#owner.heard(this, this.final)
  }
}
