/** Session timers as a proxy sees them (RFC 4028 §8): nobody is made to use them, and where neither side knows them there are none. */
import { type Headers, response, type SipRequest, SipResponse } from '../message.ts'
import { parseDeltaSeconds } from '../number.ts'
import { parseParams } from '../params.ts'
import { SipSyntaxError } from '../syntax-error.ts'

/** §4: what is asked for where the caller asks for nothing. */
const SESSION_SECONDS = 1_800
/** §5: less is not to be had anywhere. */
const MIN_SECONDS = 90

export interface SessionExpires {
  readonly seconds: number
  readonly refresher: string | undefined
}

/** Undefined where there is none, or none that can be read. */
export function parseSessionExpires(field: string | undefined): SessionExpires | undefined {
  if (field === undefined) return undefined
  const semicolon = field.indexOf(';')
  const seconds = parseDeltaSeconds((semicolon < 0 ? field : field.slice(0, semicolon)).trim())
  if (seconds === undefined || seconds === 0) return undefined
  try {
    return { seconds, refresher: semicolon < 0 ? undefined : parseParams(field, semicolon).get('refresher')?.toLowerCase() }
  } catch (cause) {
    if (cause instanceof SipSyntaxError) return { seconds, refresher: undefined }
    throw cause
  }
}

/** §8.1: who knows timers is told that his is too short; for who does not, a proxy before us has asked. */
export function timerRefusal({ headers }: SipRequest): SipResponse | undefined {
  const asked = parseSessionExpires(headers.get('session-expires'))
  return asked && asked.seconds < MIN_SECONDS && knowsTimers(headers)
    ? response(422, undefined, [['Min-SE', String(MIN_SECONDS)]])
    : undefined
}

/** §8.1: the request as it goes on, with an interval that is not below what anybody before us can bear. `Supported` stays the caller's own. */
export function askForTimer({ headers }: SipRequest): void {
  const least = Math.max(MIN_SECONDS, parseSessionExpires(headers.get('min-se'))?.seconds ?? 0)
  const asked = parseSessionExpires(headers.get('session-expires'))
  if (!asked) headers.set('Session-Expires', String(Math.max(SESSION_SECONDS, least)))
  else if (asked.seconds < least) {
    headers.set('Session-Expires', String(least))
    headers.set('Min-SE', String(least))
  }
}

/** What both sides have agreed on in a 2xx, and the 2xx as it goes back: where only the caller knows timers, he is told to refresh (§8.2). */
export function sessionOf(request: Headers, said: SipResponse): { readonly seconds: number | undefined; readonly response: SipResponse } {
  const agreed = parseSessionExpires(said.headers.get('session-expires'))
  if (agreed) return { seconds: agreed.seconds, response: said }
  const asked = parseSessionExpires(request.get('session-expires'))
  if (!asked || !knowsTimers(request)) return { seconds: undefined, response: said }
  const headers = said.headers.copy()
  headers.set('Session-Expires', `${asked.seconds};refresher=uac`)
  headers.append('Require', 'timer')
  // Said by us alone: a 2xx that comes again does not have it, so nobody is believed to be gone for it.
  return { seconds: undefined, response: new SipResponse(said.status, said.reason, headers, said.body) }
}

function knowsTimers(headers: Headers): boolean {
  return headers.values('supported').some((tag) => tag.toLowerCase() === 'timer')
}
