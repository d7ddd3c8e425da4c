/** One attempt at one place: from a connection to a stream that carries our stanzas, encrypted as the operator wants it, proved by certificate (XEP-0178) or by dialback (XEP-0220). */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { Log } from '../../log/log.ts'
import { readError } from '../../stanza/error.ts'
import { type Element, el } from '../../xml/element.ts'
import type { XmlLimits } from '../../xml/limits.ts'
import { NS_SASL, NS_SERVER, NS_STREAM, NS_STREAM_ERRORS, NS_TLS } from '../namespaces.ts'
import { claim, type DialbackKeys, type Pair, question, type Verdict } from './dialback.ts'
import type { ServerLimits } from './limits.ts'
import { NS_DIALBACK } from './namespaces.ts'
import { type ClientTls, type Dial, type Loss, OutConnection, type OutConversation } from './out-connection.ts'

/** `must`: with a certificate that proves the domain. `try`: if it is offered, whatever the certificate. */
export type TlsWish = 'must' | 'try' | 'no'

export interface Attempt {
  readonly pair: Pair
  readonly dial: Dial
  readonly tls: ClientTls
  readonly wish: TlsWish
  /** Whether this certificate is one for who was asked for. */
  proves(certificate: X509Certificate): boolean
  readonly keys: DialbackKeys
  /** EXTERNAL failed here before. */
  readonly withoutExternal: boolean
  readonly limits: ServerLimits
  readonly xml: XmlLimits
  readonly log: Log
}

/**
 * `refused`: nothing will change that soon. `elsewhere`: another place, or another time. `tls`: TLS does not work here. `external`: our certificate
 * was not liked, and the stream ended over it. `idle`: it was there, and nothing was said on it.
 */
export interface Failure {
  readonly kind: 'refused' | 'elsewhere' | 'tls' | 'external' | 'idle'
  readonly why: string
}

/** Told by the stream; who listens is the pair's queue. */
export interface StreamOwner {
  /** Whether there are stanzas to be sent, so that the stream is worth proving who we are. */
  readonly wantsToSpeak: boolean
  /** Questions about keys may be asked. */
  talkable(): void
  ready(): void
  verdict(id: string, verdict: Verdict | undefined, text: string | undefined): void
  /** Instead of `ready`, once. */
  failed(failure: Failure): void
  /** After `ready`, once. */
  ended(how: Loss, why: string): void
}

/** Stream errors after which another attempt would hear the same. */
const FINAL = new Set([
  'host-unknown',
  'host-gone',
  'improper-addressing',
  'invalid-from',
  'invalid-namespace',
  'not-authorized',
  'policy-violation',
  'unsupported-version',
])

type Stage = 'begun' | 'tls' | 'talkable' | 'external' | 'proved' | 'dialback' | 'ready' | 'over'

export class OutStream implements OutConversation {
  readonly connection: OutConnection
  #stage: Stage = 'begun'
  #isSecure = false
  #streamId = ''
  #offersExternal = false
  #externalFailed = false
  #timer: NodeJS.Timeout | undefined
  #streamError: string | undefined

  constructor(
    readonly attempt: Attempt,
    readonly owner: StreamOwner,
  ) {
    const { limits, log, xml } = attempt
    this.connection = new OutConnection(this, limits, log, xml)
    this.#within(limits.negotiationSeconds)
    this.connection.dial(attempt.dial)
  }

  get isReady(): boolean {
    return this.#stage === 'ready'
  }

  get isSecure(): boolean {
    return this.#isSecure
  }

  /** Questions may be asked, beside whatever is being proved. */
  get isTalkable(): boolean {
    return this.#stage === 'talkable' || this.#stage === 'dialback' || this.#stage === 'ready'
  }

  ask(pair: Pair, id: string, key: string): void {
    this.connection.send(question(pair, id, key))
  }

