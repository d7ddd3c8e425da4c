/** Calls, and whatever else one telephone wants of another: not delivered by us, but forwarded to where the account's telephones are (RFC 3261 §16.5). */
import { unbracketed } from '../address/ip-literal.ts'
import { SipUri, SipUriError } from '../address/sip-uri.ts'
import { SipRequest, type SipResponse } from '../sip/message.ts'
import { parseNameAddr } from '../sip/name-addr.ts'
import { type Branch, Forward, type Guide, type NextHop, NoResponseError, type Received } from '../sip/port.ts'
import { isPrivate } from './asserted-identity.ts'
import { NOWHERE } from './gruu-way.ts'
import type { Binding, Locations } from './location.ts'
import { removeOwnCredentials } from './own-credentials.ts'
import { type MaybePromise, RefusedError, type Signal, trusts } from './port.ts'
import type { TemporaryGruus } from './temporary-gruu.ts'

/** Forwarded where they open something between telephones; what follows in their dialogs never comes here. */
export const FORWARDED: ReadonlySet<string> = new Set(['INVITE', 'SUBSCRIBE', 'NOTIFY', 'REFER'])
/** Without a dialog they mean nothing (RFC 3261 §15, RFC 3311, RFC 3262). */
export const IN_DIALOG_ONLY: ReadonlySet<string> = new Set(['BYE', 'UPDATE', 'PRACK'])

/** What the Router's table says of an address. */
export interface ForwardWay {
  /** As its aliases leave it. */
  readonly address: SipUri
  /** The next hop that a rule names: where it is, and whether identities may be told there. */
  readonly hop: ForwardHop | undefined
}

export interface ForwardHop {
  readonly trusted: boolean
  /** Those worth trying, in order. */
  locate(): Promise<readonly NextHop[]>
  /** One of them was not there, or was overloaded. */
  failed?(hop: NextHop, failure: 'timeout' | 'transport' | SipResponse): void
}

export interface CallRooms {
  readonly locations: Locations
  /** Our domains as SIP hosts. */
  readonly domains: { has(host: string): boolean }
  /** Throws RefusedError. */
  readonly routes: { wayFor(signal: Signal): ForwardWay }
  isAccount(address: SipUri): MaybePromise<boolean>
  /** The event packages whose notifier we are. */
  readonly events: readonly string[]
  readonly gruus?: TemporaryGruus
  /** Whether a 3xx is followed for the caller. */
  readonly followsRedirects?: boolean
  /** Nothing will reach this registration any more. */
  flowEnded?(binding: Binding): void
}

/** Hops of a route one call is tried at: who waits for somebody to answer does not wait for more. */
const HOPS_MAX = 4

export class Calls {
  constructor(readonly rooms: CallRooms) {}

  /** Of a sender who is known. Throws RefusedError where nobody can have it. */
  async forward(signal: Signal, received: Received): Promise<Forward> {
    if (signal.maxForwards <= 0) throw new RefusedError(483, 'Too Many Hops')
    this.#requireNoOtherRoute(received)
    const guide = this.#guideFor(signal, received)
    const caller = callerOf(signal)
    const { address, hop } = this.rooms.routes.wayFor(signal)
    if (hop) {
      const branch = await branchTo(address, hop)
      return new Forward(this.#onward(signal, received, hop.trusted), [branch], caller, guideThrough(hop, guide))
    }
    if (!this.rooms.domains.has(address.host)) throw new RefusedError(404, 'No way to this domain is known')
    const bindings = this.#bindingsFor(signal, address)
    if (bindings.length === 0) throw await this.#nobody(signal, address)
    return new Forward(this.#onward(signal, received, !isPrivate(received.request.headers)), bindings.map(branchOf), caller, guide)
  }

  #guideFor(signal: Signal, received: Received): Guide {
    const { followsRedirects, flowEnded } = this.rooms
    return {
      ...(followsRedirects === true && signal.method === 'INVITE'
        ? { follow: (contacts) => this.#follow(signal, received, contacts) }
        : {}),
      failed: ({ binding }: BindingBranch, failure) => {
        // RFC 5626 §7: of a datagram nobody knows; of a connection, or an edge that says so, one does.
        const isGone = failure === 'transport' || (typeof failure === 'object' && failure.status === 430)
        if (binding?.regId !== undefined && isGone) flowEnded?.(binding)
      },
    }
  }

  /** Only to where the caller could have called by himself, and only to accounts of ours and through hops that the table names: nobody's telephone makes us call elsewhere. */
  async #follow(signal: Signal, received: Received, contacts: readonly string[]): Promise<readonly Branch[]> {
    const found: Branch[] = []
    for (const contact of contacts.slice(0, HOPS_MAX)) {
      try {
        const there = signal.readdressed(SipUri.parse(contact))
        if (there.to.scheme !== 'sip') continue
        const { address, hop } = this.rooms.routes.wayFor(there)
        // Its identity fields were made for who was called first.
        if (hop) {
          if (hop.trusted || !received.request.headers.has('P-Asserted-Identity')) found.push(await branchTo(address, hop))
        } else if (this.rooms.domains.has(address.host)) found.push(...this.#bindingsFor(there, address).map(branchOf))
      } catch (cause) {
        if (!(cause instanceof RefusedError) && !(cause instanceof SipUriError)) throw cause
      }
    }
    return found
  }

  /** All of them ring, whatever their `q`: a person does not know which one lies at hand. Who calls himself wants his other telephones. */
  #bindingsFor(signal: Signal, named: SipUri): readonly Binding[] {
    const { method, received } = signal
    const { locations, gruus } = this.rooms
    const found = gruus?.resolve(named)
    if (found === 'invalid') throw NOWHERE
    const address = found ?? named
    if (address.user === undefined) return []
    const { aor } = address
    if (address.gr !== undefined) {
      const device = locations.deviceOf(aor, address.gr)
      return device ? [device] : []
    }
    const bindings = locations.bindingsOf(aor)
    if ((callerOf(signal) ?? signal.from.aor) !== aor) return bindings
    // Of its own account a telephone asks what only we could know: waiting messages, registrations.
    if (method === 'SUBSCRIBE') return []
    const own = contactOf(received)
    return bindings.filter(({ contact }) => contact.toString() !== own)
  }

  async #nobody({ method }: Signal, address: SipUri): Promise<RefusedError> {
    if (address.user === undefined || !(await this.rooms.isAccount(address.bare))) return new RefusedError(404, 'Not Found')
    // RFC 6665 §4.2.1.4: we would be the notifier, and we know no such package.
    if (method === 'SUBSCRIBE') return new RefusedError(489, 'Bad Event', [['Allow-Events', this.rooms.events.join(', ')]])
    return new RefusedError(480, 'No telephone of this account is here')
  }

