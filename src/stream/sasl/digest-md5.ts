/** DIGEST-MD5 (RFC 2831), without security layers and without reauthentication: qop=auth, nonce count 1. Historic (RFC 6331); it needs a hash, not the password. */
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import { authorised } from './authzid.ts'
import { directives } from './digest-challenge.ts'
import { SaslError, wrongCredentials } from './error.ts'
import type { Claim, Exchange, Login, Mechanism, Turn } from './mechanism.ts'
import { prepare, textOf } from './prepare.ts'

/** The arguments are others only where the RFC's own example is replayed. */
export function digestMd5(makeNonce: () => string = () => randomUUID(), service = 'xmpp'): Mechanism {
  return { name: 'DIGEST-MD5', plain: false, plus: false, serverFirst: true, begin: (login) => new DigestMd5(login, makeNonce(), service) }
}

interface Response {
  readonly user: string
  readonly realm: string
  readonly cnonce: string
  readonly uri: string
  readonly authzid: string | undefined
  readonly proof: Buffer
}

class DigestMd5 implements Exchange {
  #state: 'new' | 'asked' | 'proven' = 'new'
  #claim: Claim | undefined

  constructor(
    private readonly login: Login,
    private readonly nonce: string,
    private readonly service: string,
  ) {}

  take(message: Buffer): Turn | Promise<Turn> {
    switch (this.#state) {
      case 'new':
        return this.#ask(message)
      case 'asked':
        return this.#prove(textOf(message))
      case 'proven':
        return this.#end(message)
    }
  }

  /** §2.2: an initial response would be a reauthentication, for which nothing is kept: the client is challenged as if there were none. */
  #ask(_: Buffer): Turn {
    this.#state = 'asked'
    return {
      kind: 'challenge',
      data: Buffer.from(`realm="${this.login.domain}",nonce="${this.nonce}",qop="auth",charset=utf-8,algorithm=md5-sess`),
    }
  }

  async #prove(text: string): Promise<Turn> {
    const response = this.#read(text)
    const claim = await this.login.claim(prepare(response.user))
    const hash = this.login.digestMd5(claim)
    const expected = Buffer.from(this.#signature(hash, response, 'AUTHENTICATE'))
    const fits = timingSafeEqual(expected, response.proof)
    if (!fits || !claim.genuine) throw wrongCredentials()
    authorised(response.authzid ?? '', claim.jid)
    this.#claim = claim
    this.#state = 'proven'
    // §2.1.3. As a challenge: clients of RFC 3920 know no data in a <success/>.
    return { kind: 'challenge', data: Buffer.from(`rspauth=${this.#signature(hash, response, '')}`) }
  }

  #end(message: Buffer): Turn {
    if (!this.#claim || message.length > 0) throw new SaslError('malformed-request', 'There is nothing more to say')
    return { kind: 'success', jid: this.#claim.jid, data: undefined }
  }

  #read(text: string): Response {
    const said = directives(text)
    const user = said.get('username')
    const cnonce = said.get('cnonce')
    const uri = said.get('digest-uri')
    const proof = said.get('response') ?? ''
    const realm = said.get('realm') ?? ''
    if (!user || !cnonce || uri === undefined || !/^[0-9a-f]{32}$/.test(proof))
      throw new SaslError('malformed-request', 'DIGEST-MD5 wants username, cnonce, digest-uri and response')
    if (said.get('nonce') !== this.nonce || said.get('nc') !== '00000001')
      throw new SaslError('malformed-request', 'The nonce is not the one of this exchange')
    if ((said.get('qop') ?? 'auth') !== 'auth') throw new SaslError('malformed-request', 'Only qop=auth was offered')
    // §2.1.2: meant for this service, else somebody passes on what a client has said elsewhere.
    if (!this.#isOurs(uri) || realm !== this.login.domain)
      throw new SaslError('not-authorized', `The digest is not for xmpp/${this.login.domain}`)
    return { user, realm, cnonce, uri, authzid: said.get('authzid'), proof: Buffer.from(proof) }
  }

  /** serv-type "/" host [ "/" serv-name ]; programs name the host they connect to, the domain, or both. */
  #isOurs(uri: string): boolean {
    const [service, ...names] = uri.toLowerCase().split('/')
    return service === this.service && names.includes(this.login.domain)
  }

  /** §2.1.2.1, and §2.1.3 for ours, where A2 has no method. */
  #signature(hash: Buffer, { cnonce, uri, authzid }: Response, method: string): string {
    const a1 = createHash('md5')
      .update(hash)
      .update(`:${this.nonce}:${cnonce}${authzid === undefined ? '' : `:${authzid}`}`)
    const a2 = createHash('md5').update(`${method}:${uri}`)
    return createHash('md5')
      .update(`${a1.digest('hex')}:${this.nonce}:00000001:${cnonce}:auth:${a2.digest('hex')}`)
      .digest('hex')
  }
}
