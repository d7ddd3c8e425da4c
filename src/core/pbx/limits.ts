/** How long and how often things happen between us and a PBX, each with its reason. */
export interface PbxLimits {
  /** What a REGISTER asks for: a PBX that lost its registrations without our noticing reaches nobody until the next one. */
  readonly expiresSeconds: number
  /** The longest Min-Expires of a 423 that is obeyed. */
  readonly expiresMaxSeconds: number
  /** The part of a registration's time after which it is refreshed, so that a lost REGISTER can be said again. */
  readonly refreshAt: number
  /** After a refresh that got no answer: the first wait, doubled each time up to the last one. */
  readonly retryFirstMs: number
  readonly retryMaxMs: number
  /** From one OPTIONS to the next while the PBX answers, and while it does not. */
  readonly probeMs: number
  readonly probeAwayMs: number
  /** Answers in a row, one for each probe, after which an address of the PBX that is preferred is used again: each return costs a registration of everybody. */
  readonly steadyAnswers: number
  /** Preferred addresses asked with each probe. */
  readonly askedMax: number
  /** From one attempt to the next with a stored password that the PBX refuses: slower than what gets an address banned. */
  readonly refusedRetryMs: number
  /** How long a login may take to bind a session before its registration ends. */
  readonly loginGraceMs: number
  /** How long a registration stays when the last session has ended: a telephone that changes networks comes back within. */
  readonly leaveGraceMs: number
  /** Registrations begun a second when a PBX is back: one that has just started is not run over. */
  readonly returnsPerSecond: number
  /** Challenges answered for one request: one of a registrar or proxy, one more with a fresh nonce, one of somebody behind it. */
  readonly challengesMax: number
  /** REGISTERs of one account that may wait for each other. */
  readonly waitingMax: number
  /** How long the end of the gateway waits for registrations to be taken back. */
  readonly goodbyeMs: number
}

export const PBX_DEFAULTS: PbxLimits = {
  expiresSeconds: 300,
  expiresMaxSeconds: 86_400,
  refreshAt: 0.8,
  retryFirstMs: 1_000,
  retryMaxMs: 60_000,
  probeMs: 15_000,
  probeAwayMs: 2_000,
  steadyAnswers: 4,
  askedMax: 3,
  refusedRetryMs: 600_000,
  loginGraceMs: 60_000,
  leaveGraceMs: 10_000,
  returnsPerSecond: 50,
  challengesMax: 3,
  waitingMax: 10,
  goodbyeMs: 2_000,
}
