/** CSeq: which request of a dialog, and its method once more (RFC 3261 §20.16). */
import { SipSyntaxError } from './syntax-error.ts'

export interface CSeq {
  readonly number: number
  readonly method: string
}

const CSEQ = /^(\d{1,20})[ \t]+([A-Za-z0-9\-.!%*_+`'~]+)$/
/** §8.1.1.5: a 32-bit number. Below 2**31 is what senders must keep to; above 2**32 nobody can mean what he says (RFC 4475 §3.1.2.4). */
const CSEQ_MAX = 2 ** 32 - 1

export function parseCSeq(text: string): CSeq {
  const parts = CSEQ.exec(text)
  if (!parts) throw new SipSyntaxError('it is not a number and a method')
  const number = Number(parts[1])
  if (number > CSEQ_MAX) throw new SipSyntaxError('its number is larger than 32 bits')
  return { number, method: parts[2] ?? '' }
}
