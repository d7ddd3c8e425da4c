/** EXTERNAL (RFC 4422 appendix A, XEP-0178 §2): the TLS certificate has said who somebody is. */
import { Jid, JidError } from '../../address/jid.ts'
import { SaslError, wrongCredentials } from './error.ts'
import type { Exchange, Login, Mechanism, Turn } from './mechanism.ts'
import { textOf } from './prepare.ts'

export const external: Mechanism = {
  name: 'EXTERNAL',
  plain: false,
  plus: false,
  serverFirst: false,
  begin: (login) => new External(login),
}

class External implements Exchange {
  constructor(private readonly login: Login) {}

  /** The one account of the certificate where the client names none, else the one it names (XEP-0178 §2, step 9). */
  async take(message: Buffer): Promise<Turn> {
    const account = this.#chosen(textOf(message))
    const claim = await this.login.claim(account.local ?? '')
    if (!claim.genuine) throw wrongCredentials()
    return { kind: 'success', jid: claim.jid, data: undefined }
  }

  #chosen(authzid: string): Jid {
    const { certified } = this.login
    if (certified.length === 0) throw new SaslError('not-authorized', 'Your certificate is for no account here')
    const [only, ...others] = certified
    if (authzid === '' && only && others.length === 0) return only
    const wanted = authzid === '' ? undefined : bareIn(authzid)
    const found = certified.find((jid) => wanted !== undefined && jid.equals(wanted))
    if (!found) throw new SaslError('invalid-authzid', 'Name one of the accounts that your certificate is for')
    return found
  }
}

function bareIn(text: string): Jid | undefined {
  try {
    return Jid.parse(text)
  } catch (cause) {
    if (cause instanceof JidError) return undefined
    throw cause
  }
}
