/** Which SIP messages have been seen before: UDP sends again what is not answered (RFC 3261 §17.1.2). */
import { SipRequest, type SipResponse } from '../sip/message.ts'

/** More than are ever on their way at once between one telephone and its gateway. */
const KEPT = 64

export class RecentMessages {
  readonly #keys: string[] = []

  /** Whether this one has been here, and that it has. */
  has(message: SipRequest | SipResponse): boolean {
    const kind = message instanceof SipRequest ? message.method : String(message.status)
    // The branch in the top Via names the transaction.
    const key = `${kind} ${message.headers.get('Via')?.match(/;branch=([^;,\s]+)/i)?.[1] ?? ''}`
    if (this.#keys.includes(key)) return true
    this.#keys.push(key)
    if (this.#keys.length > KEPT) this.#keys.shift()
    return false
  }
}
