/** What a drachtio server (0.9.10, measured; the sizes of its buffers read in its source) takes from an application, and how long we wait for what. */
import type { StackLimits } from '../port.ts'

/** Bytes of a frame to the server. One more stops the connection for good, and nobody is told. */
export const FRAME_MAX_BYTES = 12_228

/** Bytes above which a frame must be alone: what is written behind it before its response frame is there ends up inside it. */
export const FRAME_SHARED_MAX_BYTES = 4_036

/** Bytes of all header fields of a message together; the rest is cut off in silence. */
export const HEADERS_MAX_BYTES = 8_400

/** Bytes of the start line, and of the URI of the next hop. */
export const START_LINE_MAX_BYTES = 512

/** What mapping is told, so that it finds another form for what is too large; the check of the frame itself still stands behind it. */
export const STACK_LIMITS: StackLimits = {
  // Of the 8,400 for all fields: 2,400 are for those that are not counted (Via, Contact, Authorization) and for what a relayed request has already.
  xmppDataHeaderBytes: 6_000,
  // A frame begins with its length, a UUID, a transaction id and the URI of the next hop.
  maxMessageBytes: 11_900,
}

export interface DrachtioLimits {
  /** From the first packet to the server's answer to our secret. */
  readonly connectMs: number
  /** The first pause before another attempt; each is twice the one before. */
  readonly retryFirstMs: number
  /** The longest pause: a server that comes back is found within it, one that refuses our secret is asked no more often. */
  readonly retryMaxMs: number
  /** How often an idle connection is asked whether anybody is there. drachtio-srf asks, but does not listen for the answer. */
  readonly pingMs: number
  /** How long the server may take to acknowledge a frame that must be alone: it does so before anything goes on the wire. */
  readonly acknowledgeMs: number
  /** Requests of ours that wait for their final response; above it `send` is refused. Each may hold 12 KB. */
  readonly sentAtOnceMax: number
  /** Requests being served at the same time; above it 503 with Retry-After. */
  readonly servedAtOnceMax: number
  /** Addresses remembered for having no TCP. */
  readonly withoutTcpMax: number
}

export const defaultLimits: DrachtioLimits = {
  connectMs: 5_000,
  retryFirstMs: 250,
  retryMaxMs: 30_000,
  pingMs: 15_000,
  acknowledgeMs: 5_000,
  sentAtOnceMax: 10_000,
  servedAtOnceMax: 10_000,
  withoutTcpMax: 1_000,
}

/** RFC 3261 §18.1.1: above this a request goes by TCP. drachtio does not change over by itself. */
export const UDP_REQUEST_MAX_BYTES = 1_300

/** What the server adds before a request is on the wire: Via, and Contact where it makes one. */
export const ADDED_BYTES = 200

/** How long an address is believed to have no TCP. */
export const WITHOUT_TCP_MS = 300_000

/** Retry-After of a 503 for want of room: long enough for a burst to pass. */
export const RETRY_AFTER_SECONDS = 5
