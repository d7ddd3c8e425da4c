/** A stream another server has opened to us (RFC 6120 §4.3): TLS, proof by certificate (XEP-0178) or by dialback (XEP-0220), then stanzas of the pairs that were proved, and of no others. */

import { toAscii } from '../../address/idna.ts'
import { StanzaError } from '../../stanza/error.ts'
import { NS_CLIENT } from '../../stanza/stanza.ts'
import { type Element, el } from '../../xml/element.ts'
import type { Connection } from '../connection.ts'
import { inNamespace } from '../content-namespace.ts'
import type { Conversation } from '../conversation.ts'
import { domainIn } from '../domain-in.ts'
import { NS_SASL, NS_SERVER, NS_STREAM, NS_TLS } from '../namespaces.ts'
import { StreamError } from '../stream-error.ts'
import { isFor } from './certificate-names.ts'
import { DIALBACK_FEATURE, type DialbackKeys, failureOf, outcomeFor, type Pair, verdictOn } from './dialback.ts'
import type { FromServer } from './from-server.ts'
import type { ServerLimits } from './limits.ts'
import { NS_DIALBACK, SERVER_PREFIXES } from './namespaces.ts'
import type { Queue } from './queue.ts'
import type { Verifying } from './verifying.ts'

export interface InRooms {
  /** A hosted domain or a component's, as XMPP writes it. */
  speaksFor(domain: string): boolean
  readonly keys: DialbackKeys
  readonly fromServer: FromServer
  /** Ours towards the domain whose key is to be checked. Throws StanzaError. */
  queueFor(pair: Pair): Queue
  readonly verifying: Verifying
  readonly limits: ServerLimits
  /** Whether the CN of a certificate without other names says whose it is. */
  countsCommonNames(): boolean
}

const NOT_SERVED = new StanzaError('cancel', 'item-not-found', 'This domain is not served here')
const BUSY = new StanzaError('wait', 'resource-constraint', 'Too many keys of yours are being checked; try again in a moment')

export class InStream implements Conversation {
  #domain: string | undefined
  #remote: string | undefined
  #id = ''
  /** The domain that its certificate has proved, after SASL. */
  #proved: string | undefined
  readonly #pairs = new Set<string>()
  #verifying = 0
  #lastPair = ''
  #isOver = false

  constructor(
    readonly connection: Connection,
    readonly rooms: InRooms,
  ) {}

  /** For whoever looks: the first domain it speaks for. */
  get remote(): string | undefined {
    return this.#remote
  }

