/** What comes off a wire, on its way into the core: what we serve at all, who it is from, and what is believed of it. */
import { unbracketed } from '../address/ip-literal.ts'
import { SipUri, SipUriError } from '../address/sip-uri.ts'
import type { Log } from '../log/log.ts'
import { response, type SipRequest, SipResponse } from '../sip/message.ts'
import { parseNameAddr, tagOf } from '../sip/name-addr.ts'
import type { Forward, NextHop, Received } from '../sip/port.ts'
import { SipSyntaxError } from '../sip/syntax-error.ts'
import { assertedSender } from './asserted-identity.ts'
import type { Authenticator } from './authenticator.ts'
import { type Calls, FORWARDED, IN_DIALOG_ONLY } from './calls.ts'
import type { SeenRequests } from './merged.ts'
import type { Core, HopPolicy, MaybePromise } from './port.ts'
import { RefusedError } from './port.ts'
import type { Registrar } from './registrar.ts'
import type { RouteSender } from './routes.ts'
import type { Scanners } from './scanners.ts'
import type { TemporaryGruus } from './temporary-gruu.ts'
import { WireSignal } from './wire-signal.ts'

/** What a SIP element may send us in this version; with a proxy, what telephones may send each other through it, too. */
const ALLOW = 'REGISTER, MESSAGE, OPTIONS, INFO, SUBSCRIBE, NOTIFY, PUBLISH'
const ALLOW_WITH_CALLS = `INVITE, ACK, CANCEL, BYE, ${ALLOW}, REFER, UPDATE, PRACK`
const SERVED = new Set(['REGISTER', 'MESSAGE', 'OPTIONS', 'INFO', 'PUBLISH'])
/** Methods we know and do not serve: 405; anything else is 501 (RFC 3261 §8.2.1, §21.5.2). */
const KNOWN = new Set(['INVITE', 'BYE', 'SUBSCRIBE', 'NOTIFY', 'REFER', 'UPDATE', 'PRACK', ...SERVED])
const SUPPORTED = ['path', 'gruu']
/** With a stack that can tell when a flow is dead. */
const SUPPORTED_WITH_FLOWS = [...SUPPORTED, 'outbound']

export interface WireSettings {
  /** Our domains as SIP hosts, and whether their accounts may have telephones. */
  readonly domains: ReadonlyMap<string, { readonly telephones: boolean }>
  /** Whose P-XMPP-Data and identity count, by their address or by what their certificate proves. */
  readonly trusted: { has(address: string, identity?: readonly string[]): boolean }
  /** The next hops of the Router's table: what comes from them may be spoken for by them. */
  readonly routes: { senderOf(received: Received): RouteSender | undefined; takes(received: Received): boolean }
  /** Takes what a PBX sends to the accounts that live on it; undefined: it is none of that. */
  readonly pbx?: {
    serve(received: Received): MaybePromise<SipResponse> | undefined
    refusesCall(received: Received): SipResponse | undefined
  }
  /** Who watches whom (RFC 6665); absent: nobody. */
  readonly presence?: {
    /** In a dialog of ours; undefined: in none, or no such request. Throws RefusedError. */
    inDialog(received: Received): MaybePromise<SipResponse> | undefined
    /** Whether a SUBSCRIBE that opens a dialog is for somebody whose notifier we are. */
    isNotifierFor(received: Received): boolean
    /** The event packages we serve. */
    readonly events: readonly string[]
  }
  /** Addresses that hide their account, and are proved by its password. */
  readonly gruus?: TemporaryGruus
  /** Who has been refused too often; absent: nobody is counted. */
  readonly scanners?: Scanners | undefined
  /** The content types a message may have, for OPTIONS. */
  readonly accept: string
  /** Whether a request to a `sips:` address may be bridged (RFC 7247 §8: not by default). */
  readonly acceptSips: boolean
  /** How answers are written for a telephone of ours, and for anybody else. */
  readonly toTelephone: HopPolicy
  readonly toStranger: HopPolicy
  readonly toTrusted: HopPolicy
}

export class FromWire {
  constructor(
    readonly core: Core,
    readonly authenticator: Authenticator,
    readonly registrar: Pick<Registrar, 'register' | 'flows'>,
    readonly seen: SeenRequests,
    /** Undefined where the stack cannot forward. */
    readonly calls: Calls | undefined,
    readonly settings: WireSettings,
    readonly now: () => number,
    readonly log: Log,
  ) {}

  readonly serve = async (received: Received): Promise<SipResponse | Forward> => {
    const { scanners } = this.settings
    if (!scanners) return this.#answered(received)
    const { request, from } = received
    const host = bareHost(from)
    // The embedded stack does not even come here; others have read it already.
    if (scanners.refuses(host)) return refusal(403, 'Forbidden')
    const answer = await this.#answered(received)
    if (answer instanceof SipResponse) scanners.answered(host, answer.status, wasWrong(request, answer))
    return answer
  }

