/** Seals passwords that have to stay recoverable: AES-256-GCM (NIST SP 800-38D), bound to their account and use, with a key that is not in the store. */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import type { Jid } from '../../address/jid.ts'
import type { Sealed, SealedUse } from '../../store/port.ts'

export const KEY_BYTES = 32
/** What SP 800-38D §8.2 recommends; drawn at random, a key is good for 2³² passwords (§8.3). */
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** It was sealed with a key that is not here, or somebody has changed it. */
export class UnsealError extends Error {
  override name = 'UnsealError'
}

export class Keyring {
  readonly #keys = new Map<string, Buffer>()
  /** Of the key that seals. */
  readonly keyId: string

  /** The first key seals; the others open what they have sealed once. */
  constructor(keys: readonly [Buffer, ...Buffer[]]) {
    for (const key of keys) this.#keys.set(idOf(key), key)
    this.keyId = idOf(keys[0])
  }

  has(keyId: string): boolean {
    return this.#keys.has(keyId)
  }

  seal(jid: Jid, use: SealedUse, password: string): Sealed {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key(this.keyId), nonce, { authTagLength: TAG_BYTES })
    cipher.setAAD(boundTo(jid, use))
    const box = Buffer.concat([cipher.update(password, 'utf8'), cipher.final(), cipher.getAuthTag()])
    return { keyId: this.keyId, nonce, box }
  }

  /** Throws UnsealError. */
  open(jid: Jid, use: SealedUse, { keyId, nonce, box }: Sealed): string {
    const key = this.#key(keyId)
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(boundTo(jid, use))
      decipher.setAuthTag(box.subarray(-TAG_BYTES))
      return Buffer.concat([decipher.update(box.subarray(0, -TAG_BYTES)), decipher.final()]).toString()
    } catch (cause) {
      throw new UnsealError(`the sealed password of ${jid.bare} (${use}) was changed in the database`, { cause })
    }
  }

  #key(keyId: string): Buffer {
    const key = this.#keys.get(keyId)
    if (!key) throw new UnsealError('a password was sealed with a key that is not here')
    return key
  }
}

/** Says nothing of the key. */
const idOf = (key: Buffer): string => createHmac('sha256', key).update('key id').digest('hex').slice(0, 16)

/** One account's password is no good in the place of another's, nor for another use. */
const boundTo = (jid: Jid, use: SealedUse): Buffer => Buffer.from(`${use}\0${jid.bare}`)
