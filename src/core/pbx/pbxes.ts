/** The domains that live on a PBX, as one of the ways: what is for them goes there, what comes from there is for their accounts here. */
import { SipUri } from '../../address/sip-uri.ts'
import { parseNameAddr } from '../../sip/name-addr.ts'
import type { NextHop, Received } from '../../sip/port.ts'
import type { ForwardWay } from '../calls.ts'
import { type Delivery, RefusedError, type Signal, type Target, type Way } from '../port.ts'
import { forwardHop, type RouteSender } from '../routes.ts'
import type { SipHop } from '../sip-hop.ts'
import type { LoginOutcome } from './line.ts'
import { Pbx, type PbxRooms, type PbxSettings } from './pbx.ts'
import type { Residents } from './residents.ts'

export class Pbxes implements Way {
  readonly name = 'PBX'
  readonly #byHost: ReadonlyMap<string, Pbx>

  constructor(
    settings: readonly PbxSettings[],
    rooms: PbxRooms,
    readonly residents: Residents,
  ) {
    this.#byHost = new Map(settings.map((one) => [one.host, new Pbx(one, rooms)]))
  }

  targetFor(signal: Signal): Target | undefined {
    if (this.#byHost.size === 0) return undefined
    const { to, arrival, received } = signal
    const pbx = this.#byHost.get(to.host)
    // The domain's own address is ours, and so is what no PBX could be told.
    if (!pbx || to.user === undefined || !pbx.hop.carries(signal)) return undefined
    if (arrival.kind === 'wire' && pbx.peer.isSourceOf(received, arrival.hop)) return undefined
    if (PRESENCE.has(signal.method) && this.residents.has(to)) return undefined
    // A resource says nothing to a PBX.
    return to.gr === undefined ? pbx.hop : new WithoutDevice(pbx.hop)
  }

  /**
   * The account that a request from its PBX is for: by the contact we registered, by its address, or by its extension where the gateway is a
   * trunk. Undefined where it is for nobody of these. Throws SipUriError.
   */
  accountFor({ request, from }: Received): SipUri | undefined {
    if (this.#byHost.size === 0) return undefined
    const { user, host } = SipUri.parse(request.uri)
    if (user === undefined) return undefined
    for (const pbx of this.#byHost.values()) {
      if (!pbx.peer.isSourceOf(request, from)) continue
      const account = pbx.accountAt(user) ?? this.#addressed(pbx, user, host, request.headers.get('To'))
      if (account) return account
    }
    return undefined
  }

  /** The sender as the domain's accounts know him: many a PBX names its extensions at its own address. */
  known(sender: SipUri, account: SipUri, hop: NextHop): SipUri {
    const { user, host } = sender
    const isItself = host === bracketed(hop.host) || host === this.#byHost.get(account.host)?.settings.uri.host
    return user !== undefined && isItself && !this.#byHost.has(host) ? SipUri.of(user, account.host) : sender
  }

  /** Whether this domain lives on a PBX. */
  isAt(host: string): boolean {
    return this.#byHost.has(host)
  }

  /** The PBX where this address lives. */
  hopFor(address: SipUri): SipHop | undefined {
    return address.user === undefined ? undefined : this.#byHost.get(address.host)?.hop
  }

  /** What sent this request, if it is a PBX: it may speak for its own domain. */
  senderOf({ request, from }: Received): RouteSender | undefined {
    for (const pbx of this.#byHost.values()) {
      if (!pbx.peer.isSourceOf(request, from)) continue
      return {
        hop: pbx.settings.uri.toString(),
        trusted: false,
        policy: pbx.hop.policy,
        vouchesFor: ({ host }) => this.#byHost.get(host)?.peer.isSourceOf(request, from) === true,
      }
    }
    return undefined
  }

  /** For what is forwarded instead of delivered: to the PBX, where no route says otherwise and it does not come from there. */
  wayFor({ arrival, received }: Signal, found: ForwardWay): ForwardWay {
    const { address, hop } = found
    const pbx = hop || address.user === undefined ? undefined : this.#byHost.get(address.host)
    if (!pbx || (arrival.kind === 'wire' && pbx.peer.isSourceOf(received, arrival.hop))) return found
    return { address, hop: forwardHop(pbx.peer, false) }
  }

  /** Whether the passwords of this domain are its PBX's. */
  checksPasswords(host: string): boolean {
    return this.#byHost.get(host)?.checksPasswords === true
  }

  /** For a domain whose passwords are its PBX's. */
  async login(account: SipUri, password: string): Promise<LoginOutcome> {
    return (await this.#byHost.get(account.host)?.login(account, password)) ?? 'wrong'
  }

  knows(account: SipUri): boolean {
    return this.#byHost.get(account.host)?.knows(account.aor) === true
  }

  /** The account's first session is there. */
  arrived(account: SipUri): void {
    const pbx = this.#byHost.get(account.host)
    if (!pbx) return
    pbx.arrived(account)
    this.residents.add(account).catch((cause: unknown) => {
      pbx.rooms.log.failure({ what: 'resident_not_kept', error: cause instanceof Error ? cause.stack : cause })
    })
  }

  /** The account's last session has ended. */
  emptied(account: SipUri): void {
    this.#byHost.get(account.host)?.emptied(account.aor)
  }

  /** The connection that all of it goes through was lost, and is there again. */
  returned(): void {
    for (const pbx of this.#byHost.values()) pbx.returned()
  }

  async end(account: SipUri): Promise<void> {
    await this.#byHost.get(account.host)?.end(account.aor)
  }

  async locate(): Promise<void> {
    await Promise.all([...this.#byHost.values()].map(({ peer }) => peer.locate().catch(() => undefined)))
  }

  /** One line for each, for who asks how it goes. */
  get status(): readonly (readonly [string, string])[] {
    return [...this.#byHost].map(([host, pbx]) => [`pbx ${host}`, `${pbx.isAway ? 'away' : 'there'}, ${pbx.lines} registered`])
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#byHost.values()].map((pbx) => pbx.stop()))
  }

  #addressed(pbx: Pbx, user: string, host: string, to: string | undefined): SipUri | undefined {
    if (host === pbx.settings.host) return SipUri.of(user, host)
    if (pbx.settings.register || this.#byHost.has(host)) return undefined
    // A trunk is called by the gateway's own address; To may say which of several domains is meant.
    const meant = SipUri.parse(parseNameAddr(to ?? '').uri).host
    return meant === pbx.settings.host || !this.#byHost.has(meant) ? SipUri.of(user, pbx.settings.host) : undefined
  }
}

/** Of whoever has logged in here once it is ours to tell; the other extensions are asked at the PBX. */
const PRESENCE: ReadonlySet<string> = new Set(['SUBSCRIBE', 'NOTIFY', 'PUBLISH'])

/** As a URI writes an address. */
const bracketed = (host: string): string => (host.includes(':') && !host.startsWith('[') ? `[${host}]` : host)

class WithoutDevice implements Target {
  constructor(readonly onward: Target) {}

  deliver(signal: Signal): Delivery {
    const moved = signal.readdressed(signal.to.bare)
    if (moved.maxForwards <= 0) throw new RefusedError(483, 'Too Many Hops')
    return this.onward.deliver(moved)
  }
}
