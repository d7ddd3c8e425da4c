/** Tags, branches and Call-IDs: unguessable, and unique over all restarts (RFC 3261 §8.1.1.4, §8.1.1.7, §19.3). */
import { randomFillSync } from 'node:crypto'

// Randomness is fetched in one piece for many identifiers: a system call for each would cost more than parsing the message it is for.
const pool = Buffer.alloc(8_192)
let used = pool.length

function random(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const text = pool.toString('hex', used, used + bytes)
  // What has been given out is not kept.
  pool.fill(0, used, used + bytes)
  used += bytes
  return text
}

export function newTag(): string {
  return random(8)
}

/** The cookie that says: this branch alone names the transaction (§8.1.1.7). */
export const BRANCH_COOKIE = 'z9hG4bK'

export function newBranch(): string {
  return BRANCH_COOKIE + random(12)
}

export function newCallId(): string {
  return random(16)
}
