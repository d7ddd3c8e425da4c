/** The file of the keys: 32 random bytes for each key, the newest first, for its owner alone. Made where there is none and nothing needs an old one. */
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import type { SealedPasswords } from '../../store/port.ts'
import { KEY_BYTES, Keyring } from './keyring.ts'

/** More than anybody changes keys before old ones have gone. */
const KEYS_MAX = 8
/** Accounts named in a sentence. */
const NAMED_MAX = 3

/** No keys to be had; the message is for the operator. */
export class KeyFileError extends Error {
  override name = 'KeyFileError'
}

/** Throws KeyFileError, or what the file system says. */
export async function openKeyring(file: string, sealed: SealedPasswords): Promise<Keyring> {
  const keys = readKeys(file)
  if (keys) return new Keyring(keys)
  const lost = await sealed.withOtherKeys('')
  if (lost.length > 0)
    throw new KeyFileError(
      `${file} is not there, but ${namesOf(lost)} sealed with its key: put it back; where it is lost, make another (head -c 32 /dev/urandom > ${file}; chmod 600 ${file}) and give those accounts their passwords again`,
    )
  make(file)
  return new Keyring(readKeys(file) ?? missing(file))
}

/** For a gateway that starts: nothing may be sealed with a key it has not, and what an older key has sealed gets the newest. Throws KeyFileError. */
export async function renewSeals(file: string, keyring: Keyring, sealed: SealedPasswords): Promise<number> {
  const others = await sealed.withOtherKeys(keyring.keyId)
  const lost = others.filter((record) => !keyring.has(record.sealed.keyId))
  if (lost.length > 0)
    throw new KeyFileError(
      `${file} is not the key that ${namesOf(lost)} sealed with: put back the file that was there, or give those accounts their passwords again ("stoxgate account passwd", "stoxgate account pbx-password")`,
    )
  for (const record of others) {
    const password = keyring.open(record.jid, record.use, record.sealed)
    await sealed.reseal(record, keyring.seal(record.jid, record.use, password))
  }
  return others.length
}

function readKeys(file: string): readonly [Buffer, ...Buffer[]] | undefined {
  let descriptor: number
  try {
    descriptor = fs.openSync(file, 'r')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw cause
  }
  try {
    const { mode, size } = fs.fstatSync(descriptor)
    if ((mode & 0o077) !== 0)
      throw new KeyFileError(
        `${file} can be read or written by others than its owner (mode ${(mode & 0o777).toString(8)}): chmod 600 ${file}, and take new keys if somebody may have copied it`,
      )
    if (size === 0 || size % KEY_BYTES !== 0 || size > KEY_BYTES * KEYS_MAX)
      throw new KeyFileError(
        `${file} has ${size} bytes, but a key has ${KEY_BYTES} (several keys: a multiple of it, ${KEYS_MAX} at most): put back the file that was there`,
      )
    const bytes = fs.readFileSync(descriptor)
    const keys = Array.from({ length: size / KEY_BYTES }, (_, i) => bytes.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES))
    const [first, ...more] = keys
    return first && [first, ...more]
  } finally {
    fs.closeSync(descriptor)
  }
}

/** Whole or not at all: another process that starts at the same moment must not read half a key, nor make a second one. */
function make(file: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
  const beside = `${file}.${randomBytes(6).toString('hex')}`
  fs.writeFileSync(beside, randomBytes(KEY_BYTES), { mode: 0o600, flag: 'wx', flush: true })
  try {
    fs.linkSync(beside, file)
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause
  } finally {
    fs.rmSync(beside)
  }
}

function missing(file: string): never {
  throw new KeyFileError(`${file} has gone while it was being made`)
}

function namesOf(records: readonly { readonly jid: { toString(): string } }[]): string {
  const names = [...new Set(records.map(({ jid }) => jid.toString()))]
  const named = names.slice(0, NAMED_MAX).join(', ')
  const passwords = records.length === 1 ? 'the password' : `${records.length} passwords`
  return `${passwords} of ${named}${names.length > NAMED_MAX ? ' …' : ''} ${records.length === 1 ? 'was' : 'were'}`
}
