/** What our sessions and components have asked and not been told yet: bounds it, takes late answers, and ends the wait with remote-server-timeout. */
import type { Jid } from '../address/jid.ts'
import { errorReply, StanzaError } from '../stanza/error.ts'
import { NS_CLIENT, Stanza } from '../stanza/stanza.ts'
import { type Element, el } from '../xml/element.ts'
import { FORGOTTEN_AFTER_MS } from './asking.ts'
import { Deadlines } from './deadlines.ts'
import { idIn, iqKey, Outstanding, type Party } from './outstanding.ts'

/** Requests one session may have under way. */
export const PENDING_MAX = 1_000

interface Pending {
  readonly session: Party
  readonly key: string
  /** Not the stanza: what it held need not be kept for two minutes. */
  readonly from: Jid
  readonly to: Jid
}

export class Awaiting {
  readonly #outstanding = new Outstanding<Pending>(PENDING_MAX, `More than ${PENDING_MAX} requests are waiting for an answer`)
  readonly #deadlines: Deadlines<Pending>

  constructor(afterMs = FORGOTTEN_AFTER_MS) {
    this.#deadlines = new Deadlines(afterMs, (pending) => {
      this.#outstanding.remove(pending)
      pending.session.deliver(timeout(pending))
    })
  }

  /** Throws StanzaError where the session has too many under way, or this very one already. */
  begin(session: Party, iq: Stanza): void {
    const { from, to } = iq
    const pending = { session, key: iqKey(session, to.toString(), from.toString(), iq.id), from, to }
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

const timeout = ({ session, key, from, to }: Pending): Element =>
  errorReply(new Stanza(el('iq', NS_CLIENT, { id: idIn(session, key) }), from, to), NO_ANSWER)

const NO_ANSWER = new StanzaError('wait', 'remote-server-timeout', 'No answer came in time')
