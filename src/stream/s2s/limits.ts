/** What streams between servers may cost, and how long things may take on them: the one list, each default with its reason. */

export interface ServerLimits {
  /** Stanzas that wait for one stream to open; a busy room's burst fits. */
  readonly waitingMax: number
  /** The same over all pairs. */
  readonly waitingMaxTotal: number
  /** A stanza that has waited so long comes back: a server that restarts is there again by then. */
  readonly waitingSeconds: number
  /** The sender has an answer by then (202), whatever becomes of it: longer than this no SIP transaction can be held open. */
  readonly answerSeconds: number
  /** Pairs of domains at a time, those that lead nowhere included. */
  readonly queuesMax: number
  /** A pair nothing was said on is forgotten; late answers to its questions have come by then (account/asking.ts). */
  readonly forgetSeconds: number
  /** For one TCP connection, or one address of several. */
  readonly connectSeconds: number
  /** For the TLS handshake, after which whoever prefers TLS goes on without it: the model's figure. */
  readonly handshakeSeconds: number
  /** From the connection to a stream that carries stanzas; the other side has to connect to us meanwhile. */
  readonly negotiationSeconds: number
  /** From the first address to the last. */
  readonly attemptSeconds: number
  /** Between attempts: doubled each time, from the first to the second. */
  readonly backoffMinMs: number
  readonly backoffMaxMs: number
  /** What was definitely refused is not tried again sooner. */
  readonly refusedSeconds: number
  /** That a host does not manage TLS with a domain is remembered. */
  readonly withoutTlsSeconds: number
  /** Of those memories; the oldest goes first. */
  readonly withoutTlsMax: number
  /** Characters handed to a socket and not taken by it; what is more waits in the queue. */
  readonly unsentMax: number
  /** Written stanzas that come back when a stream breaks: their number, and how long ago the write may be. */
  readonly unsureMax: number
  readonly unsureSeconds: number
  /** Places of one domain that are tried. */
  readonly placesMax: number
  /** Keys an incoming stream may have us check at a time, and one remote address over all its streams: each opens a connection. */
  readonly verifyingPerStream: number
  readonly verifyingPerAddress: number
  /** Pairs one incoming stream may speak for. */
  readonly pairsPerStream: number
}

export const SERVER_LIMITS: ServerLimits = {
  waitingMax: 1_000,
  waitingMaxTotal: 100_000,
  waitingSeconds: 120,
  answerSeconds: 20,
  queuesMax: 20_000,
  forgetSeconds: 180,
  connectSeconds: 10,
  handshakeSeconds: 10,
  negotiationSeconds: 30,
  attemptSeconds: 60,
  backoffMinMs: 1_000,
  backoffMaxMs: 60_000,
  refusedSeconds: 30,
  withoutTlsSeconds: 3_600,
  withoutTlsMax: 10_000,
  unsentMax: 1_048_576,
  unsureMax: 1_000,
  unsureSeconds: 60,
  placesMax: 8,
  verifyingPerStream: 16,
  verifyingPerAddress: 64,
  pairsPerStream: 200,
}
