/** The Router's table as the first of the ways: what an operator has said of an address comes before what we know of it ourselves. */
import { SipUri } from '../address/sip-uri.ts'
import type { Log } from '../log/log.ts'
import type { Received, StackLimits } from '../sip/port.ts'
import { PlainAnswer } from './answer.ts'
import type { ForwardHop, ForwardWay } from './calls.ts'
import type { Courtesy } from './courtesy.ts'
import { type Delivery, type HopPolicy, RefusedError, type Signal, type Target, type Way } from './port.ts'
import type { HopRoute, RouteRule } from './route-rule.ts'
import { type Resolution, RouteTable } from './route-table.ts'
import type { Router } from './router.ts'
import { type HopPeer, SipHop } from './sip-hop.ts'

export interface RouteRooms {
  /** One for each next hop. */
  readonly peer: (uri: SipUri) => HopPeer
  /** The domains we host, as SIP hosts. */
  readonly hosted: { has(host: string): boolean }
  /** Everything behind the table. */
  readonly onward: Router
  readonly limits: StackLimits | undefined
  readonly remake: (signal: Signal) => Signal
  /** Takes the presence of hops that carry no P-XMPP-Data. */
  readonly presence: (signal: Signal) => Delivery
  /** What the people behind next hops have shown that they read. */
  readonly courtesy?: Courtesy
  readonly log: Log
}

/** Over XMPP to this host, for the domain the stream is opened to. */
export interface Relay {
  readonly domain: string
  /** A name, or an address; IPv6 in brackets. */
  readonly host: string
  readonly port: number
}

/** What a request's source is to the table. */
export interface RouteSender {
  /** Which next hop it is. */
  readonly hop: string
  readonly trusted: boolean
  /** Whether the table sends this sender's own address there, so that the hop may speak for it. */
  vouchesFor(sender: SipUri): boolean
  /** How answers to it are written. */
  readonly policy: HopPolicy
}

/** Bytes of all P-XMPP-Data fields together before they move into the body; most stacks read lines of 8 KiB. */
const XMPP_DATA_HEADER_BYTES = 8_000

const NO_WAY: Target = { deliver: (): Delivery => new PlainAnswer(404, 'No way to this domain is known', [], 'transport') }

export class Routes implements Way {
  readonly name = 'routes'
  #table: RouteTable
  /** Where the rule of that place in the table leads to a next hop. */
  #hops: readonly (SipHop | undefined)[] = []

  constructor(
    rules: readonly RouteRule[],
    readonly rooms: RouteRooms,
  ) {
    this.#table = new RouteTable(rules)
    this.#hops = this.#hopsOf(rules)
  }

  /** Another table from now on. What is under way ends as it began; a next hop that stays is still known by its addresses. */
  change(rules: readonly RouteRule[]): Promise<void> {
    this.#hops = this.#hopsOf(rules)
    this.#table = new RouteTable(rules)
    return this.locate()
  }

  #hopsOf(rules: readonly RouteRule[]): readonly (SipHop | undefined)[] {
    const { peer: newPeer, limits, remake, presence, courtesy, log } = this.rooms
    const peers = new Map(this.#hops.flatMap((hop) => (hop ? [[hop.peer.uri.toString(), hop.peer] as const] : [])))
    return rules.map(({ to }) => {
      if (to.kind !== 'hop') return undefined
      const peer = peers.get(to.uri.toString()) ?? newPeer(to.uri)
      peers.set(to.uri.toString(), peer)
      return new SipHop(peer, policyOf(to, limits), to.trusted, remake, log, presence, courtesy)
    })
  }

