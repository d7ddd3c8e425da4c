/** The timers of RFC 3261 (§17, Table 4), all made from three numbers. */
export interface Timers {
  /** An estimate of the round trip. */
  readonly t1Ms: number
  /** The longest pause between two retransmissions. */
  readonly t2Ms: number
  /** How long a message may stay in the network. */
  readonly t4Ms: number
}

export const defaultTimers: Timers = { t1Ms: 500, t2Ms: 4_000, t4Ms: 5_000 }

/** Timers B, F, H and J: how long a transaction is tried, and how long its answer is kept for who asks again. */
export function transactionMs(timers: Timers): number {
  return 64 * timers.t1Ms
}

/** §17.2.1: a 100 is sent where the final response to an INVITE is not there by then. */
export const TRYING_MS = 200

/** How long an INVITE waits for the first word where another way is left: long enough for a lost datagram or two, short enough for who waits. */
export function patienceMs(timers: Timers): number {
  return 16 * timers.t1Ms
}
