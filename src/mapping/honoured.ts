/** The addresses a signal from a wire gives its stanza: SIP's own, and the literal ones in P-XMPP-Data where they are the same. */
import { Jid, JidError } from '../address/jid.ts'
import type { SipUri } from '../address/sip-uri.ts'
import { RefusedError } from '../core/port.ts'
import { jidFor } from './address.ts'

/** `status` is the answer where XMPP has no such address. */
export function jidOf(uri: SipUri, status: number): Jid {
  try {
    return jidFor(uri)
  } catch (cause) {
    if (cause instanceof JidError) throw new RefusedError(status, `No address of XMPP: ${cause.message}`)
    throw cause
  }
}

/**
 * `written` counts only if it is the same account, and the same device as far as SIP can tell: `gr` compares without case there (RFC 3261
 * §19.1.4), and is not sent at all to hops that cannot bear it in From.
 */
export function honoured(written: string | undefined, uri: SipUri, mapped: Jid, mayNameDevice: boolean): Jid {
  if (written === undefined) return mapped
  let jid: Jid
  try {
    jid = Jid.parse(written)
  } catch (cause) {
    // SIP's own address stands; what the header says instead is no address at all.
    if (cause instanceof JidError) return mapped
    throw cause
  }
  if (!jid.bare.equals(mapped.bare)) return mapped
  if (uri.gr === undefined) return mayNameDevice ? jid : mapped
  return jid.resource?.toLowerCase() === uri.gr.toLowerCase() ? jid : mapped
}