  async #answered(received: Received): Promise<SipResponse | Forward> {
    try {
      return await this.#serve(received)
    } catch (cause) {
      if (cause instanceof RefusedError) return refusal(cause.status, cause.reason, cause.headers)
      if (cause instanceof SipUriError || cause instanceof SipSyntaxError) return refusal(400, cause.message)
      this.log.failure({ what: 'request_failed', method: received.request.method, error: cause instanceof Error ? cause.stack : cause })
      return refusal(500, 'Server Internal Error')
    }
  }

  get #allowEvents(): readonly (readonly [string, string])[] {
    const { presence } = this.settings
    return presence ? [['Allow-Events', presence.events.join(', ')]] : []
  }

  get #allow(): string {
    return this.calls ? ALLOW_WITH_CALLS : ALLOW
  }

  get #supported(): readonly string[] {
    return this.registrar.flows ? SUPPORTED_WITH_FLOWS : SUPPORTED
  }

  #serve(received: Received): MaybePromise<SipResponse | Forward> {
    const { request } = received
    const { method, headers } = request
    const inDialog = this.settings.presence?.inDialog(received)
    if (inDialog) return inDialog
    if (!this.#isServed(received)) {
      const noCall = method === 'INVITE' ? this.settings.pbx?.refusesCall(received) : undefined
      if (noCall) return noCall
      if (this.calls && FORWARDED.has(method)) return this.#forward(received, this.calls)
      // RFC 6665 §4.2.1.4: a notifier says what it knows.
      if (method === 'SUBSCRIBE') return refusal(489, 'Bad Event', this.#allowEvents)
      if (this.calls && IN_DIALOG_ONLY.has(method)) return refusal(481, 'Call/Transaction Does Not Exist')
      if (KNOWN.has(method)) return refusal(405, 'Method Not Allowed', [['Allow', this.#allow]])
      return refusal(501, 'Not Implemented', [['Allow', this.#allow]])
    }
    this.#requireBridgeable(request)
    const unsupported = headers.values('Require').filter((tag) => !this.#supported.includes(tag.toLowerCase()))
    if (unsupported.length > 0) return refusal(420, 'Bad Extension', [['Unsupported', unsupported.join(', ')]])
    if (method === 'REGISTER') return this.#register(received)
    // A To-tag speaks of a dialog, and we keep none (RFC 3261 §12.2.2).
    if (tagOf(headers.get('To') ?? '') !== undefined) return refusal(481, 'Call/Transaction Does Not Exist')
    const fromPbx = this.settings.pbx?.serve(received)
    if (fromPbx) {
      this.settings.scanners?.proved(bareHost(received.from))
      return fromPbx
    }
    const route = this.settings.routes.senderOf(received)
    if (this.seen.seen(request, this.now(), route?.hop)) return refusal(482, 'Loop Detected')
    if (method === 'OPTIONS' && isAboutUs(received, this.settings)) return this.#capabilities()
    return this.#signal(received, route)
  }

  /** What watches, or tells who watches, is ours where we are its notifier, and where it is a stanza in SIP's clothes. */
  #isServed(received: Received): boolean {
    const { request } = received
    const { method, headers } = request
    if (method !== 'SUBSCRIBE' && method !== 'NOTIFY') return SERVED.has(method)
    if (tagOf(headers.get('To') ?? '') !== undefined) return false
    if (headers.has('P-XMPP-Data') && this.#trusts(received, this.settings.routes.senderOf(received))) return true
    return method === 'SUBSCRIBE' && this.settings.presence?.isNotifierFor(received) === true
  }

  #capabilities(): SipResponse {
    return response(200, 'OK', [
      ['Allow', this.#allow],
      ['Accept', this.settings.accept],
      ...this.#allowEvents,
      ['Supported', this.#supported.join(', ')],
    ])
  }

  #requireBridgeable(request: SipRequest): void {
    for (const uri of [request.uri, parseNameAddr(request.headers.get('To') ?? '').uri]) {
      const scheme = uri.slice(0, uri.indexOf(':')).toLowerCase()
      if (scheme === 'sips' && !this.settings.acceptSips) throw new RefusedError(403, 'A sips: address promises what no bridge can keep')
      if (scheme !== 'sip' && scheme !== 'sips') throw new RefusedError(416, 'Unsupported URI Scheme')
    }
  }

  async #register(received: Received): Promise<SipResponse> {
    const { request } = received
    const account = SipUri.parse(parseNameAddr(request.headers.get('To') ?? '').uri).bare
    const domain = this.settings.domains.get(account.host)
    if (!domain) return refusal(404, `The domain ${account.host} is not ours`)
    if (!domain.telephones) return refusal(403, `The domain ${account.host} has no telephones`)
    const proof = await this.authenticator.check(request, account, 'registrar', received.from.host)
    if (proof) return proof
    this.settings.scanners?.proved(bareHost(received.from))
    return this.registrar.register(received, account)
  }

  /** What one telephone wants of another (RFC 3261 §16.3): nothing is remembered of who has not proved himself. */
  async #forward(received: Received, calls: Calls): Promise<SipResponse | Forward> {
    const { request, from: hop } = received
    const { headers } = request
    this.#requireBridgeable(request)
    const unsupported = headers.values('Proxy-Require')
    if (unsupported.length > 0) return refusal(420, 'Bad Extension', [['Unsupported', unsupported.join(', ')]])
    if (tagOf(headers.get('To') ?? '') !== undefined) return refusal(481, 'Call/Transaction Does Not Exist')
    const route = this.settings.routes.senderOf(received)
    const speaker = await this.#speaker(received, route)
    if (speaker instanceof SipResponse) return speaker
    if (this.seen.seen(request, this.now(), route?.hop)) return refusal(482, 'Loop Detected')
    const { sender, trusted, account } = speaker
    return calls.forward(WireSignal.of(request, { kind: 'wire', hop, trusted, account }, sender, this.settings.domains), received)
  }

  async #signal(received: Received, route: RouteSender | undefined): Promise<SipResponse> {
    const { request, from: hop } = received
    // RFC 6086 has no INFO outside a dialog; between elements that trust each other it carries iq, and goes to our own ways only.
    if (request.method === 'INFO' && !this.#trusts(received, route))
      return refusal(405, 'INFO outside a dialog is not for telephones', [['Allow', 'MESSAGE, OPTIONS, REGISTER']])
    const speaker = await this.#speaker(received, route)
    if (speaker instanceof SipResponse) return speaker
    const { sender, trusted, account } = speaker
    if (!trusted && request.headers.has('P-XMPP-Data'))
      this.log.problem({ what: 'xmpp_data_ignored', from: sender.bare.toString(), host: hop.host })
    const signal = WireSignal.of(request, { kind: 'wire', hop, trusted, account }, sender, this.settings.domains)
    const answer = await this.core.submit(signal)
    if (account) return answer.responseFor(this.settings.toTelephone)
    return answer.responseFor(route?.policy ?? (trusted ? this.settings.toTrusted : this.settings.toStranger))
  }

  #trusts({ from, identity }: Received, route: RouteSender | undefined): boolean {
    return route?.trusted === true || this.settings.trusted.has(bareHost(from), identity)
  }

  /** Who sent it, as far as that counts; or the response he gets instead. */
  async #speaker(received: Received, route: RouteSender | undefined): Promise<Speaker | SipResponse> {
    const { request, from } = received
    const trusted = this.#trusts(received, route)
    const named = SipUri.parse(parseNameAddr(request.headers.get('From') ?? '').uriWithGr)
    const sender = (trusted ? assertedSender(request.headers) : undefined) ?? named
    if (trusted || route?.vouchesFor(sender) === true) {
      this.settings.scanners?.proved(bareHost(from))
      return { sender, trusted, account: undefined }
    }
    if (!this.settings.domains.has(sender.host)) return refusal(403, `Nobody vouches for ${sender.host} here`)
    const hidden = this.settings.gruus?.resolve(sender)
    const account = hidden instanceof SipUri ? hidden.bare : sender.bare
    const proof = await this.authenticator.check(request, account, 'proxy', from.host)
    if (proof) return proof
    this.settings.scanners?.proved(bareHost(from))
    return { sender, trusted, account }
  }
}

const bareHost = ({ host }: NextHop): string => unbracketed(host)

/** A password was given, and not only too late (RFC 7616 §3.3, stale). */
function wasWrong(request: SipRequest, { status, headers }: SipResponse): boolean {
  if (status === 401) return request.headers.has('Authorization') && !isStale(headers.get('WWW-Authenticate'))
  return status === 407 && request.headers.has('Proxy-Authorization') && !isStale(headers.get('Proxy-Authenticate'))
}

const isStale = (challenge: string | undefined): boolean => challenge !== undefined && /stale=true/i.test(challenge)

interface Speaker {
  readonly sender: SipUri
  readonly trusted: boolean
  /** The account it has proved to be. */
  readonly account: SipUri | undefined
}

/** To one of our domains itself, not to somebody there or behind a route. */
function isAboutUs(received: Received, { domains, routes }: WireSettings): boolean {
  const uri = SipUri.parse(received.request.uri)
  return uri.user === undefined || (!domains.has(uri.host) && !routes.takes(received))
}

const refusal = (status: number, reason: string, fields?: readonly (readonly [string, string])[]): SipResponse =>
  response(status, reason.replace(/[\r\n\0]/g, ' '), fields)
