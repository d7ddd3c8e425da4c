/** What the final response to a SUBSCRIBE or PUBLISH of ours means for what it asked. */
import type { SipResponse } from '../../sip/message.ts'
import { parseDeltaSeconds } from '../../sip/number.ts'
import { NoResponseError } from '../../sip/port.ts'
import { RefusedError } from '../port.ts'
import type { TerminationReason } from './port.ts'

export type Outcome =
  | { readonly kind: 'taken'; readonly expires: number | undefined; readonly response: SipResponse }
  /** 423: at least so long. */
  | { readonly kind: 'too brief'; readonly least: number }
  /** 412, 481: what we speak of is not known there. */
  | { readonly kind: 'unknown' }
  /** It may be different in a moment. */
  | { readonly kind: 'later'; readonly status: number; readonly reason: string; readonly afterSeconds: number | undefined }
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }

/** Nothing came at all. */
export const SILENT: Extract<Outcome, { kind: 'later' }> = {
  kind: 'later',
  status: 408,
  reason: 'No NOTIFY came',
  afterSeconds: undefined,
}

/** After these last words nothing follows by itself (RFC 6665 §4.1.3). */
export const FINAL: ReadonlySet<TerminationReason | undefined> = new Set<TerminationReason>(['rejected', 'noresource', 'invariant'])
/** These want some time to pass. */
export const LATER: ReadonlySet<TerminationReason | undefined> = new Set<TerminationReason>(['probation', 'giveup'])

/** Of the moment, the way or the server, not of what was asked (RFC 3261 §21.4, §21.5). */
const OF_THE_MOMENT = new Set([408, 429, 430, 480, 486, 491, 500, 502, 503, 504, 600])

export function outcomeOf(response: SipResponse): Outcome {
  const { status, reason, headers } = response
  if (status < 300) return { kind: 'taken', expires: parseDeltaSeconds(headers.get('Expires') ?? ''), response }
  const least = status === 423 ? parseDeltaSeconds(headers.get('Min-Expires') ?? '') : undefined
  if (least !== undefined) return { kind: 'too brief', least }
  if (status === 481 || status === 412) return { kind: 'unknown' }
  if (!OF_THE_MOMENT.has(status)) return { kind: 'refused', status, reason }
  return { kind: 'later', status: status === 408 ? 408 : 503, reason, afterSeconds: parseDeltaSeconds(headers.get('Retry-After') ?? '') }
}

/** The same for what was thrown on the way; rethrows what is our own mistake. */
export function outcomeOfFailure(cause: unknown): Outcome {
  if (cause instanceof RefusedError) return { kind: 'refused', status: cause.status, reason: cause.reason }
  if (!(cause instanceof NoResponseError)) throw cause
  return { kind: 'later', status: cause.why === 'timeout' ? 408 : 503, reason: cause.message, afterSeconds: undefined }
}

export interface Backoff {
  readonly retryFirstMs: number
  readonly retryMaxMs: number
}

/** The wait after so many failures in a row, spread so that those who failed together do not come back together. */
export function backoffMs(failures: number, { retryFirstMs, retryMaxMs }: Backoff, random: () => number): number {
  return Math.min(retryMaxMs, retryFirstMs * 2 ** Math.min(failures, 20)) * (0.75 + random() / 2)
}
