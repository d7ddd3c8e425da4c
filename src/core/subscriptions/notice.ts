/** A NOTIFY that came for a subscription of ours, as far as it can be read without its dialog (RFC 6665 §4.1.3). */
import type { SipRequest } from '../../sip/message.ts'
import { RefusedError } from '../port.ts'
import { eventOf, mediaType, type SubscriptionState, subscriptionStateOf } from './event.ts'
import type { EventPackage } from './packages.ts'
import type { Document } from './port.ts'

/** Throws RefusedError: 400 without a Subscription-State, 489 of another package. */
export function stateOf({ headers }: SipRequest, { event }: EventPackage): SubscriptionState {
  const named = eventOf(headers.get('Event'))
  if (named.event !== event || named.id !== undefined) throw new RefusedError(489, 'This subscription is about something else')
  return subscriptionStateOf(headers.get('Subscription-State'))
}

/** Throws RefusedError 415. */
export function documentOf({ headers, body }: SipRequest, { types }: EventPackage): Document | undefined {
  if (body.length === 0) return undefined
  const contentType = headers.get('Content-Type') ?? ''
  if (!types.includes(mediaType(contentType))) throw new RefusedError(415, 'Unsupported Media Type', [['Accept', types.join(', ')]])
  return { contentType, body }
}
