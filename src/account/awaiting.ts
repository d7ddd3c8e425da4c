/** What our sessions and components have asked and not been told yet: bounds it, takes late answers, and ends the wait with remote-server-timeout. */
import { errorReply, StanzaError } from '../stanza/error.ts'
import type { Stanza } from '../stanza/stanza.ts'
import { FORGOTTEN_AFTER_MS } from './asking.ts'
import { Deadlines } from './deadlines.ts'
import { iqKey, Outstanding, type Party } from './outstanding.ts'

/** Requests one session may have under way. */
export const PENDING_MAX = 1_000

interface Pending {
  readonly session: Party
  readonly iq: Stanza
  readonly key: string
}

export class Awaiting {
  readonly #outstanding = new Outstanding<Pending>(PENDING_MAX, `More than ${PENDING_MAX} requests are waiting for an answer`)
  readonly #deadlines: Deadlines<Pending>

  constructor(afterMs = FORGOTTEN_AFTER_MS) {
    this.#deadlines = new Deadlines(afterMs, (pending) => {
      this.#outstanding.remove(pending)
      pending.session.deliver(errorReply(pending.iq, NO_ANSWER))
    })
  }

  /** Throws StanzaError where the session has too many under way, or this very one already. */
  begin(session: Party, iq: Stanza): void {
    const pending = { session, iq, key: iqKey(session, iq.to.toString(), iq.from.toString(), iq.id) }
    this.#outstanding.add(pending)
    this.#deadlines.begin(pending)
  }

  /** The answer is there, for this address of a party that has many; false where nothing waits for it (any more), and it must not be shown. */
  end(session: Party, from: string, id: string | undefined, to = ''): boolean {
    const pending = this.#outstanding.find(session, iqKey(session, from, to, id))
    if (!pending) return false
    this.#outstanding.remove(pending)
    return this.#deadlines.end(pending)
  }

  ended(session: Party): void {
    for (const pending of this.#outstanding.takeAll(session)) this.#deadlines.end(pending)
  }

  stop(): void {
    this.#deadlines.stop()
  }
}

const NO_ANSWER = new StanzaError('wait', 'remote-server-timeout', 'No answer came in time')
