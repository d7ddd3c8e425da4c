/** Certificates of clients, made by an authority of the tests with openssl: the only tool here that writes an XmppAddr. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

export interface ClientIdentity {
  /** Until the next one is issued. */
  readonly files: { readonly certfile: string; readonly keyfile: string }
  readonly cert: string
  readonly key: string
}

export class ClientAuthority {
  readonly #directory = mkdtempSync(join(tmpdir(), 'stoxgate-clients-'))

  constructor() {
    this.#run('req', '-x509', ...EC, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=An authority', '-days', '30')
  }

  /** Of the authority itself. */
  get file(): string {
    return join(this.#directory, 'ca.crt')
  }

  /** `names` as OpenSSL writes them. */
  issue(names: readonly string[], purpose = 'clientAuth'): ClientIdentity {
    this.#run('req', ...EC, '-keyout', 'c.key', '-out', 'c.csr', '-subj', '/CN=Somebody')
    const listed = names.map((name, i) => `${name.replace(':', `.${i} = `)}\n`).join('')
    writeFileSync(join(this.#directory, 'c.ext'), `extendedKeyUsage = ${purpose}\nsubjectAltName = @names\n[names]\n${listed}`)
    const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30', '-extfile', 'c.ext']
    this.#run('x509', '-req', '-in', 'c.csr', '-out', 'c.crt', ...by)
    const files = { certfile: join(this.#directory, 'c.crt'), keyfile: join(this.#directory, 'c.key') }
    return { files, cert: this.#read('c.crt'), key: this.#read('c.key') }
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true })
  }

  #read(file: string): string {
    return readFileSync(join(this.#directory, file), 'utf8')
  }

  #run(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.#directory, stdio: 'pipe' })
  }
}

export const xmppAddr = (jid: string): string => `otherName:1.3.6.1.5.5.7.8.5;UTF8:${jid}`
