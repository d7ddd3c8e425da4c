/** REGISTER (RFC 3261 §10.3), with Path (RFC 3327), GRUUs (RFC 5627) and flows (RFC 5626). The request has been authenticated as its To. */
import { SipUri, SipUriError } from '../address/sip-uri.ts'
import type { Log } from '../log/log.ts'
import { parseContacts } from '../sip/contact.ts'
import { printDate } from '../sip/date.ts'
import { Headers, type SipRequest, SipResponse } from '../sip/message.ts'
import type { NameAddr } from '../sip/name-addr.ts'
import { parseDeltaSeconds } from '../sip/number.ts'
import type { NextHop, Received } from '../sip/port.ts'
import { SipSyntaxError } from '../sip/syntax-error.ts'
import type { Bindings, StoredBinding } from '../store/port.ts'
import type { Binding, Registrations } from './location.ts'
import { FLOWS_MAX, type Flows, flowHop, flowTimerOf, isDirect, NO_TIMER_SECONDS, regIdOf, silenceMs, telephonesIn } from './outbound.ts'
import { RefusedError } from './port.ts'
import type { TemporaryGruus } from './temporary-gruu.ts'

export interface RegistrarSettings {
  /** What a telephone gets that names no time (RFC 3261 §10.2.1.1). */
  readonly defaultExpiresSeconds: number
  /** Shorter ones are refused with 423: they would only keep us busy. */
  readonly minExpiresSeconds: number
  /** Longer ones are shortened, so that a telephone that is gone is noticed. */
  readonly maxExpiresSeconds: number
  /** Telephones of one account. */
  readonly contactsMax: number
}

export const REGISTRAR_DEFAULTS: RegistrarSettings = {
  defaultExpiresSeconds: 3_600,
  minExpiresSeconds: 60,
  maxExpiresSeconds: 7_200,
  contactsMax: 10,
}

const NO_BODY = Buffer.alloc(0)

export class Registrar {
  constructor(
    readonly locations: Registrations,
    readonly store: Bindings,
    readonly settings: RegistrarSettings,
    readonly now: () => number,
    readonly log: Log,
    /** Absent: what a stack cannot watch is no flow, and `reg-id` means nothing. */
    readonly flows?: Flows,
    readonly gruus?: TemporaryGruus,
  ) {}

  /** Throws RefusedError. */
  async register(received: Received, account: SipUri): Promise<SipResponse> {
    const { request } = received
    const contacts = contactsOf(request.headers)
    const before = this.locations.flowsOf(account.aor)
    const after = contacts.length === 0 ? before : this.#changed(received, account, contacts, before)
    if (after !== before) {
      this.locations.replace(account.aor, after)
      await this.store.replace(account.aor, after.map(stored))
      this.#watch(received, after)
      this.log.lowLevel({ what: 'registered', aor: account.toString(), contacts: after.length })
    }
    return this.#listing(received, account, after)
  }

  /** RFC 5626 §7: nothing will reach it any more. */
  flowEnded(gone: Binding): void {
    const { aor, hop } = gone
    const before = this.locations.flowsOf(aor)
    const after = before.filter((one) => !(isSame(one, gone) && one.hop.flow === hop.flow && one.hop.port === hop.port))
    if (after.length === before.length) return
    this.log.lowLevel({ what: 'flow_ended', aor, flow: hop.flow, left: after.length })
    this.locations.replace(aor, after)
    const forget = async () => this.store.replace(aor, after.map(stored))
    forget().catch((cause: unknown) => this.log.failure({ what: 'flow_not_forgotten', aor, cause }))
  }

  /** Takes up the registrations of an earlier run. A connection does not outlive it: those are reached by the address in their contact. */
  async restore(): Promise<readonly Binding[]> {
    const all: Binding[] = []
    const byAor = new Map<string, Binding[]>()
    for (const one of await this.store.load(this.now())) {
      const binding = restored(one)
      if (isOnlyFlow(binding)) continue
      all.push(binding)
      const bindings = byAor.get(one.aor)
      if (bindings) bindings.push(binding)
      else byAor.set(one.aor, [binding])
    }
    for (const [aor, bindings] of byAor) this.locations.replace(aor, bindings)
    return all
  }

