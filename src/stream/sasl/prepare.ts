/** SASLprep (RFC 4013) of names and passwords, and the UTF-8 they arrive in. */
import { isUtf8 } from 'node:buffer'
import saslprep from '@mongodb-js/saslprep'
import { SaslError } from './error.ts'

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/

/** Prepared as a query (RFC 3454 §7 allows unassigned code points there); SaslError where it cannot be. */
export function prepare(text: string): string {
  if (PRINTABLE_ASCII.test(text)) return text
  try {
    return saslprep(text, { allowUnassigned: true })
  } catch {
    throw new SaslError('malformed-request', 'The name or the password has a character that is not allowed in one')
  }
}

export function textOf(message: Buffer): string {
  if (!isUtf8(message)) throw new SaslError('malformed-request', 'The message is not UTF-8')
  return message.toString('utf8')
}
