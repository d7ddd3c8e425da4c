/** The way a response takes (RFC 3261 §18.2.2, RFC 3581 §4), and what the top Via must say for the next one (§18.2.1). */
import { isIP } from 'node:net'
import { endOfValue } from '../list.ts'
import type { SipRequest } from '../message.ts'
import { SipSyntaxError } from '../syntax-error.ts'
import type { Via } from '../via.ts'
import type { Way } from './transport.ts'
import { topVia, Vitals } from './vitals.ts'

const DEFAULT_PORT = 5_060

export class ReturnPath {
  constructor(
    readonly way: Way,
    readonly host: string,
    readonly port: number,
  ) {}
}

/** `host`, `port`: where the request came from. */
export function returnPath(way: Way, via: Via, host: string, port: number): ReturnPath {
  // Over a connection this is where another one would be opened if this one breaks; the port it came from listens to nobody.
  if (way.isReliable) return new ReturnPath(way, host, via.port ?? DEFAULT_PORT)
  const maddr = via.params.get('maddr')
  if (maddr !== undefined && isUnicast(maddr)) return new ReturnPath(way, maddr, via.port ?? DEFAULT_PORT)
  if (via.params.has('rport')) return new ReturnPath(way, host, port)
  return new ReturnPath(way, host, via.port ?? DEFAULT_PORT)
}

const SENT_BY = /^[ \t]*SIP[ \t]*\/[ \t]*[\d.]+[ \t]*\/[ \t]*[^\s/]+[ \t]+(?:\[[^\]\s]*\]|[^\s;:,[\]]+)[ \t]*(?::[ \t]*(\d{1,5}))?/i

/** For a Via that cannot be read, to say so: by its sent-by if that much is there, or else back to where it came from. */
export function guessedPath(way: Way, field: string, host: string, port: number): ReturnPath {
  const sentBy = SENT_BY.exec(field)
  if (!sentBy || (!way.isReliable && /;[ \t]*rport\b/i.test(field))) return new ReturnPath(way, host, port)
  const named = Number(sentBy[1] ?? DEFAULT_PORT)
  return new ReturnPath(way, host, named >= 1 && named <= 65_535 ? named : port)
}

/** For a request that cannot be read; its Via is completed if that can. */
export function pathForRefusal(request: SipRequest, field: string, way: Way, host: string, port: number): ReturnPath {
  try {
    const via = topVia(field)
    const path = returnPath(way, via, host, port)
    completeVia(request, new Vitals(request.headers.list).via, via, host, port)
    return path
  } catch (cause) {
    if (!(cause instanceof SipSyntaxError)) throw cause
    return guessedPath(way, field, host, port)
  }
}

// §18.2.2 lets a multicast group answer; nobody uses it, and a stranger could make us flood one. A name would have to be asked for.
function isUnicast(address: string): boolean {
  if (isIP(address) === 6) return !address.toLowerCase().startsWith('ff')
  if (isIP(address) === 0) return false
  const first = Number(address.slice(0, address.indexOf('.')))
  return first > 0 && first < 224
}

/** Writes `received` and `rport` into the top Via, where they belong. */
export function completeVia(request: SipRequest, at: number, via: Via, host: string, port: number): void {
  const asked = via.params.has('rport')
  const claimed = via.params.has('received')
  if (!asked && !claimed && via.host === host) return
  via.params.remove('received')
  if (asked) via.params.set('rport', String(port))
  // RFC 3581 §4: with rport always; RFC 3261 §18.2.1: where sent-by is not the address it came from.
  if (asked || via.host !== host) via.params.set('received', host)
  const field = request.headers.list[at + 1] ?? ''
  const end = endOfValue(field, 0)
  request.headers.list[at + 1] = `${via}${field.slice(end)}`
}
