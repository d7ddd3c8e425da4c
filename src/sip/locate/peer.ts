/** Somebody an operator has named by a SIP URI: requests go to it, and what comes from it is known as such. */
import type { SipUri } from '../../address/sip-uri.ts'
import type { SipRequest, SipResponse } from '../message.ts'
import type { NextHop } from '../port.ts'
import { SipSyntaxError } from '../syntax-error.ts'
import { parseVia } from '../via.ts'
import { DEFAULT_PORTS, destinationOf } from './destination.ts'
import { NotLookedUp } from './locator.ts'
import type { Outbound } from './outbound.ts'

/** Of who knows better than DNS alone which of the hops is meant. */
export interface Choice {
  order(hops: readonly NextHop[]): readonly NextHop[]
  answered(hop: NextHop): void
}

const NOWHERE: readonly NextHop[] = []

export class Peer {
  /** Where it was when it was last looked for; kept while DNS has nothing to say. */
  #known: readonly NextHop[]

  constructor(
    readonly uri: SipUri,
    readonly outbound: Outbound,
  ) {
    const { isAddress, isSecure, host, transport = isSecure ? 'tls' : 'udp', port = DEFAULT_PORTS[transport] } = destinationOf(uri)
    // An address needs nobody to be asked.
    this.#known = isAddress ? [{ transport, host, port }] : NOWHERE
  }

  /** Rejects with NoResponseError. */
  async send(request: SipRequest, choice?: Choice): Promise<SipResponse> {
    const hops = await this.#hops()
    if (!choice) return this.outbound.sendTo(hops, request, this.uri)
    return this.outbound.sendTo(choice.order(hops), request, this.uri, (hop) => choice.answered(hop))
  }

  /** Without those that were silent or busy a moment ago, as far as there are others. Rejects like `locate`. */
  async locateWell(): Promise<readonly NextHop[]> {
    const hops = await this.#hops()
    const well = this.outbound.worthTrying(hops)
    return well.length > 0 ? well : hops
  }

  /** What is not sent through here, calls for one, was of no avail there. */
  failed(hop: NextHop, failure: 'timeout' | 'transport' | SipResponse): void {
    this.outbound.noteFailed(hop, failure, this.uri)
  }

  async #hops(): Promise<readonly NextHop[]> {
    try {
      return await this.locate()
    } catch (cause) {
      if (cause instanceof NotLookedUp && this.#known.length > 0) return this.#known
      throw cause
    }
  }

  /** Rejects with NoResponseError where it cannot be found. */
  async locate(): Promise<readonly NextHop[]> {
    this.#known = await this.outbound.locator.hopsFor(this.uri)
    return this.#known
  }

  /**
   * By its address, as far as `locate` has found it. The port does not count, since connections come from any; on this machine itself, where many
   * programs share one address, it does: the one a datagram came from, or the one its Via names.
   */
  isSourceOf(request: SipRequest | undefined, from: NextHop): boolean {
    const host = from.host.startsWith('[') ? from.host.slice(1, -1) : from.host
    return this.#known.some(
      (hop) => hop.host === host && (!isThisMachine(host) || hop.port === from.port || hop.port === portInVia(request)),
    )
  }
}

const isThisMachine = (host: string): boolean => host.startsWith('127.') || host === '::1'

function portInVia(request: SipRequest | undefined): number | undefined {
  const field = request?.headers.values('Via')[0]
  if (field === undefined) return undefined
  try {
    const via = parseVia(field)
    return via.port ?? (via.transport === 'TLS' ? DEFAULT_PORTS.tls : DEFAULT_PORTS.udp)
  } catch (cause) {
    if (cause instanceof SipSyntaxError) return undefined
    throw cause
  }
}
