/** Whether a SIP address is that of an account of ours. */
import { JidError } from './address/jid.ts'
import type { SipUri } from './address/sip-uri.ts'
import { jidFor } from './mapping/address.ts'
import type { Store } from './store/port.ts'

export async function hasAccount(store: Store, address: SipUri): Promise<boolean> {
  try {
    return (await store.accounts.find(jidFor(address).bare)) !== undefined
  } catch (cause) {
    if (cause instanceof JidError) return false // nobody can have such a name
    throw cause
  }
}
