/**
 * One lane per SIP contact for the out-of-dialog MESSAGEs we make: RFC 3428 §8 allows one outstanding at a time. When the head gets no
 * response, everything behind it would only wait as long again, so it ends at once in the same way.
 */
import { PlainAnswer } from './answer.ts'
import type { Answer } from './port.ts'

/** Messages that may wait for one telephone; a hundred is more than anybody reads. */
export const CONTACT_WAITING_MAX = 100

const CONTACT_FULL = new PlainAnswer(500, 'Too many messages are waiting for this telephone', [['Retry-After', '30']])

type Send = () => Promise<Answer>

interface Waiting {
  readonly send: Send
  readonly answer: (answer: Answer) => void
  readonly failed: (cause: unknown) => void
}

export class ContactLanes {
  /** What waits for each telephone that has not answered; undefined as long as nothing does. */
  readonly #lanes = new Map<string, Waiting[] | undefined>()

  /** Sends now, or when what was there before has been answered. */
  run(contact: string, send: Send): Promise<Answer> | Answer {
    if (!this.#lanes.has(contact)) {
      this.#lanes.set(contact, undefined)
      const sent = send()
      this.#follow(contact, sent)
      return sent
    }
    const waiting = this.#lanes.get(contact) ?? []
    if (waiting.length >= CONTACT_WAITING_MAX) return CONTACT_FULL
    this.#lanes.set(contact, waiting)
    return new Promise((answer, failed) => waiting.push({ send, answer, failed }))
  }

  #follow(contact: string, sent: Promise<Answer>): void {
    sent.then(
      (answer) => (answer.failure ? this.#end(contact, answer) : this.#next(contact)),
      // The sender of the head hears of it through its own promise; those behind it get their own try.
      () => this.#next(contact),
    )
  }

  #next(contact: string): void {
    const next = this.#lanes.get(contact)?.shift()
    if (!next) {
      this.#lanes.delete(contact)
      return
    }
    const sent = next.send()
    sent.then(next.answer, next.failed)
    this.#follow(contact, sent)
  }

  #end(contact: string, answer: Answer): void {
    const waiting = this.#lanes.get(contact) ?? []
    this.#lanes.delete(contact)
    for (const { answer: tell } of waiting) tell(answer)
  }
}
