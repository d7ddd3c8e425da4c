/** What a PBX takes over its WebSocket, and how long we wait for what. */
import type { StackLimits } from '../port.ts'

/**
 * Bytes of a message we send: Kamailio 5.6 closes a WebSocket that brings a frame of more than 16,384 (tcp_rd_buf_size, its default), and with it the
 * registrations of everybody.
 */
export const MESSAGE_MAX_BYTES = 16_300

/** What mapping is told, so that it finds another form for what is too large; Via and the credentials of the account come on top of it. */
export const STACK_LIMITS: StackLimits = { xmppDataHeaderBytes: 8_000, maxMessageBytes: 15_600 }

export interface WebSocketLimits {
  /** From the first packet to the end of the WebSocket's handshake. */
  readonly connectMs: number
  /** The first pause before another attempt; each is twice the one before, less up to a quarter. */
  readonly retryFirstMs: number
  /** The longest pause: a PBX that comes back is found within it. */
  readonly retryMaxMs: number
  /** Between two pings: address translators forget a quiet connection after a minute or two. A PBX that has not answered one at the next is gone. */
  readonly pingMs: number
  /** Bytes of a message of the PBX; a larger one ends the connection. As for the embedded stack. */
  readonly receivedMaxBytes: number
  /** Bytes waiting for a PBX that does not read. Beyond it the connection is closed. */
  readonly unsentMaxBytes: number
  /** Requests of ours that wait for their final response; above it `send` is refused. */
  readonly sentAtOnceMax: number
  /** Requests being served at the same time; above it 503 with Retry-After. */
  readonly servedAtOnceMax: number
}

export const defaultLimits: WebSocketLimits = {
  connectMs: 5_000,
  retryFirstMs: 250,
  retryMaxMs: 30_000,
  pingMs: 15_000,
  receivedMaxBytes: 1_114_112,
  unsentMaxBytes: 4_194_304,
  sentAtOnceMax: 5_000,
  servedAtOnceMax: 1_000,
}

/** Retry-After of a 503 for want of room: long enough for a burst to pass. */
export const RETRY_AFTER_SECONDS = 5
