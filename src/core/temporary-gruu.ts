/**
 * Temporary GRUUs (RFC 5627 §3.1.2, §5): addresses that lead to one telephone and say nothing of whose it is. Nothing is kept of them: account, telephone and the
 * beginning of its registration stand in the address itself, sealed with a key of ours, so two of them have nothing in common.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { SipUri } from '../address/sip-uri.ts'
import type { Binding, Registrations } from './location.ts'

const PREFIX = 'tgruu.'
const NONCE_BYTES = 12
const TAG_BYTES = 12
const INSTANCE_BYTES = 8
const TIME_BYTES = 6
const SEALED_MIN = NONCE_BYTES + TAG_BYTES + INSTANCE_BYTES + TIME_BYTES
/** Letters that stay what they are where an address is written small, as XMPP writes it. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567'

export class TemporaryGruus {
  readonly #key: Buffer
  readonly #registrations: Registrations

  /** `key`: 32 bytes; those made with another one lead nowhere. */
  constructor(key: Buffer, registrations: Registrations) {
    this.#key = key
    this.#registrations = registrations
  }

  /** A new one with each call. */
  make(account: SipUri, { instance = '', begun = 0 }: Binding): string {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(account.host))
    const plain = Buffer.alloc(TIME_BYTES + INSTANCE_BYTES)
    plain.writeUIntBE(begun, 0, TIME_BYTES)
    digestOf(instance).copy(plain, TIME_BYTES)
    const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.update(userOf(account)), cipher.final(), cipher.getAuthTag()])
    return `sip:${PREFIX}${written(sealed)}@${account.host};gr`
  }

  /**
   * The telephone's public GRUU; 'invalid' where the registration it was made for is over (§5.3). Undefined: it is an address like any other. XMPP writes it without
   * the `gr`, so that is not asked for.
   */
  resolve(address: SipUri): SipUri | 'invalid' | undefined {
    const { user, host } = address
    if (user === undefined || !user.startsWith(PREFIX)) return undefined
    const opened = this.#open(user.slice(PREFIX.length), host)
    if (!opened) return undefined
    const account = SipUri.parse(`sip:${opened.user}@${host}`)
    const binding = this.#registrations
      .flowsOf(account.aor)
      .find(({ instance, begun = 0 }) => instance !== undefined && begun === opened.begun && digestOf(instance).equals(opened.instance))
    return binding ? account.withGr(binding.instance) : 'invalid'
  }

  #open(text: string, host: string): { readonly user: string; readonly begun: number; readonly instance: Buffer } | undefined {
    const sealed = read(text)
    if (!sealed || sealed.length <= SEALED_MIN) return undefined
    const nonce = sealed.subarray(0, NONCE_BYTES)
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(host))
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
    let plain: Buffer
    try {
      plain = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
    } catch {
      return undefined // none of ours
    }
    return {
      begun: plain.readUIntBE(0, TIME_BYTES),
      instance: plain.subarray(TIME_BYTES, TIME_BYTES + INSTANCE_BYTES),
      user: plain.subarray(TIME_BYTES + INSTANCE_BYTES).toString(),
    }
  }
}

/** As the URI writes it. */
function userOf(account: SipUri): Buffer {
  const text = account.bare.toString()
  return Buffer.from(text.slice(text.indexOf(':') + 1, text.lastIndexOf('@')))
}

const digestOf = (instance: string): Buffer => createHash('sha256').update(instance).digest().subarray(0, INSTANCE_BYTES)

function written(bytes: Buffer): string {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff
    bits += 8
    for (; bits >= 5; bits -= 5) text += LETTERS[(value >> (bits - 5)) & 31]
  }
  return bits > 0 ? text + LETTERS[(value << (5 - bits)) & 31] : text
}

function read(text: string): Buffer | undefined {
  const bytes = Buffer.alloc(Math.floor((text.length * 5) / 8))
  let at = 0
  let bits = 0
  let value = 0
  for (const letter of text) {
    const five = LETTERS.indexOf(letter)
    if (five < 0) return undefined
    value = ((value << 5) | five) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = (value >> bits) & 255
    }
  }
  return bytes
}
