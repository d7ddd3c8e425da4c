/** The domain of an XMPP address: U-labels, an IPv4 address or an IPv6 literal (RFC 7622 §3.2). */
import { toUnicode } from './idna.ts'
import { ipv6Literal } from './ip-literal.ts'

/** Bytes of UTF-8 (RFC 7622 §3.2). */
const DOMAINPART_MAX_BYTES = 1023

/** In the one form it is compared in; throws what `refuse` makes of the reason. */
export function domainpart(text: string, refuse: (why: string) => Error): string {
  // RFC 7622 §3.2: a final dot says the name is complete; it is not part of the address.
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  if (name.length === 0) throw refuse('is empty')
  if (name.length > DOMAINPART_MAX_BYTES) throw refuse(`is longer than ${DOMAINPART_MAX_BYTES} bytes`)
  const domain = name.startsWith('[') ? ipv6Literal(name) : toUnicode(name)
  if (domain === undefined) throw refuse('is neither a domain name nor an IP address')
  return domain
}