  /** A Route that led here has done its work; one that leads on from here would make us send whatever anybody wants to wherever he wants. */
  #requireNoOtherRoute({ request, local }: Received): void {
    for (const route of request.headers.values('Route').slice(1)) {
      const host = hostOf(route)
      if (host === local.host || this.rooms.domains.has(host)) continue
      throw new RefusedError(403, `No route leads from here to ${host}`)
    }
  }

  #onward(signal: Signal, { request }: Received, tellsIdentity: boolean): SipRequest {
    const headers = request.headers.copy()
    headers.set('Max-Forwards', String(signal.maxForwards - 1))
    headers.remove('Route')
    // A Record-Route before the first dialog-forming hop may be there; a Proxy-Require was for us.
    headers.remove('Proxy-Require')
    removeOwnCredentials(headers, this.rooms.domains)
    if (!trusts(signal.arrival)) headers.remove('P-XMPP-Data')
    // RFC 3325 §5: asserted only among those who trust each other.
    if (!trusts(signal.arrival) || !tellsIdentity) headers.remove('P-Asserted-Identity')
    return new SipRequest(request.method, request.uri, headers, request.body)
  }
}

/** The account that has proved itself: From may name a temporary GRUU of its. */
function callerOf({ arrival }: Signal): string | undefined {
  return arrival.kind === 'wire' ? arrival.account?.aor : undefined
}

interface BindingBranch extends Branch {
  readonly binding?: Binding
}

function branchOf(binding: Binding): BindingBranch {
  const { contact, path, hop, aor, others } = binding
  return { uri: contact.toString(), route: path, hop, aor, binding, ...(others === undefined ? {} : { others: others.map(branchOf) }) }
}

async function branchTo(address: SipUri, hop: ForwardHop): Promise<Branch> {
  try {
    const [first, ...rest] = (await hop.locate()).slice(0, HOPS_MAX)
    const branch = (one: NextHop): Branch => ({ uri: address.toString(), route: [], hop: one })
    if (first) return { ...branch(first), others: rest.map(branch) }
  } catch (cause) {
    if (!(cause instanceof NoResponseError)) throw cause
  }
  throw new RefusedError(500, 'The next hop cannot be found')
}

function guideThrough(hop: ForwardHop, { follow }: Guide): Guide {
  return { ...(follow === undefined ? {} : { follow }), failed: (branch, failure) => hop.failed?.(branch.hop, failure) }
}

function contactOf(request: SipRequest | undefined): string | undefined {
  const contact = request?.headers.get('Contact')
  return contact === undefined ? undefined : parseNameAddr(contact).uri
}

function hostOf(route: string): string {
  const [, host = ''] = /^sips?:(?:[^@]*@)?(\[[^\]]*\]|[^:;?]*)/i.exec(parseNameAddr(route).uri) ?? []
  return unbracketed(host).toLowerCase()
}
