/** One INVITE that rings in several places: what they say becomes what the caller hears (RFC 3261 §16.7, §16.8, §16.10). */
import { response, type SipRequest, type SipResponse } from '../message.ts'
import type { NextHop } from '../port.ts'
import type { ClientTransactions } from './client.ts'
import type { InviteClient, InviteUser } from './invite-client.ts'
import { bestOf } from './proxy-best.ts'
import { Timed } from './wheel.ts'

/** The caller's side. */
export interface Caller {
  /** 101 to 199, any 2xx, and one of the others. */
  pass(response: SipResponse): void
}

/** RFC 3326: telephones that rang in vain need not tell of a missed call. */
const ELSEWHERE = ['SIP;cause=200;text="Call completed elsewhere"']

export class ProxyCall {
  readonly #caller: Caller
  readonly #branches: CallBranch[]
  readonly #ended: (call: ProxyCall) => void
  #hasBegun = false
  #isAnswered = false
  #isOver = false
  /** What to say instead of what the branches say, since it was the caller or we who ended it. */
  #instead: number | undefined

  constructor(
    caller: Caller,
    copies: readonly { readonly request: SipRequest; readonly hop: NextHop }[],
    client: ClientTransactions,
    ringingMs: number,
    ended: (call: ProxyCall) => void,
  ) {
    this.#caller = caller
    this.#ended = ended
    this.#branches = copies.map(({ request, hop }) => new CallBranch(this, client, ringingMs, request, hop))
  }

  begin(): void {
    for (const branch of this.#branches) branch.begin()
    this.#hasBegun = true
    this.settle()
  }

  /** The caller hung up before anybody answered. */
  cancel(reasons: readonly string[]): void {
    this.#instead ??= 487
    this.#cancelOthers(undefined, reasons)
    this.settle()
  }

  /** We cannot go on. */
  giveUp(status: number): void {
    if (this.#isOver || this.#isAnswered) return
    this.#cancelOthers(undefined, [])
    this.#isOver = true
    this.#caller.pass(response(status))
    this.#ended(this)
  }

  heard(branch: CallBranch, said: SipResponse): void {
    const { status } = said
    if (status < 200) {
      if (!this.#isAnswered && !this.#isOver) this.#caller.pass(said)
    } else if (status < 300) {
      this.#isAnswered = true
      this.#caller.pass(said)
      this.#cancelOthers(branch, ELSEWHERE)
      this.settle()
    } else {
      if (status >= 600) this.#cancelOthers(branch, [])
      this.settle()
    }
  }

  /** Once nobody can answer any more, the caller hears the best of what was said. */
  settle(): void {
    if (!this.#hasBegun || this.#isOver || this.#branches.some((branch) => branch.final === undefined)) return
    this.#isOver = true
    if (!this.#isAnswered) {
      const best = bestOf(this.#branches.flatMap(({ final }) => (final ? [final] : [])))
      // §16.10: who hung up is told so, unless somebody had said more than that he stopped ringing.
      const isEmpty = best.status === 487 || best.status === 408 || best.status === 480
      this.#caller.pass(this.#instead !== undefined && isEmpty ? response(this.#instead) : best)
    }
    this.#ended(this)
  }

  #cancelOthers(but: CallBranch | undefined, reasons: readonly string[]): void {
    for (const branch of this.#branches) if (branch !== but) branch.cancel(reasons)
  }
}

class CallBranch extends Timed implements InviteUser {
  readonly #call: ProxyCall
  readonly #client: ClientTransactions
  readonly #ringingMs: number
  readonly #invite: InviteClient
  #hasRungTooLong = false
  final: SipResponse | undefined

  constructor(call: ProxyCall, client: ClientTransactions, ringingMs: number, request: SipRequest, hop: NextHop) {
    super()
    this.#call = call
    this.#client = client
    this.#ringingMs = ringingMs
    this.#invite = client.invite(request, hop, this)
  }

  begin(): void {
    this.#client.wheel.start(this, this.#ringingMs)
    this.#client.launchInvite(this.#invite)
  }

  cancel(reasons: readonly string[]): void {
    if (this.final === undefined) this.#invite.cancel(reasons)
  }

  provisional(said: SipResponse): void {
    if (this.final !== undefined) return
    // §16.7 step 2.
    if (!this.#hasRungTooLong) this.#client.wheel.start(this, this.#ringingMs)
    this.#call.heard(this, said)
  }

  answered(said: SipResponse): void {
    this.#conclude(said)
  }

  failed(why: 'timeout' | 'transport'): void {
    this.#conclude(response(why === 'timeout' ? 408 : 503))
  }

  /** Timer C (§16.8). */
  expire(): void {
    this.#hasRungTooLong = true
    this.#invite.cancel([])
  }

  #conclude(said: SipResponse): void {
    if (this.final !== undefined) {
      // A 2xx again, which its sender repeats until the ACK reaches it.
      if (said.status < 300) this.#call.heard(this, said)
      return
    }
    this.#client.wheel.stop(this)
    this.final = this.#hasRungTooLong && said.status === 487 ? response(408) : said
    this.#call.heard(this, this.final)
  }
}
