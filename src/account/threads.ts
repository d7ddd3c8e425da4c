/** Which Call-IDs come again: to a telephone that keeps one for a conversation it is the thread (RFC 7572 Table 2), to all others no message has one. */

/** Call-IDs that are remembered, one in each place: 64 KiB, whatever anybody sends. */
const PLACES = 16_384

export class Threads {
  /** Digests of 32 bits: two Call-IDs that share one give a message a thread of its own, which harms nobody. */
  readonly #seen = new Uint32Array(PLACES)

  /** See Making.threadOf: undefined where this Call-ID is a new one. */
  readonly of = (callId: string): string | undefined => {
    const digest = digestOf(callId)
    const place = (digest ^ (digest >>> 16)) & (PLACES - 1)
    if (this.#seen[place] === digest) return callId
    this.#seen[place] = digest
    return undefined
  }
}

/** FNV-1a; never 0, which is an empty place. */
function digestOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0 || 1
}
