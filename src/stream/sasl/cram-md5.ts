/** CRAM-MD5 (RFC 2195): HMAC-MD5 of a challenge with the password as key. The password has to be kept for it, sealed. */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { SaslError, wrongCredentials } from './error.ts'
import type { Exchange, Login, Mechanism, Turn } from './mechanism.ts'
import { prepare, textOf } from './prepare.ts'

/** Name, a blank, 32 hexadecimal digits (§2); a name may have blanks itself. */
const RESPONSE = /^([^\0]+) ([0-9a-f]{32})$/

/** `makeChallenge`: fixed only where the RFC's own example is replayed. */
export function cramMd5(makeChallenge: () => string = () => `<${randomUUID()}@stoxgate>`): Mechanism {
  return { name: 'CRAM-MD5', plain: false, plus: false, serverFirst: true, begin: (login) => new CramMd5(login, makeChallenge()) }
}

class CramMd5 implements Exchange {
  #isAsked = false

  constructor(
    private readonly login: Login,
    private readonly challenge: string,
  ) {}

  take(message: Buffer): Turn | Promise<Turn> {
    if (this.#isAsked) return this.#finish(textOf(message))
    if (message.length > 0) throw new SaslError('malformed-request', 'With CRAM-MD5 the server speaks first')
    this.#isAsked = true
    return { kind: 'challenge', data: Buffer.from(this.challenge) }
  }

  async #finish(text: string): Promise<Turn> {
    const [, name, digest] = RESPONSE.exec(text) ?? []
    if (name === undefined || digest === undefined) throw new SaslError('malformed-request', 'CRAM-MD5 wants a name and 32 digits')
    const claim = await this.login.claim(prepare(name))
    const password = await this.login.password(claim)
    const expected = createHmac('md5', prepare(password)).update(this.challenge).digest()
    if (!timingSafeEqual(expected, Buffer.from(digest, 'hex')) || !claim.genuine) throw wrongCredentials()
    return { kind: 'success', jid: claim.jid, data: undefined }
  }
}
