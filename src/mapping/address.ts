/** One account, two names: XMPP address and SIP URI, both ways without loss (RFC 7247 §6, XEP-0106, RFC 5627). */
import { escaped, unescaped } from '../address/escaping.ts'
import { toAscii } from '../address/idna.ts'
import { Jid } from '../address/jid.ts'
import { SipUri } from '../address/sip-uri.ts'

const PLAIN = /^[a-z0-9._+-]+$/

/** RFC 7247 §6.4, with the whole of XEP-0106 where the RFC lists three characters. */
export function uriFor(jid: Jid): SipUri {
  const user = jid.local === undefined ? undefined : unescaped(jid.local)
  const host = jid.domain.startsWith('[') ? jid.domain : (toAscii(jid.domain) ?? jid.domain)
  return SipUri.of(user, host, jid.resource === undefined ? undefined : { gr: jid.resource })
}

/** RFC 7247 §6.3; port, password, headers and all parameters but `gr` stay behind. Throws JidError for what XMPP cannot name. */
export function jidFor(uri: SipUri): Jid {
  const local = uri.user === undefined ? undefined : PLAIN.test(uri.user) ? uri.user : escaped(uri.user)
  return Jid.of(local, uri.host, uri.gr)
}
