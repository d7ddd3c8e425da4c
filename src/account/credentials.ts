/** What an account keeps of a password: SCRAM keys (RFC 5802, RFC 7677), the hash of DIGEST-MD5 (RFC 2831) and, for telephones, digest hashes (RFC 7616 §3.4.2, RFC 8760). */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import saslprep from '@mongodb-js/saslprep'
import type { Jid } from '../address/jid.ts'
import { uriFor } from '../mapping/address.ts'
import type { Credentials, ScramKeys, SipHash } from '../store/port.ts'

export interface DerivingOptions {
  /** Of PBKDF2; RFC 7677 §4 wants at least 4,096. Every login with PLAIN costs them, and every client pays them for SCRAM. */
  readonly rounds?: number
  /** Whether the domain's accounts have telephones, for which SIP's weaker hashes are kept. */
  readonly telephones: boolean
  /** Whether the domain speaks DIGEST-MD5, whose hash is nearly as good as the password. */
  readonly digestMd5?: boolean
}

export const CREDENTIALS_DEFAULTS = {
  rounds: 10_000, // 1.6 ms of another thread with SHA-256
  saltBytes: 16, // twice what RFC 2898 §4.1 asks for
  passwordMaxBytes: 1_024, // a sentence in any script; more is no password
}

/** No password; the message says why. */
export class PasswordError extends Error {
  override name = 'PasswordError'
}

export type ScramHash = 'SHA-1' | 'SHA-256' | 'SHA-512'

// As node:crypto calls them, with the bytes of their output.
const HASH = { 'SHA-1': ['sha1', 20], 'SHA-256': ['sha256', 32], 'SHA-512': ['sha512', 64] } as const satisfies Record<
  ScramHash,
  readonly [string, number]
>
const pbkdf2OnAnotherThread = promisify(pbkdf2)

/** Everything from one password, so that the same one works for a client and a telephone. Throws PasswordError. */
export async function deriveCredentials(jid: Jid, password: string, options: DerivingOptions): Promise<Credentials> {
  const prepared = preparedPassword(password)
  const rounds = options.rounds ?? CREDENTIALS_DEFAULTS.rounds
  const [sha1, sha256, sha512] = await Promise.all([
    scramKeys('SHA-1', prepared, randomBytes(CREDENTIALS_DEFAULTS.saltBytes), rounds),
    scramKeys('SHA-256', prepared, randomBytes(CREDENTIALS_DEFAULTS.saltBytes), rounds),
    scramKeys('SHA-512', prepared, randomBytes(CREDENTIALS_DEFAULTS.saltBytes), rounds),
  ])
  return {
    scram: { 'SHA-1': sha1, 'SHA-256': sha256, 'SHA-512': sha512 },
    ...(options.digestMd5 === true ? { digestMd5: digestMd5(jid, prepared) } : {}),
    ...(options.telephones ? { sip: sipHashes(jid, password) } : {}),
  }
}

/** For mechanisms that show the password. Takes as long for a wrong one, and never throws for what a client sent. */
export async function verifyPassword(credentials: Credentials, password: string): Promise<boolean> {
  const { salt, iterations, storedKey } = credentials.scram['SHA-256']
  let prepared: string
  let isAllowed = true
  try {
    prepared = preparedPassword(password)
  } catch (cause) {
    if (!(cause instanceof PasswordError)) throw cause
    prepared = ''
    isAllowed = false
  }
  const keys = await scramKeys('SHA-256', prepared, salt, iterations)
  return timingSafeEqual(keys.storedKey, storedKey) && isAllowed
}

/**
 * Credentials of a name nobody has: the same salt at every attempt, as a real account shows, and keys that no password fits. Who does not know the
 * secret cannot tell them from real ones, so that nobody learns from SCRAM which accounts exist (RFC 5802 §9).
 */
