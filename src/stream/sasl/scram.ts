/** SCRAM-SHA-1 (RFC 5802), SCRAM-SHA-256 (RFC 7677) and SCRAM-SHA-512 by the same rules, plain and bound to the TLS channel (-PLUS). */
import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import type { ScramHash } from '../../account/credentials.ts'
import type { ScramKeys } from '../../store/port.ts'
import { authorised } from './authzid.ts'
import { SaslError, wrongCredentials } from './error.ts'
import type { Claim, Exchange, Login, Mechanism, Turn } from './mechanism.ts'
import { prepare, textOf } from './prepare.ts'
import { type ClientFirst, clientFinal, clientFirst } from './scram-message.ts'

const DIGEST = { 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-512': 'sha512' } as const

/** `nonceBytes` makes our half of the nonce; fixed only where the RFCs' own examples are replayed. */
export function scram(hash: ScramHash, plus: boolean, makeNonce: () => string = () => randomUUID()): Mechanism {
  return {
    name: `SCRAM-${hash}${plus ? '-PLUS' : ''}`,
    plain: false,
    plus,
    serverFirst: false,
    begin: (login) => new Scram(login, hash, plus, makeNonce),
  }
}

class Scram implements Exchange {
  #begun: { first: ClientFirst; serverFirst: string; nonce: string; claim: Claim; keys: ScramKeys } | undefined

  constructor(
    private readonly login: Login,
    private readonly hash: ScramHash,
    private readonly plus: boolean,
    private readonly makeNonce: () => string,
  ) {}

  take(message: Buffer): Turn | Promise<Turn> {
    const text = textOf(message)
    return this.#begun ? this.#finish(text) : this.#begin(text)
  }

  async #begin(text: string): Promise<Turn> {
    const first = clientFirst(text)
    this.#checkFlag(first)
    const claim = await this.login.claim(prepare(first.user))
    const keys = this.login.keysOf(claim, this.hash)
    const { salt, iterations } = keys
    const nonce = first.nonce + this.makeNonce()
    const serverFirst = `r=${nonce},s=${salt.toString('base64')},i=${iterations}`
    this.#begun = { first, serverFirst, nonce, claim, keys }
    return { kind: 'challenge', data: Buffer.from(serverFirst) }
  }

  #finish(text: string): Turn {
    if (!this.#begun) throw new Error('the last message of SCRAM came before the first')
    const { first, serverFirst, nonce, claim, keys } = this.#begun
    const final = clientFinal(text)
    if (final.nonce !== nonce) throw new SaslError('malformed-request', 'The nonce is not the one of this exchange')
    const authMessage = `${first.bare},${serverFirst},${final.withoutProof}`
    const { storedKey, serverKey } = keys
    const fits = this.#proves(final.proof, storedKey, authMessage)
    const bound = equal(final.binding, this.#expectedBinding(first))
    // One answer for a wrong password, an unknown name and a channel that is not the client's.
    if (!fits || !bound || !claim.genuine) throw wrongCredentials()
    authorised(first.authzid, claim.jid)
    return { kind: 'success', jid: claim.jid, data: Buffer.from(`v=${this.#hmac(serverKey, authMessage).toString('base64')}`) }
  }

  /** RFC 5802 §6: `p` only with -PLUS and a type we have; `y` on a stream that offered -PLUS means that somebody cut the list. */
  #checkFlag(first: ClientFirst): void {
    const { flag } = first
    if (this.plus !== (flag.kind === 'bound')) {
      throw new SaslError(
        'malformed-request',
        this.plus ? 'A -PLUS mechanism needs a channel binding' : 'Only a -PLUS mechanism has a channel binding',
      )
    }
    if (flag.kind === 'not-seen' && this.login.plusOffered) {
      throw new SaslError('not-authorized', 'We do offer channel binding: somebody between us has changed the list of mechanisms')
    }
    if (flag.kind === 'bound' && this.login.binding?.data(flag.type) === undefined) {
      throw new SaslError('not-authorized', `This connection has no channel binding of the type ${flag.type}`)
    }
  }

  #expectedBinding(first: ClientFirst): Buffer {
    const header = Buffer.from(first.gs2Header)
    if (first.flag.kind !== 'bound') return header
    const data = this.login.binding?.data(first.flag.type)
    if (!data) throw new SaslError('not-authorized', 'The connection this was to be bound to has ended')
    return Buffer.concat([header, data])
  }

  /** ClientKey = ClientProof XOR HMAC(StoredKey, AuthMessage), and its hash is the StoredKey (RFC 5802 §3). */
  #proves(proof: Buffer, storedKey: Buffer, authMessage: string): boolean {
    const signature = this.#hmac(storedKey, authMessage)
    if (proof.length !== signature.length) return false
    for (let i = 0; i < signature.length; i++) signature[i] = (signature[i] ?? 0) ^ (proof[i] ?? 0)
    return equal(createHash(DIGEST[this.hash]).update(signature).digest(), storedKey)
  }

  #hmac(key: Buffer, text: string): Buffer {
    return createHmac(DIGEST[this.hash], key).update(text).digest()
  }
}

const equal = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b)
