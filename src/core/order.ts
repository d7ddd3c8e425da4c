/**
 * Order is order of hand-over: one lane per directed pair of bare addresses, held only while a target still takes a signal. As long as every
 * target takes its signals at once no lane exists, and a signal costs nothing here.
 */
import { PlainAnswer } from './answer.ts'
import type { Answer, Delivery, MaybePromise, Signal } from './port.ts'
import { NotYetTaken } from './port.ts'

/** Signals that may wait behind one that is being taken; a pair that sends faster than a store writes is told so. */
export const LANE_WAITING_MAX = 1_000

const LANE_FULL = new PlainAnswer(500, 'Too many messages are waiting for this address', [['Retry-After', '5']])

type Deliver = (signal: Signal) => Delivery

interface Waiting {
  readonly signal: Signal
  readonly deliver: Deliver
  readonly answer: (answer: MaybePromise<Answer>) => void
}

export class Lanes {
  /** What waits behind the signal that holds the lane; no entry, no lane. */
  readonly #held = new Map<string, Waiting[]>()

  run(signal: Signal, deliver: Deliver): MaybePromise<Answer> {
    if (this.#held.size > 0) {
      const waiting = this.#held.get(laneOf(signal))
      if (waiting) {
        if (waiting.length >= LANE_WAITING_MAX) return LANE_FULL
        return new Promise((answer) => waiting.push({ signal, deliver, answer }))
      }
    }
    const delivery = deliver(signal)
    return delivery instanceof NotYetTaken ? this.#hold(laneOf(signal), delivery) : delivery
  }

  #hold(lane: string, delivery: NotYetTaken): Promise<Answer> {
    if (!this.#held.has(lane)) this.#held.set(lane, [])
    return delivery.taken.finally(() => this.#release(lane)).then(({ answer }) => answer)
  }

  #release(lane: string): void {
    const waiting = this.#held.get(lane)
    for (let next = waiting?.shift(); next; next = waiting?.shift()) {
      const delivery = next.deliver(next.signal)
      if (delivery instanceof NotYetTaken) return next.answer(this.#hold(lane, delivery))
      next.answer(delivery)
    }
    this.#held.delete(lane)
  }
}

const laneOf = (signal: Signal): string => `${signal.from.aor}\n${signal.to.aor}`
