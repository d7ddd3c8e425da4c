/** SIP messages as the ladder tells them: of credentials, which they are and by which algorithm, not what they say. */
import { RefusedError } from '../core/port.ts'
import { saidIn } from '../mapping/said.ts'
import { parseAuthParams } from '../sip/auth-params.ts'
import { SipRequest, type SipResponse } from '../sip/message.ts'
import { SipSyntaxError } from '../sip/syntax-error.ts'
import type { Crossing } from './crossing.ts'

const CREDENTIALS = ['Authorization', 'Proxy-Authorization', 'WWW-Authenticate', 'Proxy-Authenticate'] as const

export function sipCrossing(message: SipRequest | SipResponse, direction: 'in' | 'out', isRepeated: boolean): Crossing {
  const notes = isRepeated ? ['the same once more'] : notesOn(message)
  if (message instanceof SipRequest) {
    return { side: 'sip', direction, what: message.method, said: textIn(message), notes, tone: 'asks' }
  }
  const { status, reason } = message
  return { side: 'sip', direction, what: `${status} ${reason}`, notes, tone: toneOf(status) }
}

/** A challenge refuses nothing yet. */
function toneOf(status: number): Crossing['tone'] {
  if (status < 300) return 'agrees'
  return status === 401 || status === 407 ? 'asks' : 'refuses'
}

function notesOn({ headers }: SipRequest | SipResponse): string[] {
  const notes: string[] = []
  for (const name of CREDENTIALS) {
    const algorithms = headers.all(name).map(algorithmOf)
    if (algorithms.length > 0) notes.push(`${name}: Digest ${algorithms.join(', ')}`)
  }
  const data = headers.get('P-XMPP-Data')
  if (data !== undefined) notes.push(`P-XMPP-Data: ${data}`)
  return notes
}

/** RFC 7616 §3.3: MD5 where none is named. */
function algorithmOf(field: string): string {
  try {
    return parseAuthParams(field).params.get('algorithm') ?? 'MD5'
  } catch (cause) {
    if (cause instanceof SipSyntaxError) return '(malformed)'
    throw cause
  }
}

function textIn(request: SipRequest): string | undefined {
  try {
    return saidIn(request).texts[0]?.text
  } catch (cause) {
    // Something nobody can read: the telephone says so itself.
    if (cause instanceof RefusedError) return undefined
    throw cause
  }
}
