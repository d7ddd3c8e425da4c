/** Certificates of clients, made by an authority of the tests. */
import { webcrypto } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  PemConverter,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000
const SUBJECT_ALT_NAME = '2.5.29.17'
/** id-on-xmppAddr, 1.3.6.1.5.5.7.8.5 (RFC 6120 §13.7.1.4). */
const XMPP_ADDR = Buffer.from('2b06010505070805', 'hex')

/** One of a certificate's alternative names, in DER. */
export type AlternativeName = Buffer

export interface ClientIdentity {
  /** Until the next one is issued. */
  readonly files: { readonly certfile: string; readonly keyfile: string }
  readonly cert: string
  readonly key: string
}

export class ClientAuthority {
  readonly #directory = mkdtempSync(join(tmpdir(), 'stoxgate-clients-'))

  private constructor(
    private readonly keys: webcrypto.CryptoKeyPair,
    private readonly certificate: X509Certificate,
  ) {
    writeFileSync(this.file, certificate.toString('pem'))
  }

  static async make(): Promise<ClientAuthority> {
    const keys = await newKeys()
    const name = 'CN=An authority'
    const extensions = [new BasicConstraintsExtension(true, undefined, true)]
    const certificate = await X509CertificateGenerator.createSelfSigned({ name, keys, signingAlgorithm: ECDSA, ...lasting(), extensions })
    return new ClientAuthority(keys, certificate)
  }

  /** Of the authority itself. */
  get file(): string {
    return join(this.#directory, 'ca.crt')
  }

  async issue(names: readonly AlternativeName[], purpose: 'clientAuth' | 'serverAuth' = 'clientAuth'): Promise<ClientIdentity> {
    const keys = await newKeys()
    const made = await X509CertificateGenerator.create({
      subject: 'CN=Somebody',
      issuer: this.certificate.subject,
      publicKey: keys.publicKey,
      signingKey: this.keys.privateKey,
      signingAlgorithm: ECDSA,
      ...lasting(),
      extensions: [new ExtendedKeyUsageExtension([ExtendedKeyUsage[purpose]]), new Extension(SUBJECT_ALT_NAME, false, der(0x30, ...names))],
    })
    const cert = made.toString('pem')
    const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
    const files = { certfile: join(this.#directory, 'c.crt'), keyfile: join(this.#directory, 'c.key') }
    writeFileSync(files.certfile, cert)
    writeFileSync(files.keyfile, key)
    return { files, cert, key }
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true })
  }
}

export const email = (address: string): AlternativeName => der(0x81, Buffer.from(address))
export const xmppAddr = (jid: string): AlternativeName => der(0xa0, der(0x06, XMPP_ADDR), der(0xa0, der(0x0c, Buffer.from(jid))))

const newKeys = (): Promise<webcrypto.CryptoKeyPair> => webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify'])

const lasting = (): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(Date.now() - DAY_MS),
  notAfter: new Date(Date.now() + 30 * DAY_MS),
})

/** X.690 §8.1, for what is shorter than 65,536 bytes. */
function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content)
  const size = body.length < 0x80 ? [body.length] : body.length < 0x100 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}
