/** RFC 7572 Table 1: a thread is a Call-ID, as far as it can be one. */
import { createHash } from 'node:crypto'
import { LIMITS } from './limits.ts'
import type { Making } from './making.ts'

/** RFC 3261 §25.1: word [ "@" word ]. */
const CALL_ID = /^[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]+(?:@[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]+)?$/

/** A thread that a Call-ID cannot hold becomes its digest: the same thread is the same Call-ID again, and nobody else's by accident. */
export function callIdFor(thread: string | undefined, making: Making): string {
  if (thread === undefined || thread === '') return `${making.callId()}@${making.host}`
  if (thread.length <= LIMITS.callIdCharacters && CALL_ID.test(thread)) return thread
  return `${createHash('sha256').update(`${thread}\0${making.host}`).digest('base64url')}@${making.host}`
}
