/** The six fields every request must have, read once: enough to answer it, to route the answer, and to know the transaction (RFC 3261 §8.1.1, §8.2, §16.3). */
import { parseCSeq } from '../cseq.ts'
import { isNamed, soughtName } from '../header-names.ts'
import { endOfValue } from '../list.ts'
import type { SipRequest } from '../message.ts'
import { parseNameAddr } from '../name-addr.ts'
import { parseMaxForwards } from '../number.ts'
import { SipSyntaxError } from '../syntax-error.ts'
import { parseVia, type Via } from '../via.ts'

const VIA = soughtName('via')
const FROM = soughtName('from')
const TO = soughtName('to')
const CALL_ID = soughtName('call-id')
const CSEQ = soughtName('cseq')
const MAX_FORWARDS = soughtName('max-forwards')

/** Where each stands in the list of fields; -1 where it is missing, -2 where it stands twice. */
export class Vitals {
  via = -1
  from = -1
  to = -1
  callId = -1
  cseq = -1
  maxForwards = -1

  constructor(list: readonly string[]) {
    for (let at = 0; at < list.length; at += 2) {
      const name = list[at] ?? ''
      // By the first letter, as most fields are none of these.
      switch (name.charCodeAt(0) | 0x20) {
        case 0x76: // v
          if (this.via === -1 && isNamed(name, VIA)) this.via = at
          break
        case 0x66: // f
          if (isNamed(name, FROM)) this.from = this.from === -1 ? at : -2
          break
        case 0x74: // t
          if (isNamed(name, TO)) this.to = this.to === -1 ? at : -2
          break
        case 0x63: // c
          if (isNamed(name, CALL_ID)) this.callId = this.callId === -1 ? at : -2
          else if (isNamed(name, CSEQ)) this.cseq = this.cseq === -1 ? at : -2
          break
        case 0x69: // i
          if (isNamed(name, CALL_ID)) this.callId = this.callId === -1 ? at : -2
          break
        case 0x6d: // m
          if (isNamed(name, MAX_FORWARDS)) this.maxForwards = this.maxForwards === -1 ? at : -2
      }
    }
  }
}

/** The first of the values, as the top Via may share its line with others (RFC 4475 §3.1.1.1). Throws SipSyntaxError. */
export function topVia(field: string): Via {
  return parseVia(field.slice(0, endOfValue(field, 0)).trimEnd())
}

/** What is wrong, fit for a reason phrase; undefined where nothing is. */
export function faultIn(request: SipRequest, vitals: Vitals): string | undefined {
  const { list } = request.headers
  return (
    addressFault('From', list, vitals.from) ??
    addressFault('To', list, vitals.to) ??
    presence('Call-ID', vitals.callId) ??
    (/^\S+$/.test(list[vitals.callId + 1] ?? '') ? undefined : 'Malformed Call-ID') ??
    presence('CSeq', vitals.cseq) ??
    cseqFault(request.method, list[vitals.cseq + 1] ?? '') ??
    maxForwardsFault(list, vitals.maxForwards) ??
    uriFault(request.uri)
  )
}

function presence(field: string, at: number): string | undefined {
  if (at >= 0) return undefined
  return at === -1 ? `Missing ${field}` : `More than one ${field}`
}

function addressFault(field: string, list: readonly string[], at: number): string | undefined {
  if (at < 0) return presence(field, at)
  try {
    parseNameAddr(list[at + 1] ?? '')
    return undefined
  } catch (cause) {
    if (!(cause instanceof SipSyntaxError)) throw cause
    return `Malformed ${field}: ${cause.message}`
  }
}

function cseqFault(method: string, text: string): string | undefined {
  try {
    return parseCSeq(text).method === method ? undefined : 'CSeq names another method'
  } catch (cause) {
    if (!(cause instanceof SipSyntaxError)) throw cause
    return `Malformed CSeq: ${cause.message}`
  }
}

// A request without Max-Forwards is legal by RFC 2543.
function maxForwardsFault(list: readonly string[], at: number): string | undefined {
  if (at === -1) return undefined
  if (at === -2) return presence('Max-Forwards', at)
  return parseMaxForwards(list[at + 1] ?? '') === undefined ? 'Malformed Max-Forwards' : undefined
}

// RFC 3261 §19.1.1: a Request-URI has no header fields in it (RFC 4475 §3.1.2.11).
function uriFault(uri: string): string | undefined {
  if (!uri.includes('?') || !/^sips?:/i.test(uri)) return undefined
  // In the user part a ? is an ordinary character.
  return uri.includes('?', uri.indexOf('@') + 1) ? 'Header fields in the Request-URI' : undefined
}
