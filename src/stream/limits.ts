/** Everything a stranger or a client can grow on a stream, with its default and its reason. */

export interface StreamLimits {
  /** Bytes of one first-level element once somebody has logged in. */
  readonly stanzaMaxBytes: number
  /** The same before; a stranger has nothing long to say. RFC 6120 §13.12 asks for at least 10,000. */
  readonly strangerStanzaMaxBytes: number
  /** All bytes of a stranger, TLS aside, until the login has succeeded. */
  readonly strangerMaxBytes: number
  /** Characters that wait for a client that does not read; the presences of a roster of 5,000 fit. */
  readonly sessionPendingMaxBytes: number
  /** From the connection to a bound resource; a person may have to confirm a certificate meanwhile. */
  readonly authenticationSeconds: number
  /** For the TLS handshake alone. */
  readonly handshakeSeconds: number
  /** What a peer has to answer our closing tag (RFC 6120 §4.4). */
  readonly closeSeconds: number
  /** Failures on one stream before it ends; RFC 6120 §6.4.5 wants 2 to 5 retries. */
  readonly authenticationAttempts: number
  /** Failures of resource binding on one stream; RFC 6120 §7.7.3 wants 5 to 10. */
  readonly bindAttempts: number
  /** Streams of one account at a time. */
  readonly sessionsPerAccount: number
  /** Silence after which the kernel asks whether the peer is still there. */
  readonly keepAliveSeconds: number
  /** Refused connections that may wait to read why; those beyond it are simply closed. */
  readonly refusedWaiting: number
}

export const STREAM_LIMITS: StreamLimits = {
  stanzaMaxBytes: 262_144,
  strangerStanzaMaxBytes: 10_000,
  strangerMaxBytes: 65_536,
  sessionPendingMaxBytes: 2_097_152,
  authenticationSeconds: 60,
  handshakeSeconds: 30,
  closeSeconds: 5,
  authenticationAttempts: 5,
  bindAttempts: 10,
  sessionsPerAccount: 50,
  keepAliveSeconds: 120,
  refusedWaiting: 100,
}

/** How often somebody may guess (XEP-0205 §3.5), counted over all streams. */
export interface GuessLimits {
  /** Failed logins to one account in a window; then nobody logs in to it until the window ends. */
  readonly failuresPerAccount: number
  /** Logins to one account that have begun and not ended: many guesses at once are still many. */
  readonly pendingPerAccount: number
  /** Failed logins from one address (IPv6: one /64) in a window. */
  readonly failuresPerAddress: number
  readonly windowSeconds: number
  /** Rows of each table; the oldest goes first. */
  readonly rows: number
}

export const GUESS_LIMITS: GuessLimits = {
  failuresPerAccount: 10,
  pendingPerAccount: 50,
  failuresPerAddress: 100,
  windowSeconds: 60,
  rows: 20_000,
}
