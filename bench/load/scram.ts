/** The client's side of SCRAM (RFC 5802) without channel binding. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { Hash } from '../ground.ts'

/** PBKDF2 once per salt, so that the load spends its time on load. */
const salted = new Map<string, Buffer>()

function saltedPassword(hash: Hash, password: string, salt: string, iterations: number): Buffer {
  const key = `${hash} ${iterations} ${salt} ${password}`
  let found = salted.get(key)
  if (!found) {
    found = pbkdf2Sync(password, Buffer.from(salt, 'base64'), iterations, hash === 'sha1' ? 20 : 32, hash)
    salted.set(key, found)
  }
  return found
}

export class Scram {
  readonly #bare: string
  #signature = ''

  constructor(
    readonly hash: Hash,
    user: string,
    readonly password: string,
  ) {
    this.#bare = `n=${user},r=${randomBytes(15).toString('base64')}`
  }

  first(): string {
    return `n,,${this.#bare}`
  }

  final(challenge: string): string {
    const fields = new Map(challenge.split(',').map((part) => [part.slice(0, 1), part.slice(2)]))
    const [nonce, salt, count] = [fields.get('r'), fields.get('s'), Number(fields.get('i'))]
    if (nonce === undefined || salt === undefined || !(count > 0)) throw new Error(`not a SCRAM challenge: ${challenge}`)
    const withoutProof = `c=${Buffer.from('n,,').toString('base64')},r=${nonce}`
    const message = `${this.#bare},${challenge},${withoutProof}`
    const key = saltedPassword(this.hash, this.password, salt, count)
    const clientKey = createHmac(this.hash, key).update('Client Key').digest()
    const storedKey = createHash(this.hash).update(clientKey).digest()
    const proof = createHmac(this.hash, storedKey).update(message).digest()
    for (let n = 0; n < proof.length; n++) proof.writeUInt8(proof.readUInt8(n) ^ clientKey.readUInt8(n), n)
    const serverKey = createHmac(this.hash, key).update('Server Key').digest()
    this.#signature = createHmac(this.hash, serverKey).update(message).digest('base64')
    return `${withoutProof},p=${proof.toString('base64')}`
  }

  /** The server has to know the password too. */
  check(success: string): void {
    if (!success.startsWith(`v=${this.#signature}`)) throw new Error('the server could not prove that it knows the password')
  }
}
