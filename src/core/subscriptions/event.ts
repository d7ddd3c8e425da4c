/** The header fields of RFC 6665 §8.2 and RFC 6446: Event, Subscription-State, and what SUBSCRIBE, NOTIFY and PUBLISH share with them. */
import { SipUri, SipUriError } from '../../address/sip-uri.ts'
import type { Headers } from '../../sip/message.ts'
import { type NameAddr, parseNameAddr } from '../../sip/name-addr.ts'
import { parseDeltaSeconds } from '../../sip/number.ts'
import { type Params, parseParams } from '../../sip/params.ts'
import { SipSyntaxError } from '../../sip/syntax-error.ts'
import { RefusedError } from '../port.ts'
import type { EventPackage } from './packages.ts'
import type { TerminationReason } from './port.ts'

export interface EventField {
  readonly event: string
  readonly id: string | undefined
  /** Notifications a second, at most and at least (RFC 6446 §9.2). */
  readonly maxRate: number | undefined
  readonly minRate: number | undefined
}

/** Throws RefusedError: 489 where no package is named (§4.2.1.1), 400 where it is malformed. */
export function eventOf(text: string | undefined): EventField {
  const { token, params } = fieldOf('Event', text ?? '')
  if (token === '') throw new RefusedError(489, 'An Event is needed')
  return { event: token, id: params.get('id'), maxRate: rateOf(params.get('max-rate')), minRate: rateOf(params.get('min-rate')) }
}

/** The package alone, for who decides where a request goes: empty where none is named. */
export const eventName = (text: string | undefined): string => /^\s*([^\s;]+)/.exec(text ?? '')?.[1] ?? ''

/** As it stands in NOTIFY: `id` is repeated, rates are not. */
export const printEvent = (event: string, id: string | undefined): string => (id === undefined ? event : `${event};id=${id}`)

/** The package that Event names. Throws RefusedError with Allow-Events where it is not among those served. */
export function packageFor(event: string, packages: readonly EventPackage[]): EventPackage {
  const found = packages.find((one) => one.event === event)
  if (!found) throw new RefusedError(489, 'Bad Event', [['Allow-Events', packages.map((one) => one.event).join(', ')]])
  return found
}

export interface SubscriptionState {
  readonly state: 'pending' | 'active' | 'terminated'
  readonly reason: TerminationReason | undefined
  readonly expires: number | undefined
  readonly retryAfterSeconds: number | undefined
}

const REASONS: ReadonlySet<string> = new Set<TerminationReason>([
  'deactivated',
  'probation',
  'rejected',
  'timeout',
  'giveup',
  'noresource',
  'invariant',
])
const isReason = (text: string | undefined): text is TerminationReason => text !== undefined && REASONS.has(text)

/** Throws RefusedError 400. A state that nobody knows counts as active: whatever it is, there is a subscription (§8.2.3 leaves room for others). */
export function subscriptionStateOf(text: string | undefined): SubscriptionState {
  const { token, params } = fieldOf('Subscription-State', text ?? '')
  if (token === '') throw new RefusedError(400, 'A NOTIFY needs Subscription-State')
  const name = token.toLowerCase()
  const reason = params.get('reason')?.toLowerCase()
  return {
    state: name === 'pending' || name === 'terminated' ? name : 'active',
    reason: isReason(reason) ? reason : undefined,
    expires: parseDeltaSeconds(params.get('expires') ?? ''),
    retryAfterSeconds: parseDeltaSeconds(params.get('retry-after') ?? ''),
  }
}

export interface ExpiresLimits {
  readonly defaultExpiresSeconds: number
  readonly minExpiresSeconds: number
  readonly maxExpiresSeconds: number
}

/** What is granted for this Expires; 0 ends. Throws RefusedError 423. A malformed time is as good as none (RFC 3261 §20.19). */
export function grantedFor(text: string | undefined, limits: ExpiresLimits): number {
  const wanted = (text === undefined ? undefined : parseDeltaSeconds(text.trim())) ?? limits.defaultExpiresSeconds
  if (wanted > 0 && wanted < limits.minExpiresSeconds)
    throw new RefusedError(423, 'Interval Too Brief', [['Min-Expires', String(limits.minExpiresSeconds)]])
  return Math.min(wanted, limits.maxExpiresSeconds)
}

/** `application/pidf+xml;charset=UTF-8` is application/pidf+xml. */
export const mediaType = (text: string): string => (text.split(';', 1)[0] ?? '').trim().toLowerCase()

/** Whether one of these types may be sent to who says this; no Accept at all means the package's own (§3.1.3). */
export function accepts(headers: Headers, types: readonly string[]): boolean {
  const ranges = headers.values('Accept').map(mediaType)
  if (ranges.length === 0) return true
  return types.some((type) => ranges.some((range) => range === type || range === '*/*' || range === `${type.split('/', 1)[0]}/*`))
}

/** The one Contact of a request that makes or refreshes a dialog (RFC 3261 §8.1.1.8); undefined where there is none. Throws RefusedError 400. */
export function contactOf(headers: Headers): NameAddr | undefined {
  const [contact, more] = headers.values('Contact')
  if (contact === undefined) return undefined
  try {
    if (more !== undefined) throw new SipSyntaxError('there is more than one')
    const parsed = parseNameAddr(contact)
    SipUri.parse(parsed.uri)
    return parsed
  } catch (cause) {
    if (cause instanceof SipSyntaxError || cause instanceof SipUriError) throw new RefusedError(400, `Contact: ${cause.message}`)
    throw cause
  }
}

function fieldOf(name: string, text: string): { token: string; params: Params } {
  const semicolon = text.indexOf(';')
  const token = (semicolon < 0 ? text : text.slice(0, semicolon)).trim()
  try {
    return { token, params: parseParams(text, semicolon < 0 ? text.length : semicolon) }
  } catch (cause) {
    if (cause instanceof SipSyntaxError) throw new RefusedError(400, `${name}: ${cause.message}`)
    throw cause
  }
}

/** RFC 6446 §9.2: `1*2DIGIT ["." 1*10DIGIT]`; 0 and anything else mean nothing. */
function rateOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,2}(?:\.\d{1,10})?$/.test(text)) return undefined
  return Number(text) || undefined
}
