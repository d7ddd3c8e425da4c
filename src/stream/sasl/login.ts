/** LOGIN (draft-murchison-sasl-login): the server asks for name and password one after the other. Never a standard; old programs know nothing else. */
import { SaslError, wrongCredentials } from './error.ts'
import type { Exchange, Login, Mechanism, Turn } from './mechanism.ts'
import { prepare, textOf } from './prepare.ts'

const USER_NAME: Turn = { kind: 'challenge', data: Buffer.from('User Name\0') }
const PASSWORD: Turn = { kind: 'challenge', data: Buffer.from('Password\0') }

export const login: Mechanism = {
  name: 'LOGIN',
  plain: true,
  plus: false,
  serverFirst: true,
  begin: (visitor) => new LoginExchange(visitor),
}

class LoginExchange implements Exchange {
  #asked: 'nothing' | 'name' | 'password' = 'nothing'
  #name = ''

  constructor(private readonly login: Login) {}

  /** A client may say its name at once (§2 of the draft allows no initial response, programs send one all the same). */
  take(message: Buffer): Turn | Promise<Turn> {
    if (this.#asked === 'nothing' && message.length === 0) {
      this.#asked = 'name'
      return USER_NAME
    }
    const text = textOf(message)
    if (text === '' || text.includes('\0')) throw new SaslError('malformed-request', 'LOGIN wants a name, then a password')
    if (this.#asked === 'password') return this.#finish(text)
    this.#asked = 'password'
    this.#name = prepare(text)
    return PASSWORD
  }

  async #finish(password: string): Promise<Turn> {
    const claim = await this.login.claim(this.#name)
    const fits = await this.login.verify(claim, password)
    if (!fits || !claim.genuine) throw wrongCredentials()
    return { kind: 'success', jid: claim.jid, data: undefined }
  }
}
