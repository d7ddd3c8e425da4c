/** Contact of a REGISTER: a list of addresses, or the one star that means all of them (RFC 3261 §20.10, §10.2.2). */

import { splitList } from './list.ts'
import type { Headers } from './message.ts'
import { type NameAddr, parseNameAddr } from './name-addr.ts'
import { SipSyntaxError } from './syntax-error.ts'

/** In order, over all fields; throws SipSyntaxError where one is malformed, or a star stands among others. */
export function parseContacts(headers: Headers): '*' | NameAddr[] {
  const contacts: NameAddr[] = []
  let stars = 0
  for (const field of headers.all('contact')) {
    for (const value of splitList(field)) {
      if (value === '*') stars++
      else contacts.push(parseNameAddr(value))
    }
  }
  if (stars === 0) return contacts
  if (stars > 1 || contacts.length > 0) throw new SipSyntaxError('* stands beside other contacts')
  return '*'
}
