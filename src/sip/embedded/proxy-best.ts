/** Which of the final responses goes back, where none is a 2xx (RFC 3261 §16.7 steps 6 and 7). */
import { response, SipResponse } from '../message.ts'

/** Within 4xx: first what says how to try again, last what says least of the person who was called. */
const TELLING = [401, 407, 415, 420, 422, 484]
const SAYS_LITTLE = [408, 430, 480, 487]

export function bestOf(responses: readonly SipResponse[]): SipResponse {
  const best = responses.toSorted((a, b) => rank(a.status) - rank(b.status))[0] ?? response(408)
  // §16.7 step 6: a 503 would say that we are overloaded.
  if (best.status === 503) return response(500, 'No telephone could be reached')
  return best.status === 401 || best.status === 407 ? withAllChallenges(best, responses) : best
}

function rank(status: number): number {
  if (status >= 600) return status - 600
  const own = TELLING.includes(status) ? 0 : SAYS_LITTLE.includes(status) ? 2_000 : 1_000
  // 3xx, 4xx, 5xx in this order; a telephone that failed says less than one that is silent.
  return Math.floor(status / 100) * 10_000 + own + (status % 100)
}

/** §16.7 step 7: one try of the caller answers them all. */
function withAllChallenges(best: SipResponse, responses: readonly SipResponse[]): SipResponse {
  const headers = best.headers.copy()
  for (const other of responses) {
    if (other === best || (other.status !== 401 && other.status !== 407)) continue
    for (const name of ['WWW-Authenticate', 'Proxy-Authenticate'])
      for (const challenge of other.headers.all(name)) headers.append(name, challenge)
  }
  return new SipResponse(best.status, best.reason, headers, best.body)
}
