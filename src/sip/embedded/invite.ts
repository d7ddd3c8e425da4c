/** The server side of an INVITE transaction (RFC 3261 §17.2.1), as far as refusing calls needs it: 100, the final response until its ACK, CANCEL. */
import { print } from '../codec.ts'
import { withEcho } from '../echo.ts'
import { newTag } from '../identifier.ts'
import { response, type SipRequest } from '../message.ts'
import type { ReturnPath } from './return-path.ts'
import type { ServerTransactions } from './server.ts'
import { TRYING_MS, transactionMs } from './timers.ts'
import { Timed } from './wheel.ts'

type State = 'proceeding' | 'completed' | 'confirmed'

export class InviteTransaction extends Timed {
  readonly tag = newTag()
  readonly #owner: ServerTransactions
  #state: State = 'proceeding'
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
  }

  get isAnswered(): boolean {
    return this.#state !== 'proceeding'
  }

  /** The answer is not there at once. */
  wait(): void {
    this.#owner.wheel.start(this, TRYING_MS)
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
    this.#state = 'confirmed'
    // Timer I: ACKs that come again are absorbed.
    if (this.path.way.isReliable) this.#owner.ended(this)
    else this.#owner.wheel.start(this, this.#owner.timers.t4Ms)
  }

  /** The INVITE came again. */
  repeat(): void {
    if (this.#last && this.#state !== 'confirmed') this.#owner.sendOn(this.path, this.#last)
  }

  expire(): void {
    if (this.#state === 'proceeding') this.#sayTrying()
    else if (this.#state === 'confirmed' || performance.now() >= this.#giveUpAt) this.#owner.ended(this)
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
