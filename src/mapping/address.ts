/** One account, two names: XMPP address and SIP URI, each from the other without loss (RFC 7247 §6, XEP-0106, RFC 5627). */
import { escaped, unescaped } from '../address/escaping.ts'
import { toAscii } from '../address/idna.ts'
import { Jid, JidError } from '../address/jid.ts'
import { SipUri } from '../address/sip-uri.ts'

/** RFC 7247 §6.5, with the whole of XEP-0106 where the RFC lists three characters. Resource and `gr` say the same. */
export function uriFor(jid: Jid): SipUri {
  const user = jid.local === undefined ? undefined : unescaped(jid.local)
  const host = jid.domain.startsWith('[') ? jid.domain : (toAscii(jid.domain) ?? jid.domain)
  return SipUri.of(user, host, jid.resource === undefined ? undefined : { gr: jid.resource })
}

/**
 * RFC 7247 §6.4. Scheme, password, port, headers and all parameters but `gr` stay behind. Throws JidError for what XMPP has no name for:
 * a user with control characters or outer spaces, a host that is no name.
 */
export function jidFor(uri: SipUri): Jid {
  const local = uri.user === undefined ? undefined : escaped(uri.user)
  const jid = Jid.of(local, uri.host, uri.gr)
  // A combining mark after an escaped character would melt into the escape's last letter, and the address would be another one.
  if (jid.local !== local) throw new JidError('local', 'has a mark after an escaped character')
  return jid
}
