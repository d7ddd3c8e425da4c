/** RFC 4616: PLAIN, one message with authorisation identity, name and password. */

import { authorised } from './authzid.ts'
import { SaslError, wrongCredentials } from './error.ts'
import type { Exchange, Login, Mechanism, Turn } from './mechanism.ts'
import { prepare, textOf } from './prepare.ts'

export const plain: Mechanism = {
  name: 'PLAIN',
  plain: true,
  plus: false,
  serverFirst: false,
  begin: (login) => new Plain(login),
}

class Plain implements Exchange {
  constructor(private readonly login: Login) {}

  async take(message: Buffer): Promise<Turn> {
    const [authzid, name, password, ...more] = textOf(message).split('\0')
    if (authzid === undefined || !name || !password || more.length > 0) {
      throw new SaslError('malformed-request', 'PLAIN wants an identity, a name and a password with NUL between them')
    }
    const claim = await this.login.claim(prepare(name))
    const fits = await this.login.verify(claim, password)
    if (!fits || !claim.genuine) throw wrongCredentials()
    // Last: what somebody may act as is nobody's business before the password is right.
    authorised(authzid, claim.jid)
    return { kind: 'success', jid: claim.jid, data: undefined }
  }
}