  /** RFC 3261 §10.3 step 6 and 7: all contacts or none. */
  #changed(received: Received, account: SipUri, contacts: '*' | readonly NameAddr[], before: readonly Binding[]): readonly Binding[] {
    const { request } = received
    const general = secondsOf(request.headers.get('Expires'))
    if (contacts === '*') {
      if (general !== 0) throw new RefusedError(400, 'Contact: * stands alone, with Expires: 0')
      for (const binding of before) this.#requireNewer(request, binding)
      return []
    }
    let bindings = before
    for (const contact of contacts) {
      const wanted = secondsOf(contact.params.get('expires')) ?? general ?? this.settings.defaultExpiresSeconds
      const { minExpiresSeconds } = this.settings
      if (wanted > 0 && wanted < minExpiresSeconds) {
        throw new RefusedError(423, 'Interval Too Brief', [['Min-Expires', String(minExpiresSeconds)]])
      }
      const regId = this.flows && wanted > 0 ? regIdOf(received, contacts, contact) : undefined
      const seconds = Math.min(wanted, this.settings.maxExpiresSeconds)
      const fresh = this.#binding(received, account, contact, seconds, regId ?? (this.flows && wanted <= 0 ? idOf(contact) : undefined))
      const old = bindings.find((binding) => isSame(binding, fresh))
      const made = old?.callId === fresh.callId && old.begun !== undefined ? { ...fresh, begun: old.begun } : fresh
      if (old) this.#requireNewer(request, old)
      bindings = bindings.filter((binding) => binding !== old)
      if (wanted > 0) bindings = [...bindings, made]
    }
    for (const { instance, regId } of bindings)
      if (regId !== undefined && bindings.filter((one) => one.instance === instance).length > FLOWS_MAX)
        throw new RefusedError(403, `More than ${FLOWS_MAX} flows of one telephone`)
    if (telephonesIn(bindings) > this.settings.contactsMax)
      throw new RefusedError(403, `More than ${this.settings.contactsMax} telephones of one account`)
    return bindings
  }

  #binding(received: Received, account: SipUri, contact: NameAddr, seconds: number, regId: number | undefined): Binding {
    const { headers } = received.request
    const uri = SipUri.parse(contact.uri)
    const q = Number(contact.params.get('q') ?? 1)
    return {
      aor: account.aor,
      contact: uri,
      hop: regId === undefined ? hopTo(uri, received) : flowHop(received),
      path: headers.values('Path'),
      instance: contact.params.get('+sip.instance')?.replace(/^<|>$/g, ''),
      q: q >= 0 && q <= 1 ? q : 1,
      expiresAt: this.now() + seconds * 1_000,
      callId: headers.get('Call-ID') ?? '',
      cseq: Number.parseInt(headers.get('CSeq') ?? '0', 10),
      begun: this.now(),
      ...(regId === undefined ? {} : { regId }),
    }
  }

  /** A flow whose keep-alives cease, or whose connection ends, takes its registration with it. */
  #watch(received: Received, bindings: readonly Binding[]): void {
    const timer = flowTimerOf(received)
    const callId = received.request.headers.get('Call-ID')
    if (!this.flows || !isDirect(received)) return
    for (const one of bindings) {
      if (one.regId === undefined || one.callId !== callId || one.hop !== received.from) continue
      this.flows.watchFlow(one.hop, silenceMs(timer ?? NO_TIMER_SECONDS), one.expiresAt - this.now(), () => this.flowEnded(one))
    }
  }

  /** RFC 3261 §10.3 step 7: an older request of the same telephone that arrives late changes nothing. */
  #requireNewer(request: SipRequest, binding: Binding): void {
    const cseq = Number.parseInt(request.headers.get('CSeq') ?? '0', 10)
    if (binding.callId === request.headers.get('Call-ID') && cseq <= binding.cseq) {
      throw new RefusedError(500, 'A later REGISTER has been here before')
    }
  }

  #listing(received: Received, account: SipUri, bindings: readonly Binding[]): SipResponse {
    const { request, from } = received
    const headers = new Headers()
    const supported = request.headers.values('Supported').map((tag) => tag.toLowerCase())
    for (const binding of bindings) {
      const seconds = Math.max(0, Math.ceil((binding.expiresAt - this.now()) / 1_000))
      let contact = `<${binding.contact}>;expires=${seconds}`
      if (binding.instance !== undefined) {
        contact += `;+sip.instance="<${binding.instance}>"`
        if (binding.regId !== undefined) contact += `;reg-id=${binding.regId}`
        if (supported.includes('gruu')) {
          contact += `;pub-gruu="${account.bare.withGr(binding.instance)}"`
          if (this.gruus && binding.begun !== undefined) contact += `;temp-gruu="${this.gruus.make(account, binding)}"`
        }
      }
      headers.append('Contact', contact)
    }
    if (supported.includes('path')) for (const path of request.headers.all('Path')) headers.append('Path', path)
    if (bindings.some(({ regId, hop, callId }) => regId !== undefined && hop === from && callId === request.headers.get('Call-ID'))) {
      headers.append('Require', 'outbound')
      const timer = flowTimerOf(received)
      if (timer !== undefined) headers.append('Flow-Timer', String(timer))
    }
    headers.append('Date', printDate(new Date(this.now())))
    return new SipResponse(200, 'OK', headers, NO_BODY)
  }
}

