/** What every server under test shares: one domain, one certificate, one set of accounts, one password. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'

/** Stored form of a password (RFC 5802 §3). */
export interface StoredKeys {
  readonly salt: Buffer
  readonly iterations: number
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

export type Hash = 'sha1' | 'sha256'

export function storedKeys(hash: Hash, password: string, salt: Buffer, iterations: number): StoredKeys {
  const salted = pbkdf2Sync(password, salt, iterations, hash === 'sha1' ? 20 : 32, hash)
  const clientKey = createHmac(hash, salted).update('Client Key').digest()
  return {
    salt,
    iterations,
    storedKey: createHash(hash).update(clientKey).digest(),
    serverKey: createHmac(hash, salted).update('Server Key').digest(),
  }
}

/** One run's working folder and what lies in it. */
export class Ground {
  readonly directory = mkdtempSync(join(tmpdir(), 'stoxgate-bench-'))
  readonly domain = 'bench.example'
  readonly password = 'wherefore-art-thou'
  readonly certificate = join(this.directory, 'bench.crt')
  readonly key = join(this.directory, 'bench.key')

  private constructor(readonly accounts: number) {}

  static async prepare(accounts: number): Promise<Ground> {
    const ground = new Ground(accounts)
    // P-256: what certificate authorities give out by default today; with RSA every login would mostly measure one signature.
    const made = await generate([{ name: 'commonName', value: ground.domain }], {
      keyType: 'ec',
      curve: 'P-256',
      algorithm: 'sha256',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: ground.domain }] }],
    })
    writeFileSync(ground.certificate, made.cert)
    writeFileSync(ground.key, made.private, { mode: 0o600 })
    return ground
  }

  /** Account names are u0, u1 …; all have the same password. */
  user(index: number): string {
    return `u${index}`
  }

  clear(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** A TCP port nobody listens on just now, for servers that cannot be told to choose one themselves. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'))
        else resolve(address.port)
      })
    })
  })
}
