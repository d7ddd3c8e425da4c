/** What an account keeps of a password: SCRAM keys (RFC 5802, RFC 7677) and, for telephones, digest hashes (RFC 7616 §3.4.2, RFC 8760). */
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

type ScramHash = 'SHA-1' | 'SHA-256'

// As node:crypto calls them, with the bytes of their output.
const HASH = { 'SHA-1': ['sha1', 20], 'SHA-256': ['sha256', 32] } as const satisfies Record<ScramHash, readonly [string, number]>
const pbkdf2OnAnotherThread = promisify(pbkdf2)

/** Everything from one password, so that the same one works for a client and a telephone. Throws PasswordError. */
export async function deriveCredentials(jid: Jid, password: string, options: DerivingOptions): Promise<Credentials> {
  const prepared = preparedPassword(password)
  const rounds = options.rounds ?? CREDENTIALS_DEFAULTS.rounds
  const [sha1, sha256] = await Promise.all([
    scramKeys('SHA-1', prepared, randomBytes(CREDENTIALS_DEFAULTS.saltBytes), rounds),
    scramKeys('SHA-256', prepared, randomBytes(CREDENTIALS_DEFAULTS.saltBytes), rounds),
  ])
  const scram = { 'SHA-1': sha1, 'SHA-256': sha256 }
  return options.telephones ? { scram, sip: sipHashes(jid, password) } : { scram }
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
