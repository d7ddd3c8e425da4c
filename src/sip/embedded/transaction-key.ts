/** What makes two requests the same one, sent again (RFC 3261 §17.2.3). */
import { parseCSeq } from '../cseq.ts'
import type { SipRequest } from '../message.ts'
import { tagOf } from '../name-addr.ts'
import type { Via } from '../via.ts'

/** The branch, who sent it, and the method; or for RFC 2543 what was compared before there were such branches. ACK and CANCEL are looked for as their INVITE. */
export function keyOf(request: SipRequest, via: Via, method: string): string {
  // Joined, not put together: that makes a new string, which holds on to no message (flat.ts).
  if (via.hasUniqueBranch) return [via.branch, via.sentBy.toLowerCase(), method].join('\n')
  const { headers } = request
  // Without the To tag, which an ACK has and its INVITE has not; the rest is enough.
  const number = parseCSeq(headers.get('cseq') ?? '').number
  const from = tagOf(headers.get('from') ?? '')
  return [request.uri, from, headers.get('call-id'), number, method, via.sentBy.toLowerCase(), via.branch].join('\n')
}
