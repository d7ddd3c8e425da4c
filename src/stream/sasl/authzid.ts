/** RFC 6120 §6.3.8: an authorisation identity is a bare JID, and nobody may act for somebody else here. */
import { Jid, JidError } from '../../address/jid.ts'
import { SaslError } from './error.ts'

export function authorised(authzid: string, jid: Jid): void {
  if (authzid === '') return
  if (!same(authzid, jid)) throw new SaslError('invalid-authzid', 'You may only act as yourself: leave the authorization identity out')
}

function same(authzid: string, jid: Jid): boolean {
  try {
    const other = Jid.parse(authzid)
    return other.resource === undefined && other.local === jid.local && other.domain === jid.domain
  } catch (cause) {
    if (cause instanceof JidError) return false
    throw cause
  }
}
