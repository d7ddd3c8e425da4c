/** SCRAM-SHA-256-PLUS as the side that logs in (RFC 5802, RFC 7677), bound to its TLS channel by tls-exporter (RFC 9266). */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'

export const MECHANISM = 'SCRAM-SHA-256-PLUS'

const GS2 = 'p=tls-exporter,,'
const KEY_BYTES = 32
const derive = promisify(pbkdf2)

export class ScramClient {
  readonly #bare: string
  readonly #password: string
  readonly #binding: Buffer
  #expected: Buffer | undefined

  /** The password as RFC 4013 leaves it. */
  constructor(user: string, password: string, socket: TLSSocket) {
    this.#bare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${randomBytes(18).toString('base64')}`
    this.#password = password
    this.#binding = socket.exportKeyingMaterial(KEY_BYTES, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  }

  first(): string {
    return base64(GS2 + this.#bare)
  }

  async proof(challenge: string): Promise<string> {
    const serverFirst = Buffer.from(challenge, 'base64').toString()
    const { r: nonce = '', s: salt = '', i: rounds = '' } = attributes(serverFirst)
    if (!nonce.startsWith(this.#bare.slice(this.#bare.indexOf('r=') + 2))) throw new Error('the nonce is not the one of this exchange')
    const salted = await derive(this.#password, Buffer.from(salt, 'base64'), Number(rounds), KEY_BYTES, 'sha256')
    const clientKey = hmac(salted, 'Client Key')
    const binding = Buffer.concat([Buffer.from(GS2), this.#binding]).toString('base64')
    const withoutProof = `c=${binding},r=${nonce}`
    const signed = `${this.#bare},${serverFirst},${withoutProof}`
    const signature = hmac(createHash('sha256').update(clientKey).digest(), signed)
    this.#expected = hmac(hmac(salted, 'Server Key'), signed)
    const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)))
    return base64(`${withoutProof},p=${proof.toString('base64')}`)
  }

  /** Throws where the server has not shown that it knows the password too. */
  confirm(final: string): void {
    const { v: signature = '' } = attributes(Buffer.from(final, 'base64').toString())
    const given = Buffer.from(signature, 'base64')
    if (!this.#expected || given.length !== this.#expected.length || !timingSafeEqual(given, this.#expected))
      throw new Error('the server does not know the password')
  }
}

function attributes(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(text.split(',').map((part) => [part.slice(0, 1), part.slice(2)]))
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
