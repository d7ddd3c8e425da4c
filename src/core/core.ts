/** The core: every stanza and every request comes through `submit`, in order, to the target the router names. */
import type { Log } from '../log/log.ts'
import { PlainAnswer } from './answer.ts'
import { Lanes } from './order.ts'
import type { Answer, Core, Delivery, MaybePromise, Signal } from './port.ts'
import { NotYetTaken, RefusedError } from './port.ts'
import type { Router } from './router.ts'

const TOO_MANY_HOPS = new PlainAnswer(483, 'Too Many Hops')
const OUR_FAULT = new PlainAnswer(500, 'Server Internal Error')

export class RealTimeCore implements Core {
  readonly #lanes = new Lanes()

  constructor(
    readonly router: Router,
    readonly log: Log,
  ) {}

  submit(signal: Signal): MaybePromise<Answer> {
    if (signal.maxForwards <= 0) return TOO_MANY_HOPS
    const answer = this.#lanes.run(signal, this.#deliver)
    return answer instanceof Promise ? answer.catch(this.#refused) : answer
  }

  readonly #deliver = (signal: Signal): Delivery => {
    try {
      const delivery = this.router.targetFor(signal).deliver(signal)
      if (delivery instanceof NotYetTaken)
        return new NotYetTaken(delivery.taken.catch((cause: unknown) => ({ answer: this.#refused(cause) })))
      return delivery
    } catch (cause) {
      return this.#refused(cause)
    }
  }

  /** A refusal is news for the sender; anything else is our own fault, told once with its stack. */
  readonly #refused = (cause: unknown): Answer => {
    if (cause instanceof RefusedError) return new PlainAnswer(cause.status, cause.reason, cause.headers)
    this.log.failure({ what: 'delivery_failed', error: cause instanceof Error ? cause.stack : cause })
    return OUR_FAULT
  }
}
