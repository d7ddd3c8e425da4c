/** What a PBX sends to the accounts that live on it: delivered here once (RFC 6121 §8), whatever address the PBX called them by. */

import { unbracketed } from '../../address/ip-literal.ts'
import { SipUri } from '../../address/sip-uri.ts'
import { Headers, SipResponse } from '../../sip/message.ts'
import { parseNameAddr } from '../../sip/name-addr.ts'
import type { Received } from '../../sip/port.ts'
import { assertedSender } from '../asserted-identity.ts'
import type { Core, HopPolicy, MaybePromise } from '../port.ts'
import { WireSignal } from '../wire-signal.ts'
import type { ForkCopies } from './fork-copies.ts'
import type { Pbxes } from './pbxes.ts'

const DEFAULT_MAX_FORWARDS = 70 // RFC 3261 §8.1.1.6

/** A 6xx would end the search at the PBX, where other telephones may still ring: each has a word that speaks of us alone. */
const SOFTER: Readonly<Record<number, readonly [number, string]>> = {
  600: [480, 'Temporarily Unavailable'],
  603: [403, 'Forbidden'],
  604: [404, 'Not Found'],
  606: [406, 'Not Acceptable'],
}

export interface FromPbxSettings {
  /** Whose P-XMPP-Data and identity count, by their address or by what their certificate proves. */
  readonly trusted: { has(address: string, identity?: readonly string[]): boolean }
  readonly toTrusted: HopPolicy
  readonly toStranger: HopPolicy
}

export class FromPbx {
  constructor(
    readonly core: Core,
    readonly pbxes: Pbxes,
    readonly copies: ForkCopies,
    readonly settings: FromPbxSettings,
  ) {}

  /** Undefined where it does not come from a PBX, or is for nobody who lives there. Throws SipUriError, SipSyntaxError. */
  serve(received: Received): MaybePromise<SipResponse> | undefined {
    const account = this.pbxes.accountFor(received)
    return account && this.copies.once(received.request, account.aor, () => this.#deliver(received, account))
  }

  /**
   * A PBX that rings all contacts of an extension rings ours too. 488 is what it passes on last of all that telephones say (RFC 3261 §16.7 step 6 leaves
   * it the choice, and most take the lowest): the caller hears of a busy telephone, not of a client that takes no calls.
   */
  refusesCall(received: Received): SipResponse | undefined {
    return this.pbxes.accountFor(received) && new SipResponse(488, 'Only messages reach this contact', new Headers(), NO_BODY)
  }

  async #deliver({ request, from: hop, identity }: Received, account: SipUri): Promise<SipResponse> {
    const { headers, method } = request
    const trusted = this.settings.trusted.has(unbracketed(hop.host), identity)
    if (method === 'INFO' && !trusted)
      return new SipResponse(405, 'Method Not Allowed', new Headers(['Allow', 'MESSAGE, OPTIONS']), NO_BODY)
    const named = SipUri.parse(parseNameAddr(headers.get('From') ?? '').uriWithGr)
    const sender = this.pbxes.known((trusted ? assertedSender(headers) : undefined) ?? named, account, hop)
    const hops = Number(headers.get('Max-Forwards') ?? DEFAULT_MAX_FORWARDS)
    const signal = new WireSignal(request, { kind: 'wire', hop, trusted, account: undefined }, sender, account, hops)
    const answer = await this.core.submit(signal)
    return softened(answer.responseFor(trusted ? this.settings.toTrusted : this.settings.toStranger))
  }
}

const NO_BODY = Buffer.alloc(0)

function softened(response: SipResponse): SipResponse {
  if (response.status < 600) return response
  const [status, reason] = SOFTER[response.status] ?? [480, 'Temporarily Unavailable']
  return new SipResponse(status, reason, response.headers, response.body)
}