  targetFor(signal: Signal): Target | undefined {
    if (this.#hops.length === 0) return undefined
    const found = this.#table.resolve(signal.to, (index) => this.#isBarred(index, signal))
    switch (found.kind) {
      case 'circle':
        this.rooms.log.problem({ what: 'route_circle', to: signal.to.bare.toString(), last: found.address.bare.toString() })
        throw new RefusedError(482, 'The routes lead round in a circle')
      case 'hop': {
        this.#requireRelaying(signal, found)
        const hop = this.#hops[found.index]
        return hop && found.address !== signal.to ? new Elsewhere(found.address, () => hop) : hop
      }
      case 'relay':
        this.#requireRelaying(signal, found)
        // A domain of our own that lives elsewhere must not be served here for want of a relay.
        return this.rooms.hosted.has(found.address.host) ? NO_WAY : this.#onward(signal, found.address)
      case 'onward':
        return this.#onward(signal, found.address)
    }
  }

  /** For what is forwarded instead of delivered: the address as aliases leave it, and the next hop where a rule names one. Throws RefusedError. */
  wayFor(signal: Signal): ForwardWay {
    if (this.#hops.length === 0) return { address: signal.to, hop: undefined }
    const found = this.#table.resolve(signal.to, (index) => this.#isBarred(index, signal))
    const { address } = found
    if (found.kind === 'circle') throw new RefusedError(482, 'The routes lead round in a circle')
    if (found.kind === 'onward') return { address, hop: undefined }
    this.#requireRelaying(signal, found)
    const hop = found.kind === 'hop' ? this.#hops[found.index] : undefined
    // A relay carries stanzas, and a call is none.
    if (!hop) throw new RefusedError(404, 'No way for calls to this domain is known')
    return { address, hop: forwardHop(hop.peer, hop.trusted) }
  }

  /** The next hop where this address lives, and the address as its aliases leave it. Our own accounts live here, though a rule sends everything through a core. */
  hopFor(address: SipUri): { readonly address: SipUri; readonly hop: SipHop } | undefined {
    if (this.#hops.length === 0) return undefined
    const isOurs = this.rooms.hosted.has(address.host)
    const found = this.#table.resolve(address, (index) => isOurs && this.#isForAll(index))
    const hop = found.kind === 'hop' ? this.#hops[found.index] : undefined
    return hop && { address: found.address, hop }
  }

  /** The relay that the table names for this address, for whoever opens streams to other servers. */
  relayFor(address: SipUri): Relay | undefined {
    const found = this.#table.resolve(address, () => false)
    if (found.kind !== 'relay') return undefined
    const { domain, host, port } = found.to
    return { domain: domain.filled(found.address.host), host, port }
  }

  /** What sent this request, if the table names it. */
  senderOf({ request, from }: Received): RouteSender | undefined {
    const hop = this.#hops.find((one) => one?.peer.isSourceOf(request, from))
    if (!hop) return undefined
    const isFromThere = (one: SipHop | undefined): boolean => one?.peer.isSourceOf(request, from) ?? false
    return {
      hop: hop.peer.uri.toString(),
      trusted: this.#hops.some((one) => one?.trusted && isFromThere(one)),
      policy: hop.policy,
      vouchesFor: (sender) => {
        const index = this.#table.ruleFor(sender)
        const rule = index === undefined ? undefined : this.#table.rules[index]
        if (index === undefined || !rule || !isFromThere(this.#hops[index])) return false
        // A route for everybody was not meant to let its hop speak for our own accounts.
        return !this.#isForAll(index) || !this.rooms.hosted.has(sender.host)
      },
    }
  }

  /** Whether somebody at the address of this request, as it stands, lives behind a route. */
  takes({ request, from }: Received): boolean {
    const address = SipUri.parse(request.uri)
    if (address.user === undefined || this.#hops.length === 0) return false
    const found = this.#table.resolve(address, (index) => this.#hops[index]?.peer.isSourceOf(request, from) ?? true)
    return found.kind !== 'onward' || found.address !== address
  }

  /** Looks for every next hop, so that what comes from one is known; resolves when all were found or not. */
  async locate(): Promise<void> {
    const peers = new Set(this.#hops.flatMap((hop) => (hop ? [hop.peer] : [])))
    await Promise.all(
      [...peers].map((peer) =>
        peer.locate().catch((cause: unknown) => {
          const why = cause instanceof Error ? cause.message : cause
          this.rooms.log.problem({ what: 'route_hop_not_found', hop: peer.uri.toString(), why })
        }),
      ),
    )
  }

  /** What the hop itself sent is not sent back to it; nor what it cannot carry, where we can answer ourselves. */
  #isBarred(index: number, signal: Signal): boolean {
    const hop = this.#hops[index]
    if (!hop) return true
    const isOurs = this.rooms.hosted.has(signal.to.host)
    if (isOurs && !hop.carries(signal)) return true
    // A dialog of a telephone with an account of ours has no use for a detour.
    if (isOurs && isPlainWatch(signal) && this.#isForAll(index)) return true
    const { arrival, received } = signal
    // Who has proved to be one of our accounts is a telephone, though it may stand where the hop stands.
    return arrival.kind === 'wire' && arrival.account === undefined && hop.peer.isSourceOf(received, arrival.hop)
  }

  #isForAll(index: number): boolean {
    return this.#table.rules[index]?.domain.isWild === true
  }

  #requireRelaying(signal: Signal, { relays, address }: Resolution & { readonly relays: boolean }): void {
    if (relays || this.rooms.hosted.has(signal.from.host)) return
    const { arrival } = signal
    if (arrival.kind === 'task' || (arrival.kind === 'wire' && arrival.trusted)) return
    throw new RefusedError(403, `Nothing of others is relayed to ${address.host}`)
  }

  /** Undefined: as it stands, to the ways behind this one. */
  #onward(signal: Signal, address: SipUri): Target | undefined {
    return address === signal.to ? undefined : new Elsewhere(address, (moved) => this.rooms.onward.targetFor(moved))
  }
}

/** A next hop as calls see it. */
export function forwardHop(peer: HopPeer, trusted: boolean): ForwardHop {
  return {
    trusted,
    locate: () => peer.locateWell?.() ?? peer.locate(),
    failed: (hop, failure) => peer.failed?.(hop, failure),
  }
}

/** A signal goes on under another address. */
class Elsewhere implements Target {
  constructor(
    readonly address: SipUri,
    readonly targetFor: (signal: Signal) => Target,
  ) {}

  deliver(signal: Signal): Delivery {
    const moved = signal.readdressed(this.address)
    if (moved.maxForwards <= 0) throw new RefusedError(483, 'Too Many Hops')
    return this.targetFor(moved).deliver(moved)
  }
}

/** A telephone watches or publishes in SIP's own words, without a stanza beside it. */
const isPlainWatch = ({ method, origin, received }: Signal): boolean =>
  (method === 'SUBSCRIBE' || method === 'PUBLISH') && origin === undefined && received?.headers.has('P-XMPP-Data') !== true

function policyOf({ xmppData, fromGruu, maxMessageBytes }: HopRoute, limits: StackLimits | undefined): HopPolicy {
  return {
    xmppData,
    xmppDataHeaderBytes: Math.min(XMPP_DATA_HEADER_BYTES, limits?.xmppDataHeaderBytes ?? XMPP_DATA_HEADER_BYTES),
    fullXmppData: false,
    fromGruu,
    maxMessageBytes: Math.min(maxMessageBytes, limits?.maxMessageBytes ?? maxMessageBytes),
  }
}
