/** The XMPP sessions of our accounts: the one registry of who is connected. */
import type { Jid } from '../address/jid.ts'
import type { SipUri } from '../address/sip-uri.ts'
import { uriFor } from '../mapping/address.ts'
import type { Element } from '../xml/element.ts'

/** One bound client stream, as the account sees it. stream/ implements it, whatever carries the stream. */
export interface Session {
  /** The full address. */
  readonly jid: Jid
  /** The same in SIP's terms, `gr` = the resource. */
  readonly uri: SipUri
  /** From the last undirected presence; undefined while the session is not available (RFC 6121 §4.2). */
  readonly priority: number | undefined
  /** That presence itself, whole but without addresses; undefined while the session is not available. */
  readonly presence: Element | undefined
  /** It has asked for the roster, and is told what changes in it (RFC 6121 §2.2). */
  isInterested: boolean
  /** Hands one stanza (in jabber:client) to the stream: serialised now, written before this turn of the event loop ends. Throws nothing; what a dying stream cannot write is lost with it. */
  deliver(xml: Element): void
  /** Resolves when the kernel has taken all that was delivered so far; rejects where the stream ended first. */
  written(): Promise<void>
  /** Ends the stream with a stream error (RFC 6120 §4.9). */
  end(condition: string, text?: string): void
}

const NONE: readonly Session[] = []

export class Sessions {
  readonly #byAccount = new Map<string, Session[]>()
  #count = 0

  /** `emptied`: an account's last session has ended; `arrived`: its first one is there. */
  constructor(
    readonly emptied: (account: SipUri) => void = () => {},
    readonly arrived: (account: SipUri) => void = () => {},
  ) {}

  get size(): number {
    return this.#count
  }

  add(session: Session): void {
    const { aor } = session.uri
    const sessions = this.#byAccount.get(aor)
    this.#count++
    if (sessions) {
      sessions.push(session)
      return
    }
    this.#byAccount.set(aor, [session])
    this.arrived(session.uri)
  }

  remove(session: Session): void {
    const { aor } = session.uri
    const sessions = this.#byAccount.get(aor)
    const at = sessions?.indexOf(session) ?? -1
    if (!sessions || at < 0) return
    this.#count--
    if (sessions.length > 1) {
      sessions.splice(at, 1)
      return
    }
    this.#byAccount.delete(aor)
    this.emptied(session.uri)
  }

  /** All sessions of an account, available or not, in the order in which they were bound. */
  sessionsOf(aor: string): readonly Session[] {
    return this.#byAccount.get(aor) ?? NONE
  }

  find(jid: Jid): Session | undefined {
    return this.sessionsOf(uriFor(jid).aor).find((session) => session.jid.resource === jid.resource)
  }
}
