/** What our sessions have asked and not been told yet: bounds it, takes late answers, and ends the wait with remote-server-timeout. */
import { errorReply, StanzaError } from '../stanza/error.ts'
import type { Stanza } from '../stanza/stanza.ts'
import { FORGOTTEN_AFTER_MS } from './asking.ts'
import { Deadlines } from './deadlines.ts'
import type { Session } from './sessions.ts'

/** Requests one session may have under way. */
export const PENDING_MAX = 1_000

interface Pending {
  readonly session: Session
  readonly iq: Stanza
}

export class Awaiting {
  readonly #bySession = new Map<Session, Map<string, Pending>>()
  readonly #deadlines: Deadlines<Pending>

  constructor(afterMs = FORGOTTEN_AFTER_MS) {
    this.#deadlines = new Deadlines(afterMs, (pending) => {
      this.#remove(pending)
      pending.session.deliver(errorReply(pending.iq, NO_ANSWER))
    })
  }

  /** Throws StanzaError where the session has too many under way, or this very one already. */
  begin(session: Session, iq: Stanza): void {
    let pending = this.#bySession.get(session)
    if (!pending) this.#bySession.set(session, (pending = new Map()))
    if (pending.size >= PENDING_MAX)
      throw new StanzaError('wait', 'resource-constraint', `More than ${PENDING_MAX} requests are waiting for an answer`)
    const key = keyOf(iq.to.toString(), iq.id)
    if (pending.has(key))
      throw new StanzaError('modify', 'bad-request', 'A request with this id to this address is still waiting for its answer')
    const begun = { session, iq }
    pending.set(key, begun)
    this.#deadlines.begin(begun)
  }

  /** The answer is there; false where nothing waits for it (any more), and it must not be shown. */
  end(session: Session, from: string, id: string | undefined): boolean {
    const pending = this.#bySession.get(session)?.get(keyOf(from, id))
    if (!pending) return false
    this.#remove(pending)
    return this.#deadlines.end(pending)
  }

  ended(session: Session): void {
    const pending = this.#bySession.get(session)
    this.#bySession.delete(session)
    if (pending) for (const one of pending.values()) this.#deadlines.end(one)
  }

  stop(): void {
    this.#deadlines.stop()
  }

  #remove({ session, iq }: Pending): void {
    const pending = this.#bySession.get(session)
    pending?.delete(keyOf(iq.to.toString(), iq.id))
    if (pending?.size === 0) this.#bySession.delete(session)
  }
}

const NO_ANSWER = new StanzaError('wait', 'remote-server-timeout', 'No answer came in time')

const keyOf = (asked: string, id: string | undefined): string => `${asked}\n${id ?? ''}`
