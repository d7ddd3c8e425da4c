/** Directed presence (RFC 6121 §4.6): whom a session has told that it is there, until it has told them that it is not. */
import type { Jid } from '../address/jid.ts'
import { StanzaError } from '../stanza/error.ts'
import { ROSTER_LIMITS } from './roster-limits.ts'
import type { Session } from './sessions.ts'

const NOBODY: readonly Jid[] = []

export class Directed {
  readonly #bySession = new Map<Session, Map<string, Jid>>()

  constructor(readonly max: number = ROSTER_LIMITS.directed) {}

  /** Throws StanzaError where the session has told too many. */
  add(session: Session, to: Jid): void {
    let told = this.#bySession.get(session)
    if (!told) {
      told = new Map()
      this.#bySession.set(session, told)
    }
    const key = to.toString()
    if (told.size >= this.max && !told.has(key))
      throw new StanzaError('wait', 'resource-constraint', `You have sent your presence to ${this.max} addresses already`)
    told.set(key, to)
  }

  remove(session: Session, to: Jid): void {
    const told = this.#bySession.get(session)
    if (told?.delete(to.toString()) && told.size === 0) this.#bySession.delete(session)
  }

  /** Whether this address, as it is written, was told. */
  has(session: Session, to: Jid): boolean {
    return this.#bySession.get(session)?.has(to.toString()) === true
  }

  /** Everybody who was told; nobody is any more. */
  takeAll(session: Session): readonly Jid[] {
    const told = this.#bySession.get(session)
    this.#bySession.delete(session)
    return told ? [...told.values()] : NOBODY
  }
}
