/** How long stanzas may wait for a stream, over all queues: counted, answered in time, and returned when they have waited long enough. */
import { Deadlines } from '../../account/deadlines.ts'
import { ACCEPTED } from '../../core/answer.ts'
import type { ServerLimits } from './limits.ts'
import type { Item } from './queue.ts'

export class Waits {
  readonly #answers: Deadlines<Item>
  readonly #ages: Deadlines<Item>

  constructor(readonly limits: ServerLimits) {
    // Whoever sent it cannot wait longer; what becomes of it is told to him later.
    this.#answers = new Deadlines(limits.answerSeconds * 1_000, (item) => {
      item.answer?.(ACCEPTED)
      item.answer = undefined
    })
    this.#ages = new Deadlines(limits.waitingSeconds * 1_000, (item) => item.queue.expired(item))
  }

  get isFull(): boolean {
    return this.#ages.size >= this.limits.waitingMaxTotal
  }

  begin(item: Item): void {
    if (item.answer) this.#answers.begin(item)
    this.#ages.begin(item)
  }

  end(item: Item): void {
    this.#answers.end(item)
    this.#ages.end(item)
  }

  stop(): void {
    this.#answers.stop()
    this.#ages.stop()
  }
}
