/** What the ladder draws: one stanza or one SIP message, seen where it left a party of the demonstration or reached it. */

export type Side = 'xmpp' | 'sip'

export interface Crossing {
  /** Between the client and the gateway, or between the gateway and the telephone. */
  readonly side: Side
  /** Into the gateway, or out of it. */
  readonly direction: 'in' | 'out'
  /** In few words: `<message>`, `MESSAGE`, `486 Busy Here`. */
  readonly what: string
  /** What a person says in it. */
  readonly said?: string | undefined
  /** What stands below the arrow. Never a secret. */
  readonly notes: readonly string[]
  readonly tone: 'asks' | 'agrees' | 'refuses'
}

/** Whom the parties tell what they send and receive. */
export interface Witness {
  crossed(crossing: Crossing): void
  /** Something that is neither a stanza nor a SIP message. */
  remarked(side: Side, text: string): void
}
