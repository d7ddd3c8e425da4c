/** SASL on the stream (RFC 6120 §6): the list of mechanisms, the exchange, its end. */
import type { MaybePromise } from '../../core/port.ts'
import { type Element, el } from '../../xml/element.ts'
import type { ClientStream } from '../c2s.ts'
import { NS_CHANNEL_BINDING, NS_SASL } from '../namespaces.ts'
import { SaslError } from '../sasl/error.ts'
import type { AccountLogin } from '../sasl/logins.ts'
import type { Exchange, Mechanism, Turn } from '../sasl/mechanism.ts'
import { named } from '../sasl/mechanisms.ts'
import { StreamError } from '../stream-error.ts'
import { mechanismsOf, newLogin } from './new-login.ts'
import type { Step } from './step.ts'

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const EMPTY_CHALLENGE = el('challenge', NS_SASL)

export const authenticate = (stream: ClientStream): Step => new Authenticate(stream)

class Authenticate implements Step {
  #login: AccountLogin | undefined
  #exchange: Exchange | undefined
  #isBusy = false

  constructor(private readonly stream: ClientStream) {}

  offers(): readonly Element[] {
    const mechanisms = this.#offered()
    if (mechanisms.length === 0) return []
    const list = el('mechanisms', NS_SASL, {}, ...mechanisms.map(({ name }) => el('mechanism', NS_SASL, {}, name)))
    const { binding } = this.stream.connection
    if (!binding || !mechanisms.some(({ plus }) => plus)) return [list]
    // XEP-0440 §3: so that a client need not guess which types we know.
    const types = binding.types.map((type) => el('channel-binding', NS_CHANNEL_BINDING, { type }))
    return [list, el('sasl-channel-binding', NS_CHANNEL_BINDING, {}, ...types)]
  }

  takes(xml: Element): boolean {
    return xml.ns === NS_SASL && this.stream.jid === undefined
  }

  take(xml: Element): void {
    switch (xml.name) {
      case 'auth':
        return this.#begin(xml)
      case 'response':
        return this.#continue(xml)
      case 'abort':
        return this.#failed(new SaslError('aborted', 'Aborted, as you asked'))
      default:
        throw new StreamError('unsupported-stanza-type', `A client does not send <${xml.name}/>`)
    }
  }

  ended(): void {
    // A guess that is being checked is counted when it has been: ending the stream does not make it undone.
    if (!this.#isBusy) this.#login?.ended('dropped')
  }

  #offered(): readonly Mechanism[] {
    return mechanismsOf(this.stream)
  }

  /** RFC 6120 §6.4.2: a new `<auth/>` ends the exchange before it. */
  #begin(xml: Element): void {
    this.#login?.ended('dropped')
    this.#exchange = undefined
    try {
      const mechanism = this.#mechanism(xml.attr('mechanism'))
      this.#exchange = mechanism.begin(this.#newLogin())
      const text = xml.text()
      if (text === '' && !mechanism.serverFirst) return this.stream.connection.send(EMPTY_CHALLENGE)
      this.#step(this.#exchange, decoded(text))
    } catch (cause) {
      this.#failed(cause)
    }
  }

  #continue(xml: Element): void {
    try {
      if (!this.#exchange) throw new SaslError('malformed-request', 'There is nothing to respond to')
      this.#step(this.#exchange, decoded(xml.text()))
    } catch (cause) {
      this.#failed(cause)
    }
  }

  #mechanism(name: string | undefined): Mechanism {
    const { connection, domain } = this.stream
    const mechanism = name === undefined ? undefined : named(name)
    if (!mechanism || !domain) throw new SaslError('invalid-mechanism', 'This mechanism is not spoken here')
    if (!domain.mechanisms.includes(mechanism.name))
      throw new SaslError('mechanism-too-weak', 'This domain does not let anybody in that way')
    if (domain.requireTls && !connection.isSecure) throw new SaslError('encryption-required', 'Use starttls first')
    if (mechanism.name === 'EXTERNAL' && !this.#offered().includes(mechanism))
      throw new SaslError('not-authorized', 'Your certificate is for no account here')
    if (mechanism.plus && !connection.binding) throw new SaslError('invalid-mechanism', 'There is no TLS to bind to')
    return mechanism
  }

  #newLogin(): AccountLogin {
    this.#login = newLogin(this.stream)
    return this.#login
  }

  #step(exchange: Exchange, message: Buffer): void {
    const turn: MaybePromise<Turn> = exchange.take(message)
    if (!(turn instanceof Promise)) return this.#turned(turn)
    const { connection } = this.stream
    this.#isBusy = true
    connection.hold()
    turn
      .then(
        (late) => this.#afterWait(() => this.#turned(late)),
        (cause: unknown) => this.#afterWait(() => this.#failed(cause)),
      )
      .finally(() => connection.resume())
  }

  #afterWait(action: () => void): void {
    this.#isBusy = false
    this.stream.connection.guard(action)
  }

  #turned(turn: Turn): void {
    const { connection } = this.stream
    if (turn.kind === 'challenge') {
      if (!connection.isOpen) this.#login?.ended('dropped')
      return connection.send(el('challenge', NS_SASL, {}, encoded(turn.data)))
    }
    this.#login?.ended('succeeded')
    this.#exchange = undefined
    if (!connection.isOpen) return
    this.stream.authenticated(turn.jid)
    connection.send(turn.data ? el('success', NS_SASL, {}, encoded(turn.data)) : el('success', NS_SASL))
  }

  #failed(cause: unknown): void {
    const { connection } = this.stream
    const error =
      cause instanceof SaslError ? cause : new SaslError('temporary-auth-failure', 'Something went wrong here; it is not your fault')
    if (error !== cause) connection.log.failure({ what: 'authentication_failed', error: cause instanceof Error ? cause.stack : cause })
    else connection.log.problem({ what: 'login_failed', account: this.#login?.claimed, condition: error.condition, text: error.text })
    this.#login?.ended(error.condition === 'not-authorized' ? 'failed' : 'dropped')
    this.#exchange = undefined
    connection.send(el('failure', NS_SASL, {}, el(error.condition, NS_SASL), el('text', NS_SASL, { 'xml:lang': 'en' }, error.text)))
    this.stream.loginFailed()
  }
}

/** RFC 6120 §6.4.2: a message of no bytes is written `=`. */
function decoded(text: string): Buffer {
  if (text === '=' || text === '') return Buffer.alloc(0)
  if (!BASE64.test(text)) throw new SaslError('incorrect-encoding', 'This is not base64')
  return Buffer.from(text, 'base64')
}

const encoded = (data: Buffer): string => (data.length === 0 ? '=' : data.toString('base64'))
