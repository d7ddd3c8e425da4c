/** IPv6 literals in brackets, one spelling for each address (RFC 3986 §3.2.2, RFC 5952). */
import { isIPv6 } from 'node:net'

/** `[::1]` for `[0:0:0::1]`; undefined where it is not an IPv6 literal. A zone has no meaning on another machine and is refused. */
export function ipv6Literal(text: string): string | undefined {
  if (!text.startsWith('[') || !text.endsWith(']')) return undefined
  const address = text.slice(1, -1)
  if (address.includes('%') || !isIPv6(address)) return undefined
  return new URL(`http://[${address}]/`).hostname
}

/** A host as sockets take it: an IPv6 literal without the brackets that URIs and header fields put around it. */
export const unbracketed = (host: string): string => host.replace(/^\[|\]$/g, '')
