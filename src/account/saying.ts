/** Presence that is said in somebody's name, while nobody waits for what becomes of it. */
import { type Answer, type MaybePromise, RefusedError } from '../core/port.ts'
import type { Log } from '../log/log.ts'
import { StanzaError } from '../stanza/error.ts'
import type { Stanza } from '../stanza/stanza.ts'

export class Saying {
  constructor(
    readonly submit: (stanza: Stanza) => MaybePromise<Answer>,
    readonly log: Log,
  ) {}

  say(stanza: Stanza): void {
    const answer = this.submit(stanza)
    if (answer instanceof Promise) this.later(answer)
  }

  /** A refusal is a fact; anything else is our own fault. */
  later(work: Promise<unknown>): void {
    work.catch((cause: unknown) => {
      if (cause instanceof RefusedError || cause instanceof StanzaError)
        return this.log.lowLevel({ what: 'presence_refused', why: cause.message })
      this.log.failure({ what: 'presence_failed', error: cause instanceof Error ? cause.stack : cause })
    })
  }
}
