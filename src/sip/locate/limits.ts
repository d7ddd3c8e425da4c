/** What names, and who owns them, could make grow; and how long what was learned is believed. */
export interface LocateLimits {
  /** Answers of DNS kept; beyond it the oldest go. A gateway knows as many names as it has routes and partners. */
  readonly keptMax: number
  /** However short its TTL, an answer serves a burst of messages. */
  readonly keptMinSeconds: number
  /** However long its TTL, a PBX that has moved is found again. */
  readonly keptMaxSeconds: number
  /** Where no TTL is told, and for "there is none". */
  readonly keptUntoldSeconds: number
  /** Where nobody could say: DNS may be back in a moment. */
  readonly keptFailureSeconds: number
  /** Records of one answer looked at: who has more has them for somebody else. */
  readonly recordsMax: number
  /** Hops of one name. */
  readonly hopsMax: number
  /** Hops one request is tried at; a telephone system has two or three. */
  readonly triedMax: number
  /** No further hop is tried after this: whoever sent the request has given up. Two Timers F. */
  readonly tryForMs: number
  /** A hop that did not answer stands behind the others for so long, and then gets its place back. */
  readonly silentSeconds: number
  /** The longest Retry-After of a 503 that is believed: a mistyped one must not cut a PBX off for a day. */
  readonly busyMaxSeconds: number
  /** Hops known to be silent or busy; beyond it the oldest are believed to be well again. */
  readonly ailingMax: number
}

export const LOCATE_DEFAULTS: LocateLimits = {
  keptMax: 2_000,
  keptMinSeconds: 5,
  keptMaxSeconds: 300,
  keptUntoldSeconds: 30,
  keptFailureSeconds: 5,
  recordsMax: 16,
  hopsMax: 24,
  triedMax: 4,
  tryForMs: 64_000,
  silentSeconds: 60,
  busyMaxSeconds: 300,
  ailingMax: 1_000,
}