  opened(header: Element, contentNs: string): void {
    const to = domainIn(header.attr('to'))
    const from = domainIn(header.attr('from'))
    const isServed = to !== undefined && this.rooms.speaksFor(to)
    this.#id = this.connection.header({
      ns: NS_SERVER,
      from: isServed ? to : this.connection.defaultDomain,
      to: from,
      prefixes: SERVER_PREFIXES,
    })
    if (contentNs !== NS_SERVER) throw new StreamError('invalid-namespace', 'A stream keeps the namespace it began with')
    if (header.attr('to') !== undefined && !isServed) throw new StreamError('host-unknown')
    if (header.attr('from') !== undefined && from === undefined) throw new StreamError('invalid-from', 'The header is from no domain')
    if (this.#proved !== undefined && from !== undefined && from !== this.#proved)
      throw new StreamError('invalid-from', `You have proved to be ${this.#proved}`)
    this.#domain = to ?? this.connection.defaultDomain
    this.#remote = from
    // A server of the time before version 1.0 knows no features.
    if (header.attr('version') !== undefined) this.connection.send(el('features', NS_STREAM, {}, ...this.#features()))
  }

  element(xml: Element): void {
    switch (xml.ns) {
      case NS_SERVER:
        return this.#stanza(xml)
      case NS_DIALBACK:
        return this.#dialback(xml)
      case NS_TLS:
        return this.#startTls(xml)
      case NS_SASL:
        return this.#sasl(xml)
      default:
        throw unsupported(xml)
    }
  }

  ended(): void {
    this.#isOver = true
  }

  // --- negotiation ---

  #features(): Element[] {
    const features: Element[] = []
    if (this.#canStartTls) features.push(el('starttls', NS_TLS))
    if (this.#offersExternal) features.push(el('mechanisms', NS_SASL, {}, el('mechanism', NS_SASL, {}, 'EXTERNAL')))
    features.push(DIALBACK_FEATURE)
    return features
  }

  /** Not after something was proved: it would protect what has been said already. */
  get #canStartTls(): boolean {
    return this.connection.canStartTls && this.#pairs.size === 0
  }

  /** Only where it will succeed: who is offered nothing goes on to dialback. */
  get #offersExternal(): boolean {
    return this.#proved === undefined && this.#remote !== undefined && this.#isCertified(this.#remote)
  }

  #isCertified(domain: string): boolean {
    const certificate = this.connection.trustedPeer
    return certificate !== undefined && isFor(certificate, toAscii(domain) ?? domain, this.rooms.countsCommonNames())
  }

  #startTls(xml: Element): void {
    const { connection } = this
    const domain = this.#domain ?? connection.defaultDomain
    if (xml.name === 'starttls' && this.#canStartTls) return connection.startTls(el('proceed', NS_TLS), toAscii(domain) ?? domain, true)
    connection.send(el('failure', NS_TLS))
    connection.close()
  }

  #sasl(xml: Element): void {
    if (xml.name !== 'auth' || xml.attr('mechanism') !== 'EXTERNAL') return this.#saslFailed('invalid-mechanism')
    const text = xml.text().trim()
    // XEP-0178 §3: `=` or nothing says: whoever the header is from.
    const written = text === '' || text === '=' ? this.#remote : Buffer.from(text, 'base64').toString('utf8')
    const domain = domainIn(written)
    if (domain === undefined || (this.#remote !== undefined && domain !== this.#remote)) return this.#saslFailed('invalid-authzid')
    if (this.#proved !== undefined || this.rooms.speaksFor(domain) || !this.#isCertified(domain)) return this.#saslFailed('not-authorized')
    this.#proved = domain
    this.#remote = domain
    this.connection.send(el('success', NS_SASL))
    this.connection.log.major({ what: 'server_proved', domain, by: 'certificate' })
    this.connection.restart()
    this.connection.settled()
  }

  #saslFailed(condition: string): void {
    this.connection.send(el('failure', NS_SASL, {}, el(condition, NS_SASL)))
  }

  // --- dialback ---

  #dialback(xml: Element): void {
    const type = xml.attr('type')
    // Answers come on streams that we have opened.
    if (type !== undefined || (xml.name !== 'result' && xml.name !== 'verify')) throw unsupported(xml)
    const from = domainIn(xml.attr('from'))
    const to = domainIn(xml.attr('to'))
    if (from === undefined || to === undefined) throw new StreamError('improper-addressing', 'Dialback is from a domain to a domain')
    if (xml.name === 'verify') return this.#asked(xml, { from, to })
    this.#claimed({ from, to }, xml.text().trim())
  }

  /** Another server asks whether a key is ours: nothing but the key itself is needed to say so. */
  #asked(xml: Element, { from, to }: Pair): void {
    const id = xml.attr('id') ?? ''
    const back = { from: to, to: from }
    if (!this.rooms.speaksFor(to)) return this.connection.send(failureOf('verify', back, NOT_SERVED, id))
    const isOurs = this.rooms.keys.isOurs(xml.text().trim(), from, to, id)
    if (!isOurs) this.connection.log.problem({ what: 'dialback_denied', from, to })
    this.connection.send(verdictOn(back, id, isOurs ? 'valid' : 'invalid'))
  }

  /** It wants to speak for a domain: that domain's own server is asked. */
  #claimed(pair: Pair, key: string): void {
    const { rooms, connection } = this
    const back = { from: pair.to, to: pair.from }
    const refuse = (error: StanzaError): void => connection.send(failureOf('result', back, error))
    if (!rooms.speaksFor(pair.to)) return refuse(NOT_SERVED)
    if (rooms.speaksFor(pair.from)) throw new StreamError('invalid-from', `${pair.from} is served here and nowhere else`)
    if (this.#has(pair.from, pair.to)) return connection.send(outcomeFor(back, 'valid'))
    const place = connection.remote.address
    if (this.#verifying >= rooms.limits.verifyingPerStream || this.#pairs.size >= rooms.limits.pairsPerStream) return refuse(BUSY)
    if (!rooms.verifying.begin(place)) return refuse(BUSY)
    this.#verifying++
    this.#verified(pair, key)
      .catch((cause: unknown) => {
        if (cause instanceof StanzaError) return refuse(new StanzaError(cause.type, 'remote-server-not-found', cause.text))
        connection.log.failure({ what: 'dialback_failed', error: cause instanceof Error ? cause.stack : cause })
        refuse(new StanzaError('wait', 'internal-server-error'))
      })
      .finally(() => {
        this.#verifying--
        rooms.verifying.end(place)
      })
  }

  async #verified(pair: Pair, key: string): Promise<void> {
    const { connection } = this
    const back = { from: pair.to, to: pair.from }
    const verdict = await this.rooms.queueFor(back).verify(this.#id, key)
    if (this.#isOver) return
    if (verdict === 'invalid') {
      connection.log.problem({ what: 'dialback_refused', from: pair.from, to: pair.to })
      connection.send(outcomeFor(back, 'invalid'))
      // XEP-0220 §2.3: whoever lies about one domain is not believed about others.
      return this.#pairs.size === 0 ? connection.close() : undefined
    }
    this.#pairs.add(pairKey(pair.from, pair.to))
    this.#remote ??= pair.from
    connection.welcome()
    connection.log.major({ what: 'server_proved', domain: pair.from, to: pair.to, by: 'dialback', secure: connection.isSecure })
    connection.send(outcomeFor(back, 'valid'))
  }

  // --- stanzas ---

  #stanza(xml: Element): void {
    if (xml.name !== 'message' && xml.name !== 'presence' && xml.name !== 'iq') throw unsupported(xml)
    if (this.#pairs.size === 0 && this.#proved === undefined) throw new StreamError('not-authorized', 'Prove first who you are')
    this.rooms.fromServer.take(inNamespace(xml, NS_SERVER, NS_CLIENT), this.#mayBeFrom)
  }

  readonly #mayBeFrom = (from: string, to: string): void => {
    if (this.#has(from, to)) return
    throw new StreamError('invalid-from', `Nobody has proved here to speak for ${from} to ${to}`)
  }

  #has(from: string, to: string): boolean {
    const key = pairKey(from, to)
    if (key === this.#lastPair) return true
    const isProved = this.#pairs.has(key) || (from === this.#proved && this.rooms.speaksFor(to))
    if (isProved) this.#lastPair = key
    return isProved
  }
}

const pairKey = (from: string, to: string): string => `${from} ${to}`

const unsupported = (xml: Element): StreamError =>
  new StreamError('unsupported-stanza-type', `<${xml.name}/> in the namespace ${xml.ns} means nothing here`)
