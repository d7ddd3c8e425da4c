/** The server side of an INVITE transaction (RFC 3261 §17.2.1, RFC 6026 §7.1): 100, what a forwarded call says, the final response until its ACK. */
import { print } from '../codec.ts'
import { withEcho } from '../echo.ts'
import { newTag } from '../identifier.ts'
import { response, type SipRequest, type SipResponse } from '../message.ts'
import { Accepted, CONFIRMED } from './aftermath.ts'
import type { Caller, ProxyCall } from './proxy-call.ts'
import type { ReturnPath } from './return-path.ts'
import type { ServerTransactions } from './server.ts'
import { TRYING_MS, transactionMs } from './timers.ts'
import { Timed } from './wheel.ts'

type State = 'proceeding' | 'accepted' | 'completed'

export class InviteTransaction extends Timed implements Caller {
  readonly tag = newTag()
  /** For both sides, once it was answered. */
  readonly aftermath: Accepted
  readonly #owner: ServerTransactions
  #state: State = 'proceeding'
  /** Where it rings, once it was forwarded. */
  call: ProxyCall | undefined
  /** The last response, provisional or final. */
  #last: Buffer | undefined
  /** Timer G. */
  #interval = 0
  /** Timer H, as a time. */
  #giveUpAt = 0

  constructor(
    owner: ServerTransactions,
    readonly key: string,
    readonly request: SipRequest,
    readonly path: ReturnPath,
  ) {
    super()
    this.#owner = owner
    this.aftermath = new Accepted(owner, path)
  }

  get isAnswered(): boolean {
    return this.#state !== 'proceeding'
  }

  /** The answer is not there at once. */
  wait(): void {
    this.#owner.wheel.start(this, TRYING_MS)
  }

  /** What the telephones of a forwarded call say: each provisional response, each 2xx, and one other final response. */
  pass(said: SipResponse): void {
    if (said.status >= 300) {
      if (this.#state === 'proceeding') this.answer(this.#owner.printFor(this, said))
      return
    }
    if (this.#state !== 'proceeding' && (said.status < 200 || this.#state !== 'accepted')) return
    const bytes = this.#owner.printFor(this, said)
    if (said.status < 200) {
      this.#last = bytes
      this.#owner.wheel.stop(this)
    } else if (this.#state === 'proceeding') {
      this.#state = 'accepted'
      this.#last = undefined
      // Timer L; each 2xx comes again from who gave it, and its ACK is a matter of both ends (RFC 6026 §8.5).
      this.#owner.ended(this, this.aftermath)
    }
    this.#owner.sendOn(this.path, bytes)
  }

  /** A final response that is no 2xx. */
  answer(bytes: Buffer): void {
    const { timers } = this.#owner
    this.#state = 'completed'
    this.#last = bytes
    this.#interval = timers.t1Ms
    this.#giveUpAt = performance.now() + transactionMs(timers)
    this.#owner.sendOn(this.path, bytes)
    this.#owner.wheel.start(this, this.path.way.isReliable ? transactionMs(timers) : timers.t1Ms)
  }

  acknowledge(): void {
    if (this.#state !== 'completed') return
    // Timer I: ACKs that come again are absorbed.
    if (this.path.way.isReliable) this.#owner.ended(this)
    else this.#owner.ended(this, CONFIRMED)
  }

  /** The INVITE came again. */
  repeat(): void {
    if (this.#last) this.#owner.sendOn(this.path, this.#last)
  }

  expire(): void {
    if (this.#state === 'proceeding') this.#sayTrying()
    else if (performance.now() >= this.#giveUpAt) this.#owner.ended(this)
    else this.#sendAgain()
  }

  #sayTrying(): void {
    const timestamp = this.request.headers.get('timestamp')
    const trying = response(100, undefined, timestamp === undefined ? [] : [['Timestamp', timestamp]])
    this.#last = print(withEcho(this.request, trying, this.tag))
    this.#owner.sendOn(this.path, this.#last)
  }

  #sendAgain(): void {
    if (this.#last) this.#owner.sendOn(this.path, this.#last)
    this.#interval = Math.min(this.#interval * 2, this.#owner.timers.t2Ms)
    this.#owner.wheel.start(this, Math.min(this.#interval, this.#giveUpAt - performance.now()))
  }
}