/** Throws RefusedError 400 with what is wrong; what is no SIP URI cannot be called back. */
function contactsOf(headers: Headers): '*' | NameAddr[] {
  try {
    const contacts = parseContacts(headers)
    if (contacts !== '*') for (const contact of contacts) SipUri.parse(contact.uri)
    return contacts
  } catch (cause) {
    if (cause instanceof SipSyntaxError || cause instanceof SipUriError) throw new RefusedError(400, `Contact: ${cause.message}`)
    throw cause
  }
}

/** A malformed time is as good as none (RFC 3261 §20.10, §20.19). */
const secondsOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : parseDeltaSeconds(text))

/** One telephone registers again: the same flow of an instance (RFC 5626 §6), the same instance, or the same contact URI (RFC 3261 §10.3 step 7). */
function isSame(a: Binding, b: Binding): boolean {
  const isSameInstance = a.instance !== undefined && a.instance === b.instance
  if (a.regId !== undefined && b.regId !== undefined && isSameInstance) return a.regId === b.regId
  // Who has stopped to number his flows is found by where he is.
  if (a.regId !== undefined || b.regId !== undefined) return isSameInstance && a.contact.equals(b.contact)
  return isSameInstance || a.contact.equals(b.contact)
}

/** Of a flow that is to go: what was refused when it came is not there anyway. */
function idOf(contact: NameAddr): number | undefined {
  const regId = Number(contact.params.get('reg-id'))
  return Number.isInteger(regId) && regId > 0 && contact.params.get('+sip.instance') !== undefined ? regId : undefined
}

/**
 * Over a connection: that connection, as long as it lives (RFC 5626 §5.3). Over UDP: where the request came from when an address translator stands
 * between (the contact names another host), else where the contact says.
 */
function hopTo(contact: SipUri, { from }: Received): NextHop {
  if (from.transport !== 'udp') return from
  const port = contact.port ?? 5060
  const isBehindNat = contact.host !== from.host
  if (contact.transport === 'tcp' && !isBehindNat) return { transport: 'tcp', host: contact.host, port }
  return isBehindNat ? { transport: 'udp', host: from.host, port: from.port } : { transport: 'udp', host: contact.host, port }
}

/** A flow of RFC 5626 over a connection ended with it. RFC 7118 §5: who opened a WebSocket is nowhere without it; its contact is a name nobody can look up. */
const isOnlyFlow = ({ contact, hop, regId }: Binding): boolean =>
  (regId !== undefined && hop.transport !== 'udp') ||
  hop.transport === 'ws' ||
  hop.transport === 'wss' ||
  (hop.transport !== 'udp' && contact.host.endsWith('.invalid'))

function stored(binding: Binding): StoredBinding {
  const { aor, contact, expiresAt, ...rest } = binding
  return { aor, contact: contact.toString(), expiresAt, data: JSON.stringify(rest) }
}

function restored({ aor, contact, expiresAt, data }: StoredBinding): Binding {
  const uri = SipUri.parse(contact)
  const binding = JSON.parse(data)
  const { flow: _, ...hop } = binding.hop
  // The port a connection came from listens to nobody; the contact's may.
  const port = hop.transport !== 'udp' && uri.host === hop.host ? (uri.port ?? (hop.transport === 'tls' ? 5061 : 5060)) : hop.port
  return { ...binding, aor, contact: uri, expiresAt, hop: { ...hop, port } }
}
