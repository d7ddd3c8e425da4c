/** A telephone's answer to a digest challenge (RFC 8760, RFC 7616), and the challenge used again with a growing count. */
import { createHash, randomBytes } from 'node:crypto'

export class Digest {
  readonly #realm: string
  readonly #nonce: string
  readonly #opaque: string | undefined
  readonly #algorithm: string
  readonly #ha1: string
  readonly #cnonce = randomBytes(8).toString('hex')
  #count = 0

  /** `challenge`: the value of one WWW-Authenticate or Proxy-Authenticate header field. */
  constructor(
    challenge: string,
    readonly user: string,
    password: string,
  ) {
    const field = (name: string): string | undefined =>
      new RegExp(`\\b${name}\\s*=\\s*(?:"([^"]*)"|([^\\s,]+))`, 'i').exec(challenge)?.slice(1).find(Boolean)
    this.#realm = field('realm') ?? ''
    this.#nonce = field('nonce') ?? ''
    this.#opaque = field('opaque')
    this.#algorithm = field('algorithm') ?? 'MD5'
    this.#ha1 = this.#hash(`${user}:${this.#realm}:${password}`)
  }

  credentials(method: string, uri: string): string {
    const count = (++this.#count).toString(16).padStart(8, '0')
    const response = this.#hash(`${this.#ha1}:${this.#nonce}:${count}:${this.#cnonce}:auth:${this.#hash(`${method}:${uri}`)}`)
    const opaque = this.#opaque === undefined ? '' : `, opaque="${this.#opaque}"`
    return `Digest username="${this.user}", realm="${this.#realm}", nonce="${this.#nonce}", uri="${uri}", response="${response}", algorithm=${this.#algorithm}, qop=auth, cnonce="${this.#cnonce}", nc=${count}${opaque}`
  }

  #hash(text: string): string {
    return createHash(this.#algorithm.toUpperCase() === 'SHA-256' ? 'sha256' : 'md5')
      .update(text)
      .digest('hex')
  }
}

/** The challenge to answer, of several: MD5, because that is what telephones do. */
export function chosen(challenges: readonly string[]): string {
  const found = challenges.find((value) => /algorithm\s*=\s*"?MD5\b/i.test(value) || !/algorithm/i.test(value)) ?? challenges[0]
  if (found === undefined) throw new Error('a refusal without a challenge')
  return found
}
