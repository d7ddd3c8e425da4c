/** Credentials that were for us stay here; those of other realms are for who comes behind us (RFC 3261 §22.3). */
import { parseAuthParams } from '../sip/auth-params.ts'
import type { Headers } from '../sip/message.ts'
import { SipSyntaxError } from '../sip/syntax-error.ts'

/** The realms of our challenges: the domains we host, as SIP hosts. */
export interface Realms {
  has(realm: string): boolean
}

/** For what is not known to have been looked at: no credentials go on at all. */
export const EVERY_REALM: Realms = { has: () => true }
/** For what our own were taken out of already. */
export const NO_REALM: Realms = { has: () => false }

const FIELDS = ['Proxy-Authorization', 'Authorization']

/** What cannot be read might be ours, and is of use to nobody. */
export function removeOwnCredentials(headers: Headers, realms: Realms): void {
  for (const name of FIELDS) {
    const fields = headers.all(name)
    if (fields.length === 0) continue
    headers.remove(name)
    for (const field of fields) {
      const realm = realmOf(field)
      if (realm !== undefined && !realms.has(realm.toLowerCase())) headers.append(name, field)
    }
  }
}

function realmOf(credentials: string): string | undefined {
  try {
    return parseAuthParams(credentials).params.get('realm')
  } catch (cause) {
    if (cause instanceof SipSyntaxError) return undefined
    throw cause
  }
}
