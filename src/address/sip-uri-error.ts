/** What is thrown where a text is no SIP URI (RFC 3261 §19.1.1). */
import { percentDecoded } from './percent.ts'

/** Not a SIP URI; the message says what is wrong with it. */
export class SipUriError extends Error {
  override name = 'SipUriError'
}

/** A component without its escapes; throws SipUriError. */
export function decoded(text: string, what: string): string {
  const plain = percentDecoded(text)
  if (plain === undefined) throw new SipUriError(`The ${what} has an escape that is incomplete or not UTF-8`)
  return plain
}