  /** There are stanzas now. */
  speak(): void {
    if (this.#stage === 'talkable') this.#prove()
  }

  close(): void {
    this.#over()
    this.connection.close()
  }

  // --- as the connection sees it ---

  connected(): void {
    const { tls } = this.attempt
    if (!tls.isDirect) return this.#open()
    this.#awaitTls()
    this.connection.secure(tls)
  }

  secured(socket: TLSSocket): void {
    const { wish, log, limits } = this.attempt
    if (log.wants['low-level'])
      log.lowLevel({ what: 'tls_established', protocol: socket.getProtocol(), cipher: socket.getCipher().name, trusted: socket.authorized })
    const certificate = socket.getPeerX509Certificate()
    if (wish === 'must') {
      if (!socket.authorized) return this.#fail('refused', `its certificate is not to be trusted: ${String(socket.authorizationError)}`)
      if (!certificate || !this.attempt.proves(certificate)) return this.#fail('refused', 'its certificate names somebody else')
    }
    this.#isSecure = true
    this.#within(limits.negotiationSeconds)
    this.#open()
  }

  opened(header: Element): void {
    this.#streamId = header.attr('id') ?? ''
    // RFC 6120 §4.7.5: before version 1.0 there were no features, and no TLS.
    if (header.attr('version') === undefined) this.#features(undefined)
  }

  element(xml: Element): void {
    if (xml.is('error', NS_STREAM)) return this.#streamFailed(xml)
    if (xml.is('features', NS_STREAM)) return this.#features(xml)
    switch (xml.ns) {
      case NS_TLS:
        return this.#tls(xml)
      case NS_SASL:
        return this.#sasl(xml)
      case NS_DIALBACK:
        return this.#dialback(xml)
      default:
        this.attempt.log.lowLevel({ what: 'not_expected_here', name: xml.name, ns: xml.ns })
    }
  }

  lost(how: Loss, why: string): void {
    if (this.#stage === 'over') return
    const said = this.#streamError
    if (this.#stage === 'ready') {
      this.#over()
      return this.owner.ended(said === undefined ? how : 'closed', said ?? why)
    }
    if (said !== undefined && FINAL.has(said)) return this.#failed('refused', `it refuses the stream: ${said}`)
    if (how === 'tls' || (this.#stage === 'tls' && !this.#isSecure)) return this.#failed('tls', why)
    if (this.#stage === 'external') return this.#failed('external', why)
    this.#failed('elsewhere', said === undefined ? why : `it ended the stream: ${said}`)
  }

  // --- negotiation ---

  #open(): void {
    const { from, to } = this.attempt.pair
    this.connection.open(from, to)
  }

  #features(features: Element | undefined): void {
    if (this.#stage === 'proved') return this.#ready()
    if (this.#stage !== 'begun' && this.#stage !== 'tls') return
    if (!this.#isSecure && this.#mustDecide(features?.child('starttls', NS_TLS))) return
    const mechanisms = features?.child('mechanisms', NS_SASL)?.elements() ?? []
    this.#offersExternal =
      this.#isSecure && !this.attempt.withoutExternal && mechanisms.some((one) => one.text().trim().toUpperCase() === 'EXTERNAL')
    this.#stage = 'talkable'
    this.owner.talkable()
    if (this.owner.wantsToSpeak) this.speak()
  }

  /** True where the stream does not go on as it is. */
  #mustDecide(offer: Element | undefined): boolean {
    const { wish } = this.attempt
    if (offer && wish !== 'no') {
      this.#awaitTls()
      this.connection.send(el('starttls', NS_TLS))
      return true
    }
    if (wish === 'must') {
      this.#fail('refused', 'it offers no TLS')
      return true
    }
    if (offer?.child('required')) {
      this.#fail('refused', 'it wants TLS, which does not work or is not wanted there')
      return true
    }
    return false
  }

  #tls(xml: Element): void {
    if (this.#stage !== 'tls' || this.#isSecure) return
    if (xml.name === 'proceed') return this.connection.secure(this.attempt.tls)
    this.#fail('tls', 'it offers TLS and then refuses it')
  }

  #prove(): void {
    const { pair, keys } = this.attempt
    if (this.#offersExternal && !this.#externalFailed) {
      this.#stage = 'external'
      // XEP-0178 §3: the domain as authorization identity, for servers that want to see it.
      return this.connection.send(el('auth', NS_SASL, { mechanism: 'EXTERNAL' }, Buffer.from(pair.from).toString('base64')))
    }
    this.#stage = 'dialback'
    this.connection.send(claim(pair, keys.key(pair.to, pair.from, this.#streamId)))
  }

  #sasl(xml: Element): void {
    if (this.#stage !== 'external') return
    if (xml.name === 'success') {
      this.#stage = 'proved'
      this.connection.hold()
      return this.#open()
    }
    this.attempt.log.lowLevel({ what: 'certificate_refused', why: xml.firstElement()?.name })
    this.#externalFailed = true
    this.#stage = 'talkable'
    this.#prove()
  }

  #dialback(xml: Element): void {
    const { pair } = this.attempt
    const type = xml.attr('type')
    if (xml.name === 'verify') {
      const verdict = type === 'valid' || type === 'invalid' ? type : undefined
      return this.owner.verdict(xml.attr('id') ?? '', verdict, verdict === undefined ? errorIn(xml)?.text : undefined)
    }
    if (xml.name !== 'result' || this.#stage !== 'dialback' || xml.attr('from') !== pair.to || xml.attr('to') !== pair.from) return
    if (type === 'valid') return this.#ready()
    const error = errorIn(xml)
    if (type === 'error' && error?.type === 'wait')
      return this.#fail('elsewhere', `it could not check our key: ${error.text ?? error.condition}`)
    if (type === 'error' && error && /^remote-/.test(error.condition))
      return this.#fail('elsewhere', `it could not reach us to check our key: ${error.text ?? error.condition}`)
    this.#fail(
      'refused',
      type === 'invalid' ? `it does not believe that we are ${pair.from}` : `it refuses us: ${error?.condition ?? 'no reason'}`,
    )
  }

  #ready(): void {
    clearTimeout(this.#timer)
    this.#stage = 'ready'
    this.owner.ready()
  }

  #streamFailed(xml: Element): void {
    const condition = xml.elements().find(({ ns, name }) => ns === NS_STREAM_ERRORS && name !== 'text')?.name ?? 'undefined-condition'
    this.#streamError = condition
    this.attempt.log.problem({ what: 'stream_error_received', condition, text: xml.child('text', NS_STREAM_ERRORS)?.text() })
  }

  // --- the end ---

  #awaitTls(): void {
    this.#stage = 'tls'
    this.#within(this.attempt.limits.handshakeSeconds)
  }

  #within(seconds: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#timeIsUp(seconds), seconds * 1_000).unref()
  }

  #timeIsUp(seconds: number): void {
    if (this.#stage === 'talkable' && !this.owner.wantsToSpeak) return this.#fail('idle', 'nothing more was to be said')
    if (this.#stage === 'tls' && !this.#isSecure) return this.#fail('tls', `no TLS in ${seconds} seconds`)
    this.#fail('elsewhere', `no stream in ${seconds} seconds`)
  }

  #fail(kind: Failure['kind'], why: string): void {
    if (this.#stage === 'over') return
    this.#over()
    this.connection.close()
    this.owner.failed({ kind, why })
  }

  #failed(kind: Failure['kind'], why: string): void {
    this.#over()
    this.owner.failed({ kind, why })
  }

  #over(): void {
    clearTimeout(this.#timer)
    this.#stage = 'over'
  }
}

function errorIn(xml: Element) {
  const error = xml.child('error', NS_SERVER) ?? xml.child('error')
  return error && readError(error)
}
