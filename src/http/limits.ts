/** Everything a stranger can grow at the web server, with its default and its reason. */

export interface HttpLimits {
  /** Of the head of a request: cookies of the page are in it. */
  readonly headMaxBytes: number
  /** From the first byte of a request, or from the connection, to the end of its head. */
  readonly headSeconds: number
  /** To the end of its body; a telephone on a bad line may send 256 KiB. */
  readonly requestSeconds: number
  /** How often late requests are looked for. */
  readonly lateCheckSeconds: number
  /** Between two requests on one connection; the longest that a browser keeps one that it does not use is about that. */
  readonly keepAliveSeconds: number
  /** Without a byte in either direction: longer than the longest answer of BOSH takes. */
  readonly silenceSeconds: number
  /** Between two pings on a WebSocket: below the minute after which nginx ends what is silent. */
  readonly pingSeconds: number
  /** Of unanswered pings of a peer that waits for no answer. */
  readonly pongsMaxBytes: number
  /** Of the body of a request: two stanzas of the largest size. */
  readonly bodyMaxBytes: number
}

export const HTTP_LIMITS: HttpLimits = {
  headMaxBytes: 16_384,
  headSeconds: 20,
  requestSeconds: 60,
  lateCheckSeconds: 5,
  keepAliveSeconds: 60,
  silenceSeconds: 150,
  pingSeconds: 45,
  pongsMaxBytes: 65_536,
  bodyMaxBytes: 524_288,
}
