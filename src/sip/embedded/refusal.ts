/** What is answered before anybody serves a request, and without a transaction (RFC 3261 §8.2). */
import { createHash } from 'node:crypto'
import { response, type SipRequest, type SipResponse } from '../message.ts'
import { RETRY_AFTER_SECONDS } from './limits.ts'

/** §8.2.2.1. A number may have a meaning to who serves; any other scheme has none to SIP. */
export function isServedScheme(uri: string): boolean {
  return /^(?:sips?|tel):/i.test(uri)
}

export function comeBackLater(why?: string): SipResponse {
  return response(503, why, [['Retry-After', String(RETRY_AFTER_SECONDS)]])
}

/** §8.2.7: the same request gets the same tag, though nothing was kept of it. */
export function sameTag({ headers }: SipRequest): string {
  const hash = createHash('sha256').update(headers.get('via') ?? '')
  return hash
    .update(headers.get('call-id') ?? '')
    .digest('hex')
    .slice(0, 16)
}
