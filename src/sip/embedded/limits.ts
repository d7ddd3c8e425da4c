/** Everything a stranger could make grow, with its bound and the reason. */
export interface Limits {
  /** Bytes of a header over a stream. P-headers of 8,000 bytes and a long path of Vias fit several times. */
  readonly headMaxBytes: number
  /** Bytes of a body over a stream; above it 513 and the end of the connection. A 256 KiB payload in base64 fits twice. */
  readonly bodyMaxBytes: number
  /** Bytes of unfinished messages over all streams; above it the connection that wants more is closed. */
  readonly unfinishedMaxBytes: number
  /** Connections in both directions together. Each costs about 10 KB. */
  readonly connectionsMax: number
  /** Connections from one address: an office behind one NAT fits, and one address cannot take them all. */
  readonly connectionsPerAddressMax: number
  /** Bytes waiting in one connection for a peer that does not read. Beyond it the connection is closed. */
  readonly unsentMaxBytes: number
  /** A connection must bring its first message within this, or is closed. */
  readonly firstMessageMs: number
  /** From the first byte of a message to its last (RFC 4475 §3.1.2.2: "a reasonable time"); as long as a transaction may take. */
  readonly messageMs: number
  /** A connection without any traffic. Longer than the usual registration hour, as a telephone is reached through it. */
  readonly idleMs: number
  /** A connection that one side has closed: long enough for the answer to what was asked last. */
  readonly lingerMs: number
  /** A TLS handshake of somebody else. */
  readonly handshakeMs: number
  /** Between two pings of a WebSocket: address translators forget a quiet connection after a minute or two. Who has not answered one at the next is gone. */
  readonly webSocketPingMs: number
  /** Until a connection of ours is there. Short, as UDP may still be tried behind it. */
  readonly connectMs: number
  /** Requests being served at the same time; above it 503 with Retry-After. Each holds its whole request. */
  readonly servedAtOnceMax: number
  /** INVITEs that ring, or whose refusal waits for its ACK; above it 503. Each holds its whole request. */
  readonly invitesMax: number
  /** Calls answered or refused within the last 64·T1, on either side: 0.6 KB each; above it the oldest are forgotten. 1,500 calls a second fit. */
  readonly answeredMax: number
  /** Requests of ours that wait for their final response; above it `send` is refused. */
  readonly sentAtOnceMax: number
  /** Bytes of responses kept for requests that come again (Timer J); above it the oldest go first. 32 s of 3,000 requests a second fit. */
  readonly retainedMaxBytes: number
  /** Timer C: a telephone that rings longer than this after its last word is cancelled. RFC 3261 §16.6 step 11 wants more than three minutes. */
  readonly ringingMs: number
  /** Places one call is tried at that were learned from 3xx: who sends callers round in circles is not followed for ever. */
  readonly redirectionsMax: number
  /** Calls somebody watches, from their first ring to their end; what is above it is not told of. Each costs about 2 KB. */
  readonly watchedMax: number
  /** How long a watched call without a session timer (RFC 4028) goes unasked whether it still is one. */
  readonly probeMs: number
  /** Addresses remembered for having no TCP. */
  readonly withoutTcpMax: number
}

export const defaultLimits: Limits = {
  headMaxBytes: 65_536,
  bodyMaxBytes: 1_048_576,
  unfinishedMaxBytes: 67_108_864,
  connectionsMax: 10_000,
  connectionsPerAddressMax: 1_000,
  unsentMaxBytes: 4_194_304,
  firstMessageMs: 30_000,
  messageMs: 32_000,
  idleMs: 3_900_000,
  lingerMs: 5_000,
  handshakeMs: 10_000,
  webSocketPingMs: 30_000,
  connectMs: 5_000,
  servedAtOnceMax: 10_000,
  invitesMax: 2_000,
  answeredMax: 50_000,
  sentAtOnceMax: 50_000,
  retainedMaxBytes: 67_108_864,
  ringingMs: 185_000,
  redirectionsMax: 10,
  watchedMax: 10_000,
  probeMs: 300_000,
  withoutTcpMax: 1_000,
}

/** The largest payload of an IPv4 datagram: 65,535 less the headers of IP and UDP. */
export const DATAGRAM_MAX_BYTES = 65_507

/** RFC 3261 §18.1.1: above this a request goes by a transport with congestion control. */
export const UDP_REQUEST_MAX_BYTES = 1_300

/** How long an address is believed to have no TCP: a telephone may be replaced by one that has. */
export const WITHOUT_TCP_MS = 300_000

/** Retry-After of a 503 for want of room: long enough for a burst to pass. */
export const RETRY_AFTER_SECONDS = 5

/** How long a caller is told to wait: Timer C of a proxy (RFC 3261 §16.6 step 11), after which he hears 408. */
export const INVITE_SERVED_MS = 180_000
