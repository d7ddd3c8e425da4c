/** Calls, and whatever else one telephone wants of another: not delivered by us, but forwarded to where the account's telephones are (RFC 3261 §16.5). */
import { unbracketed } from '../address/ip-literal.ts'
import type { SipUri } from '../address/sip-uri.ts'
import { SipRequest } from '../sip/message.ts'
import { parseNameAddr } from '../sip/name-addr.ts'
import { type Branch, Forward, type NextHop, NoResponseError, type Received } from '../sip/port.ts'
import { isPrivate } from './asserted-identity.ts'
import type { Binding, Locations } from './location.ts'
import { removeOwnCredentials } from './own-credentials.ts'
import { type MaybePromise, RefusedError, type Signal, trusts } from './port.ts'

/** Forwarded where they open something between telephones; what follows in their dialogs never comes here. */
export const FORWARDED: ReadonlySet<string> = new Set(['INVITE', 'SUBSCRIBE', 'NOTIFY', 'REFER'])
/** Without a dialog they mean nothing (RFC 3261 §15, RFC 3311, RFC 3262). */
export const IN_DIALOG_ONLY: ReadonlySet<string> = new Set(['BYE', 'UPDATE', 'PRACK'])

/** What the Router's table says of an address. */
export interface ForwardWay {
  /** As its aliases leave it. */
  readonly address: SipUri
  /** The next hop that a rule names: where it is, and whether identities may be told there. */
  readonly hop: { readonly trusted: boolean; locate(): Promise<readonly NextHop[]> } | undefined
}

export interface CallRooms {
  readonly locations: Locations
  /** Our domains as SIP hosts. */
  readonly domains: { has(host: string): boolean }
  /** Throws RefusedError. */
  readonly routes: { wayFor(signal: Signal): ForwardWay }
  isAccount(address: SipUri): MaybePromise<boolean>
}

export class Calls {
  constructor(readonly rooms: CallRooms) {}

  /** Of a sender who is known. Throws RefusedError where nobody can have it. */
  async forward(signal: Signal, received: Received): Promise<Forward> {
    if (signal.maxForwards <= 0) throw new RefusedError(483, 'Too Many Hops')
    this.#requireNoOtherRoute(received)
    const { address, hop } = this.rooms.routes.wayFor(signal)
    if (hop) return new Forward(this.#onward(signal, received, hop.trusted), [await branchTo(address, hop)])
    if (!this.rooms.domains.has(address.host)) throw new RefusedError(404, 'No way to this domain is known')
    const bindings = this.#bindingsFor(signal, address)
    if (bindings.length === 0) throw await this.#nobody(signal, address)
    return new Forward(this.#onward(signal, received, !isPrivate(received.request.headers)), bindings.map(branchOf))
  }

  /** All of them ring, whatever their `q`: a person does not know which one lies at hand. Who calls himself wants his other telephones. */
  #bindingsFor({ method, from, received }: Signal, address: SipUri): readonly Binding[] {
    const { locations } = this.rooms
    if (address.user === undefined) return []
    const { aor } = address
    if (address.gr !== undefined) {
      const device = locations.deviceOf(aor, address.gr)
      return device ? [device] : []
    }
    const bindings = locations.bindingsOf(aor)
    if (from.aor !== aor) return bindings
    // Of its own account a telephone asks what only we could know: waiting messages, registrations.
    if (method === 'SUBSCRIBE') return []
    const own = contactOf(received)
    return bindings.filter(({ contact }) => contact.toString() !== own)
  }

  async #nobody({ method }: Signal, address: SipUri): Promise<RefusedError> {
    if (address.user === undefined || !(await this.rooms.isAccount(address.bare))) return new RefusedError(404, 'Not Found')
    // RFC 6665 §4.2.1.4: we would be the notifier, and we know no such package.
    if (method === 'SUBSCRIBE') return new RefusedError(489, 'Bad Event')
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

function branchOf({ contact, path, hop }: Binding): Branch {
  return { uri: contact.toString(), route: path, hop }
}

async function branchTo(address: SipUri, hop: { locate(): Promise<readonly NextHop[]> }): Promise<Branch> {
  try {
    const [first] = await hop.locate()
    if (first) return { uri: address.toString(), route: [], hop: first }
  } catch (cause) {
    if (!(cause instanceof NoResponseError)) throw cause
  }
  throw new RefusedError(500, 'The next hop cannot be found')
}

function contactOf(request: SipRequest | undefined): string | undefined {
  const contact = request?.headers.get('Contact')
  return contact === undefined ? undefined : parseNameAddr(contact).uri
}

function hostOf(route: string): string {
  const [, host = ''] = /^sips?:(?:[^@]*@)?(\[[^\]]*\]|[^:;?]*)/i.exec(parseNameAddr(route).uri) ?? []
  return unbracketed(host).toLowerCase()
}
