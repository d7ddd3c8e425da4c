/** XEP-0078 (obsolete): clients older than SASL log in by an iq, with a password or with the digest of one, and are bound at once. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { Jid, JidError } from '../../address/jid.ts'
import { CONDITIONS, type Condition, NS_STANZAS } from '../../stanza/error.ts'
import { NS_CLIENT } from '../../stanza/stanza.ts'
import { type Element, el } from '../../xml/element.ts'
import type { ClientStream } from '../c2s.ts'
import { NS_LEGACY_LOGIN, NS_LEGACY_LOGIN_FEATURE } from '../namespaces.ts'
import { SaslError, wrongCredentials } from '../sasl/error.ts'
import type { AccountLogin } from '../sasl/logins.ts'
import type { Claim } from '../sasl/mechanism.ts'
import { prepare } from '../sasl/prepare.ts'
import { bind } from './bind.ts'
import { mechanismsOf, newLogin } from './new-login.ts'
import type { Step } from './step.ts'

const NOTHING: readonly Element[] = []
const OFFERS: readonly Element[] = [el('auth', NS_LEGACY_LOGIN_FEATURE)]

/** The numbers that clients of that time read (XEP-0086). */
const CODES: Partial<Record<Condition, string>> = { 'not-authorized': '401', 'not-acceptable': '406', 'resource-constraint': '500' }

export const legacyLogin = (stream: ClientStream): Step => new LegacyLogin(stream)

interface Wish {
  readonly user: string
  readonly resource: string
  readonly password: string | undefined
  readonly digest: string | undefined
}

class LegacyLogin implements Step {
  #login: AccountLogin | undefined
  #isBusy = false

  constructor(private readonly stream: ClientStream) {}

  offers(): readonly Element[] {
    return this.#ways().length > 0 ? OFFERS : NOTHING
  }

  takes(xml: Element): boolean {
    return this.stream.jid === undefined && xml.is('iq', NS_CLIENT) && xml.child('query', NS_LEGACY_LOGIN) !== undefined
  }

  take(iq: Element): void {
    const query = iq.child('query', NS_LEGACY_LOGIN)
    if (!query || this.#ways().length === 0) return this.#refuse(iq, 'service-unavailable', 'Log in by SASL')
    if (iq.attr('type') === 'get') return this.#fields(iq)
    if (iq.attr('type') !== 'set') return this.#refuse(iq, 'bad-request', 'Logging in is an iq of type get or set')
    const wish = this.#wish(query)
    if (!wish) return this.#refuse(iq, 'not-acceptable', 'A user name, a resource, and one of the offered proofs are wanted')
    const { connection } = this.stream
    this.#isBusy = true
    connection.hold()
    this.#proven(wish)
      .then(
        (claim) => this.#afterWait(() => this.#welcome(iq, claim, wish.resource)),
        (cause: unknown) => this.#afterWait(() => this.#failed(iq, cause)),
      )
      .finally(() => connection.resume())
  }

  ended(): void {
    if (!this.#isBusy) this.#login?.ended('dropped')
  }

  /** The password where PLAIN may be used, the digest where CRAM-MD5 may: both need what the mechanism needs. */
  #ways(): readonly ('password' | 'digest')[] {
    if (this.stream.domain?.legacyLogin !== true) return []
    const names = mechanismsOf(this.stream).map(({ name }) => name)
    return [...(names.includes('PLAIN') ? (['password'] as const) : []), ...(names.includes('CRAM-MD5') ? (['digest'] as const) : [])]
  }

  /** The same for every name, also for one that nobody has. */
  #fields(iq: Element): void {
    const name = iq.child('query', NS_LEGACY_LOGIN)?.child('username')?.text()
    const fields = [el('username', NS_LEGACY_LOGIN, {}, ...(name ? [name] : [])), ...this.#ways().map((way) => el(way, NS_LEGACY_LOGIN))]
    this.#answer(iq, 'result', el('query', NS_LEGACY_LOGIN, {}, ...fields, el('resource', NS_LEGACY_LOGIN)))
  }

  #wish(query: Element): Wish | undefined {
    const of = (name: string): string | undefined => query.child(name)?.text() || undefined
    const ways = this.#ways()
    const user = of('username')
    const resource = of('resource')
    const digest = ways.includes('digest') ? of('digest') : undefined
    const password = ways.includes('password') ? of('password') : undefined
    return user && resource && (digest ?? password) !== undefined ? { user, resource, digest, password } : undefined
  }

  async #proven({ user, digest, password }: Wish): Promise<Claim> {
    const login = newLogin(this.stream)
    this.#login = login
    const claim = await login.claim(prepare(user))
    const fits = digest === undefined ? await login.verify(claim, password ?? '') : this.#isDigest(digest, await login.password(claim))
    if (!fits || !claim.genuine) throw wrongCredentials()
    return claim
  }

  /** SHA1 of the stream's id and the password, in hexadecimal. */
  #isDigest(digest: string, password: string): boolean {
    const expected = createHash('sha1').update(`${this.stream.id}${password}`).digest()
    const said = Buffer.from(digest, 'hex')
    return said.length === expected.length && timingSafeEqual(said, expected)
  }

  #afterWait(action: () => void): void {
    this.#isBusy = false
    this.stream.connection.guard(action)
  }

  #welcome(iq: Element, { jid }: Claim, resource: string): void {
    this.#login?.ended('succeeded')
    this.#login = undefined
    const { connection } = this.stream
    if (!connection.isOpen) return
    const full = fullJid(jid, resource)
    if (!full) return this.#refuse(iq, 'not-acceptable', 'This is not a resource')
    this.stream.welcomed(jid)
    if (!bind(this.stream, full)) return this.#refuse(iq, 'resource-constraint', 'This account has too many connections already')
    this.#answer(iq, 'result')
  }

  #failed(iq: Element, cause: unknown): void {
    const { connection } = this.stream
    const isRefusal = cause instanceof SaslError
    if (isRefusal)
      connection.log.problem({ what: 'login_failed', account: this.#login?.claimed, condition: cause.condition, text: cause.text })
    else connection.log.failure({ what: 'authentication_failed', error: cause instanceof Error ? cause.stack : cause })
    const isWrong = isRefusal && cause.condition === 'not-authorized'
    this.#login?.ended(isWrong ? 'failed' : 'dropped')
    this.#login = undefined
    if (isWrong) this.#refuse(iq, 'not-authorized', cause.text)
    else if (isRefusal && cause.condition === 'malformed-request') this.#refuse(iq, 'not-acceptable', cause.text)
    else this.#refuse(iq, 'resource-constraint', isRefusal ? cause.text : 'Something went wrong here; it is not your fault')
    this.stream.loginFailed()
  }

  /** Without what was sent: it had a secret in it. */
  #refuse(iq: Element, condition: Condition, text: string): void {
    const said = [el(condition, NS_STANZAS), el('text', NS_STANZAS, { 'xml:lang': 'en' }, text)]
    this.#answer(iq, 'error', el('error', NS_CLIENT, { code: CODES[condition], type: CONDITIONS[condition] }, ...said))
  }

  #answer(iq: Element, type: 'result' | 'error', ...children: readonly Element[]): void {
    this.stream.connection.send(el('iq', NS_CLIENT, { type, id: iq.attr('id') }, ...children))
  }
}

function fullJid(account: Jid, resource: string): Jid | undefined {
  try {
    return Jid.of(account.local, account.domain, resource)
  } catch (cause) {
    if (cause instanceof JidError) return undefined
    throw cause
  }
}
