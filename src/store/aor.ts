/** The key under which the registrar keeps an account's telephones, so that they go when the account goes. */
import { unescaped } from '../address/escaping.ts'
import { toAscii } from '../address/idna.ts'
import type { Jid } from '../address/jid.ts'
import { SipUri } from '../address/sip-uri.ts'

/** The same as mapping's uriFor(jid).aor, which a store may not ask. */
export function aorOf(jid: Jid): string {
  const user = jid.local === undefined ? undefined : unescaped(jid.local)
  return SipUri.of(user, toAscii(jid.domain) ?? jid.domain).aor
}