export function fakeKeys(jid: Jid, secret: Buffer, rounds: number = CREDENTIALS_DEFAULTS.rounds): Credentials {
  return { scram: { 'SHA-1': fake('SHA-1', jid, secret, rounds), 'SHA-256': fake('SHA-256', jid, secret, rounds) } }
}

/** The keys of one mechanism: where an account has none, those of a name nobody has, so that it cannot be told from one (RFC 5802 §9). */
export function keysOf(hash: ScramHash, jid: Jid, credentials: Credentials, secret: Buffer): ScramKeys {
  return credentials.scram[hash] ?? fake(hash, jid, secret, credentials.scram['SHA-256'].iterations)
}

/** RFC 5802 §3, from a prepared password. */
export async function scramKeys(hash: ScramHash, prepared: string, salt: Buffer, iterations: number): Promise<ScramKeys> {
  const [digest, bytes] = HASH[hash]
  const salted = await pbkdf2OnAnotherThread(prepared, salt, iterations, bytes, digest)
  const clientKey = createHmac(digest, salted).update('Client Key').digest()
  return {
    salt,
    iterations,
    storedKey: createHash(digest).update(clientKey).digest(),
    serverKey: createHmac(digest, salted).update('Server Key').digest(),
  }
}

/** RFC 4013; with the code points that Unicode 3.2 did not know, because clients of today send them, emoji first of all. */
function preparedPassword(password: string): string {
  if (Buffer.byteLength(password) > CREDENTIALS_DEFAULTS.passwordMaxBytes)
    throw new PasswordError(`The password is longer than ${CREDENTIALS_DEFAULTS.passwordMaxBytes} bytes`)
  let prepared: string
  try {
    prepared = saslprep(password, { allowUnassigned: true })
  } catch {
    throw new PasswordError('The password has a control character, or mixes writing directions in a way that cannot be typed again')
  }
  if (prepared === '') throw new PasswordError('The password is empty')
  return prepared
}

/**
 * RFC 2831 §2.1.2.1: whatever is all ISO 8859-1 is hashed as such, else as UTF-8; the user name is the local part, the realm the domain.
 */
export function digestMd5({ local = '', domain }: Jid, prepared: string): Buffer {
  const octets = (text: string) => Buffer.from(text, isLatin1(text) ? 'latin1' : 'utf8')
  const colon = Buffer.from(':')
  return createHash('md5')
    .update(Buffer.concat([octets(local), colon, octets(domain), colon, octets(prepared)]))
    .digest()
}

const isLatin1 = (text: string): boolean => /^[\x00-\xff]*$/.test(text)

/**
 * The user name is what a telephone knows its account by: the user of its SIP URI, not encoded, so that `a\40b@d` registers as a@b. The realm is
 * the domain as SIP writes it (A-labels), which is what the challenge says. Digest knows no SASLprep: UTF-8 in form C (RFC 7616 §4).
 */
function sipHashes(jid: Jid, password: string): { MD5: SipHash; 'SHA-256': SipHash } {
  const { user = '', host } = uriFor(jid.bare)
  const of = (digest: string): SipHash => {
    const hash = (name: string) => createHash(digest).update(`${name}:${host}:${password}`.normalize('NFC')).digest('hex')
    return { local: hash(user), full: hash(`${user}@${host}`) }
  }
  return { MD5: of('md5'), 'SHA-256': of('sha256') }
}

function fake(hash: ScramHash, jid: Jid, secret: Buffer, iterations: number): ScramKeys {
  const [digest, bytes] = HASH[hash]
  const bytesFor = (what: string) => createHmac('sha256', secret).update(`${what}\0${hash}\0${jid.bare}`).digest()
  return {
    salt: bytesFor('salt').subarray(0, CREDENTIALS_DEFAULTS.saltBytes),
    iterations,
    storedKey: bytesFor('stored').subarray(0, bytes),
    serverKey: createHash(digest).update(bytesFor('server')).digest(),
  }
}
