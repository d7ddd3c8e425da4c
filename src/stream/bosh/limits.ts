/** What a client over BOSH may ask for and make us keep (XEP-0124 §7), each with its reason. */

export interface BoshLimits {
  /** The longest that a request is answered late; proxies give up after 60. */
  readonly waitMaxSeconds: number
  /** Requests that are kept unanswered. Browsers have few connections to a server, and stanza 12 asks for two and has no third to speak with. */
  readonly holdMax: number
  /** Without a request before the session is over: a page that is loaded anew, a train in a tunnel. */
  readonly inactivitySeconds: number
  /** The longest pause a client may announce (§10). */
  readonly pauseMaxSeconds: number
  /** Between two empty requests of a client that does not wait for answers. */
  readonly pollingSeconds: number
  /** Bytes of one request once somebody has logged in: a stanza of the largest size, and what stands around it. */
  readonly bodyMaxBytes: number
  /** Bytes of all requests that are being read: who is behind one is known only when it is whole. */
  readonly readingMaxBytes: number
}

export const BOSH_LIMITS: BoshLimits = {
  waitMaxSeconds: 60,
  holdMax: 1,
  inactivitySeconds: 60,
  pauseMaxSeconds: 120,
  pollingSeconds: 2,
  bodyMaxBytes: 266_240,
  readingMaxBytes: 67_108_864,
}
