/** A signal that came off a wire: the request as it was received, read only where somebody asks. */
import { SipUri } from '../address/sip-uri.ts'
import { SipRequest } from '../sip/message.ts'
import { NameAddr, parseNameAddr } from '../sip/name-addr.ts'
import { isPrivate } from './asserted-identity.ts'
import { EVERY_REALM, type Realms, removeOwnCredentials } from './own-credentials.ts'
import type { Arrival, HopPolicy, Signal } from './port.ts'
import { RefusedError, trusts } from './port.ts'

const DEFAULT_MAX_FORWARDS = 70 // RFC 3261 §8.1.1.6

export class WireSignal implements Signal {
  readonly origin = undefined

  constructor(
    readonly received: SipRequest,
    readonly arrival: Arrival,
    readonly from: SipUri,
    readonly to: SipUri,
    readonly maxForwards: number,
    /** Credentials of these were for us. */
    readonly realms: Realms = EVERY_REALM,
  ) {}

  /** Throws SipSyntaxError or SipUriError where From or the Request-URI is no SIP URI. */
  static of(request: SipRequest, arrival: Arrival, sender?: SipUri, realms: Realms = EVERY_REALM): WireSignal {
    const from = sender ?? SipUri.parse(parseNameAddr(request.headers.get('From') ?? '').uriWithGr)
    const hops = Number(request.headers.get('Max-Forwards') ?? DEFAULT_MAX_FORWARDS)
    return new WireSignal(request, arrival, from, SipUri.parse(request.uri), hops, realms)
  }

  get method(): string {
    return this.received.method
  }

  header(name: string): string | undefined {
    return this.received.headers.get(name)
  }

  requestFor(hop: HopPolicy): SipRequest {
    const headers = this.received.headers.copy()
    headers.set('Max-Forwards', String(this.maxForwards - 1))
    removeOwnCredentials(headers, this.realms)
    // RFC 3325 §5, §7: asserted among those who trust each other; a telephone of ours may know it unless the sender minds.
    if (!trusts(this.arrival) || (hop.telephone && isPrivate(headers))) headers.remove('P-Asserted-Identity')
    if (!hop.fromGruu && this.from.gr !== undefined) headers.set('From', withoutDevice(headers.get('From') ?? ''))
    const data = headers.get('P-XMPP-Data')
    if (data !== undefined) {
      if (!trusts(this.arrival) || hop.xmppData === 'off') headers.remove('P-XMPP-Data')
      else if (hop.xmppData === 'base64' && data.startsWith('<')) {
        headers.set('P-XMPP-Data', `b64:${Buffer.from(data, 'latin1').toString('base64')}`)
      }
    }
    if (this.received.body.length > hop.maxMessageBytes) {
      throw new RefusedError(513, `Message Too Large: this way takes ${hop.maxMessageBytes} bytes`)
    }
    return new SipRequest(this.received.method, this.to.toString(), headers, this.received.body)
  }

  readdressed(to: SipUri): WireSignal {
    return new WireSignal(this.received, this.arrival, this.from, to, this.maxForwards - 1, this.realms)
  }
}

/** The same sender and tag, without naming the device. */
function withoutDevice(from: string): string {
  const sender = parseNameAddr(from)
  sender.params.remove('gr')
  return new NameAddr(sender.displayName, SipUri.parse(sender.uri).withGr(undefined).toString(), sender.params).toString()
}
