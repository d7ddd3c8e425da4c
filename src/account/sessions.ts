/** The XMPP sessions of our accounts: the one registry of who is connected. */
import type { Jid } from '../address/jid.ts'
import type { SipUri } from '../address/sip-uri.ts'
import type { Element } from '../xml/element.ts'

/** One bound client stream, as the account sees it. stream/ implements it, whatever carries the stream. */
export interface Session {
  /** The full address. */
  readonly jid: Jid
  /** The same in SIP's terms, `gr` = the resource. */
  readonly uri: SipUri
  /** From the last undirected presence; undefined while the session is not available (RFC 6121 §4.2). */
  readonly priority: number | undefined
  /** Hands one stanza (in jabber:client) to the stream: serialised now, written before this turn of the event loop ends. Throws nothing; what a dying stream cannot write is lost with it. */
  deliver(xml: Element): void
  /** Resolves when the kernel has taken all that was delivered so far; rejects where the stream ended first. */
  written(): Promise<void>
  /** Ends the stream with a stream error (RFC 6120 §4.9). */
  end(condition: string, text?: string): void
}
