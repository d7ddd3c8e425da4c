/** A client's stream until it is bound (RFC 6120 §4.3): header, features, and one step of negotiation after the other. */
import type { Sessions } from '../account/sessions.ts'
import { Jid, JidError } from '../address/jid.ts'
import type { MaybePromise } from '../core/port.ts'
import { NS_CLIENT } from '../stanza/stanza.ts'
import { type Element, el } from '../xml/element.ts'
import type { Connection } from './connection.ts'
import type { Conversation } from './conversation.ts'
import type { ClientSession } from './from-client.ts'
import type { StreamLimits } from './limits.ts'
import { NS_STREAM } from './namespaces.ts'
import { authenticate } from './negotiation/authenticate.ts'
import { bindResource } from './negotiation/bind-resource.ts'
import { legacyLogin } from './negotiation/legacy-login.ts'
import { rosterFeatures } from './negotiation/roster-features.ts'
import { startTls } from './negotiation/start-tls.ts'
import type { MakeStep, Step } from './negotiation/step.ts'
import type { LoginRooms } from './sasl/logins.ts'
import type { LoginPolicy } from './sasl/mechanisms.ts'
import { StreamError } from './stream-error.ts'

export interface HostedDomain extends LoginPolicy {
  /** Prepared, as U-labels. */
  readonly name: string
  /** Whether clients older than SASL may log in (XEP-0078). */
  readonly legacyLogin?: boolean
}

/** Takes what a bound client sends: from-client.ts. */
export interface ClientStanzas {
  /** A stanza that goes somewhere. A promise where the next one has to wait until this one is done; it never rejects. */
  take(session: ClientSession, xml: Element): MaybePromise<void>
  /** The session's presence is this one now. As `take`. */
  available(session: ClientSession, presence: Element, isInitial: boolean): MaybePromise<void>
  /** It has none any more, and says so with this one. As `take`. */
  unavailable(session: ClientSession, presence: Element, wasAvailable: boolean): MaybePromise<void>
  ended(session: ClientSession, wasAvailable: boolean): void
}

/** What all client streams share. */
export interface ClientRooms {
  /** The domains we host; asked anew at each header, so that a change counts from then on. */
  readonly domains: ReadonlyMap<string, HostedDomain>
  readonly logins: LoginRooms
  readonly sessions: Sessions
  readonly fromClient: ClientStanzas
  readonly limits: StreamLimits
  readonly negotiation: readonly MakeStep[]
}

/** In the order in which they stand in the features. main adds to it what comes beside (XEP-0388, XEP-0198 …). */
export const NEGOTIATION: readonly MakeStep[] = [startTls, authenticate, legacyLogin, bindResource, rosterFeatures]

/** RFC 5646 in outline: what is stamped on every stanza is at least shaped like a language. */
const LANGUAGE = /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,7}$/

export class ClientStream implements Conversation {
  domain: HostedDomain | undefined
  /** The account; undefined until somebody has logged in. */
  jid: Jid | undefined
  /** The language of stanzas that name none (RFC 6120 §4.7.4). */
  lang: string | undefined
  /** Of this stream; old clients' digest is made with it. */
  id = ''
  #failures = 0
  /** Who the client says it is, under TLS, where nobody else can have said so (§6.4.6). */
  #says: Jid | undefined
  readonly #steps: readonly Step[]

  constructor(
    readonly connection: Connection,
    readonly rooms: ClientRooms,
  ) {
    this.#steps = rooms.negotiation.map((make) => make(this))
  }

  opened(header: Element, contentNs: string): void {
    const from = addressIn(header.attr('from'))
    const domain = this.#domainFor(header.attr('to'))
    const isOld = header.attr('version') === undefined && domain?.legacyLogin === true
    this.id = this.connection.header({
      ns: NS_CLIENT,
      from: domain?.name ?? this.connection.defaultDomain,
      to: from instanceof Jid ? from.bare.toString() : undefined,
      // §4.7.5: who says none is of before 1.0, and is told none.
      version: isOld ? undefined : '1.0',
    })
    if (contentNs !== NS_CLIENT) throw new StreamError('invalid-namespace', 'A stream keeps the namespace it began with')
    if (!domain)
      throw new StreamError('host-unknown', header.attr('to') === undefined ? 'The header does not say which domain you want' : undefined)
    if (!isOld && !isVersionOne(header.attr('version')))
      throw new StreamError('unsupported-version', 'Clients of version 1.0 and later are served here')
    if (from instanceof JidError) throw new StreamError('invalid-from', from.message)
    if (this.jid && this.jid.domain !== domain.name) throw new StreamError('host-unknown', `You have logged in to ${this.jid.domain}`)
    if (this.jid) mustBe(from, this.jid)
    this.domain = domain
    this.#says = this.connection.isSecure ? from : undefined
    const lang = header.attr('xml:lang')
    this.lang = lang !== undefined && LANGUAGE.test(lang) ? lang : undefined
    if (!isOld) this.connection.send(el('features', NS_STREAM, {}, ...this.#steps.flatMap((step) => step.offers())))
  }

  element(xml: Element): void {
    const step = this.#steps.find((one) => one.takes(xml))
    if (step) return step.take(xml)
    const isStanza = xml.ns === NS_CLIENT && (xml.name === 'message' || xml.name === 'presence' || xml.name === 'iq')
    if (isStanza) throw new StreamError('not-authorized', this.jid ? 'Bind a resource first' : 'Log in first')
    throw new StreamError('unsupported-stanza-type', `<${xml.name}/> in the namespace ${xml.ns} means nothing here now`)
  }

  ended(): void {
    for (const step of this.#steps) step.ended?.()
  }

  /** A step has found out who this is. The client begins a new stream. */
  authenticated(jid: Jid): void {
    mustBe(this.#says, jid)
    this.jid = jid
    this.connection.role = 'XMPPS'
    this.connection.log.major({ what: 'logged_in', account: jid.toString(), secure: this.connection.isSecure })
    this.connection.restart()
  }

  /** The same, on a stream that goes on. */
  welcomed(jid: Jid): void {
    mustBe(this.#says, jid)
    this.jid = jid
    this.connection.role = 'XMPPS'
    this.connection.log.major({ what: 'logged_in', account: jid.toString(), secure: this.connection.isSecure })
    this.connection.welcome()
  }

  /** Throws when it was once too often. */
  loginFailed(): void {
    this.#failures++
    if (this.#failures >= this.rooms.limits.authenticationAttempts)
      throw new StreamError('policy-violation', 'Too many logins failed on this stream')
  }

  /** §4.7.2: liberal with those who name none, as long as it cannot be another one. */
  #domainFor(to: string | undefined): HostedDomain | undefined {
    const { domains } = this.rooms
    if (to === undefined) return domains.size === 1 ? domains.values().next().value : undefined
    const jid = addressIn(to)
    return jid instanceof Jid && jid.isDomain ? domains.get(jid.domain) : undefined
  }
}

function addressIn(text: string | undefined): Jid | JidError | undefined {
  if (text === undefined) return undefined
  try {
    return Jid.parse(text)
  } catch (cause) {
    if (cause instanceof JidError) return cause
    throw cause
  }
}

function mustBe(said: Jid | undefined, jid: Jid): void {
  if (said && !said.bare.equals(jid)) throw new StreamError('invalid-from', `The header was from ${said.bare}, the login from ${jid}`)
}

/** §4.7.5: numbers, not text; none at all means 0.9. */
function isVersionOne(version: string | undefined): boolean {
  const parts = /^(\d{1,9})\.(\d{1,9})$/.exec(version ?? '')
  return parts !== null && Number(parts[1]) >= 1
}
