/** The new address in `<gone/>` and `<redirect/>` (RFC 6120 §8.3.3.5, RFC 5122) and in Contact (RFC 3261 §20.10). */
import { Jid, JidError } from '../address/jid.ts'
import { SipUri, SipUriError } from '../address/sip-uri.ts'
import { jidFor, uriFor } from './address.ts'

/** Undefined where the text names nothing SIP can reach. */
export function uriOfAddress(address: string): SipUri | undefined {
  try {
    if (/^sips?:/i.test(address)) return SipUri.parse(address)
    const path = /^xmpp:/i.test(address) ? (/^[^?#]*/.exec(address.slice(5))?.[0] ?? '') : address
    return uriFor(Jid.parse(path === address ? path : decodeURIComponent(path)))
  } catch (cause) {
    if (cause instanceof JidError || cause instanceof SipUriError || cause instanceof URIError) return undefined
    throw cause
  }
}

/** The first Contact as an XMPP URI; undefined where it names nothing XMPP can reach. */
export function addressOfContact(contact: string | undefined): string | undefined {
  const uri = /<([^<>]*)>/.exec(contact ?? '')?.[1] ?? /^[^\s;,]*/.exec((contact ?? '').trim())?.[0]
  if (!uri) return undefined
  try {
    const { local, domain, resource } = jidFor(SipUri.parse(uri))
    const bare = local === undefined ? domain : `${encodeURIComponent(local)}@${domain}`
    return `xmpp:${resource === undefined ? bare : `${bare}/${encodeURIComponent(resource)}`}`
  } catch (cause) {
    if (cause instanceof JidError || cause instanceof SipUriError) return undefined
    throw cause
  }
}
