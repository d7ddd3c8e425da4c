/** What a URI says of the way to it, before anybody is asked: the TARGET of RFC 3263 §4, its port and its transport. */

import { isIP } from 'node:net'
import { unbracketed } from '../../address/ip-literal.ts'
import type { SipUri } from '../../address/sip-uri.ts'
import { NoResponseError, type Transport } from '../port.ts'

export interface Destination {
  /** Whose certificate is shown there (RFC 5922 §4): the domain of the URI, whatever names lead on from it; undefined for an IP address. */
  readonly domain: string | undefined
  /** A name, or an IP address without brackets. */
  readonly host: string
  readonly isAddress: boolean
  readonly port: number | undefined
  readonly transport: Transport | undefined
  /** `sips:`, so nothing unencrypted will do. */
  readonly isSecure: boolean
}

/** RFC 3261 §26.2.2: `sips` with a transport means that transport under TLS. */
const SECURED: Readonly<Record<string, Transport>> = { tcp: 'tls', tls: 'tls', ws: 'wss', wss: 'wss' }
const PLAIN: Readonly<Record<string, Transport>> = { udp: 'udp', tcp: 'tcp', tls: 'tls', ws: 'ws', wss: 'wss' }

/** RFC 3261 §19.1.2, RFC 7118 §5.4 with RFC 6455 §3. */
export const DEFAULT_PORTS: Readonly<Record<Transport, number>> = { udp: 5_060, tcp: 5_060, tls: 5_061, ws: 80, wss: 443 }

/** Throws NoResponseError for a transport nobody here speaks. */
export function destinationOf(uri: SipUri): Destination {
  const isSecure = uri.scheme === 'sips'
  const named = uri.transport
  const transport = named === undefined ? undefined : (isSecure ? SECURED : PLAIN)[named]
  if (named !== undefined && transport === undefined)
    throw new NoResponseError('transport', `${named} is no transport ${isSecure ? 'of sips:' : 'that is spoken here'}`)
  // §4: maddr, where there is one, is the TARGET.
  const host = uri.param('maddr') ?? uri.host
  const address = host.startsWith('[') ? host.slice(1, -1) : host
  const domain = isIP(unbracketed(uri.host)) === 0 ? uri.host : undefined
  return { domain, host: address, isAddress: isIP(address) !== 0, port: uri.port, transport, isSecure }
}
