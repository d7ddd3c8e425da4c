/** The ways that requests of subscriptions take: to the next hop an operator has named for an address, to a registered telephone, or where a dialog leads. */
import { SipUri } from '../../address/sip-uri.ts'
import type { SipRequest, SipResponse } from '../../sip/message.ts'
import { type NextHop, NoResponseError } from '../../sip/port.ts'
import type { Locations } from '../location.ts'
import type { MaybePromise } from '../port.ts'
import type { HopPeer } from '../sip-hop.ts'
import type { Next, Outward, Start } from './outward.ts'
import type { Watch } from './port.ts'

/** Where somebody is who is no account of ours. */
export interface Elsewhere {
  /** The address as the Router's table leaves it. */
  readonly address: SipUri
  readonly peer: HopPeer
  /** Everything of its dialogs goes there, too: it asks for credentials, which only its own line has. */
  readonly takesDialogs: boolean
}

export interface WaysOutRooms {
  elsewhere(address: SipUri): Elsewhere | undefined
  readonly locations: Locations
  /** RFC 3263; rejects with NoResponseError. */
  send(request: SipRequest, target: SipUri): Promise<SipResponse>
  sendTo(request: SipRequest, hop: NextHop): Promise<SipResponse>
  hopsFor(target: SipUri): MaybePromise<readonly NextHop[]>
  localFor(hop: NextHop): NextHop
}

export class WaysOut implements Outward {
  constructor(readonly rooms: WaysOutRooms) {}

  startFor({ watcher, watched }: Watch): Start | undefined {
    const elsewhere = this.rooms.elsewhere(watched)
    if (elsewhere) {
      const { address, peer } = elsewhere
      return { target: address, routes: [], next: { uri: peer.uri, hop: undefined, local: watcher, remote: watched } }
    }
    const [binding] = this.rooms.locations.bindingsOf(watched.aor)
    if (!binding) return undefined
    const { contact, path, hop } = binding
    return { target: contact, routes: path, next: { uri: contact, hop, local: watcher, remote: watched } }
  }

  async send(request: SipRequest, next: Next): Promise<SipResponse> {
    const elsewhere = this.rooms.elsewhere(next.remote)
    if (elsewhere && (elsewhere.takesDialogs || elsewhere.peer.uri.toString() === next.uri.toString())) return elsewhere.peer.send(request)
    if (!next.hop) return this.rooms.send(request, next.uri)
    try {
      return await this.rooms.sendTo(request, next.hop)
    } catch (cause) {
      const other = cause instanceof NoResponseError && cause.why === 'transport' ? this.#registeredAnew(next) : undefined
      if (!other) throw cause
      return this.rooms.sendTo(request, other)
    }
  }

  async contactFor({ uri, hop, local }: Next): Promise<SipUri> {
    const [first] = hop ? [hop] : await this.rooms.hopsFor(uri)
    if (!first) throw new NoResponseError('transport', `${uri.host} has no address`)
    const { transport, host, port } = this.rooms.localFor(first)
    // RFC 7118 §5 has one word for both kinds of WebSocket.
    const params = transport === 'udp' ? [] : [{ name: 'transport', value: transport === 'wss' ? 'ws' : transport }]
    return SipUri.of(local.user, host.includes(':') && !host.startsWith('[') ? `[${host}]` : host, { port, params })
  }

  /** Its connection is gone: the same telephone may have a new one. */
  #registeredAnew({ remote, hop }: Next): NextHop | undefined {
    const [binding] = this.rooms.locations.bindingsOf(remote.aor)
    return binding && binding.hop.flow !== hop?.flow ? binding.hop : undefined
  }
}
