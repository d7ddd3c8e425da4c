/** P-Asserted-Identity: who the sender is, by the word of somebody trusted (RFC 3325). */
import { SipUri, SipUriError } from '../address/sip-uri.ts'
import type { Headers } from '../sip/message.ts'
import { parseNameAddr } from '../sip/name-addr.ts'
import { SipSyntaxError } from '../sip/syntax-error.ts'

/** The first `sip:` identity; undefined where there is none, or where its owner does not want it told (§7): then From says what may be said. */
export function assertedSender(headers: Headers): SipUri | undefined {
  if (!headers.has('P-Asserted-Identity') || isPrivate(headers)) return undefined
  for (const field of headers.values('P-Asserted-Identity')) {
    const sender = sipIdentity(field)
    if (sender) return sender
  }
  return undefined
}

/** RFC 3323 §4.2, RFC 3325 §9.3. */
export function isPrivate(headers: Headers): boolean {
  const privacy = headers.all('Privacy').join(';')
  return /(?:^|[;,])\s*(?:id|user|header)\s*(?:[;,]|$)/i.test(privacy)
}

function sipIdentity(field: string): SipUri | undefined {
  try {
    const { uri } = parseNameAddr(field)
    // §9.1: a tel: URI may stand beside; it is no address here. A sips: one promises more than we can keep.
    return /^sip:/i.test(uri) ? SipUri.parse(uri) : undefined
  } catch (cause) {
    if (cause instanceof SipSyntaxError || cause instanceof SipUriError) return undefined
    throw cause
  }
}
