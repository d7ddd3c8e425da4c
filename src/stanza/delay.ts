/** XEP-0203: Delayed Delivery. */
import { type Element, el } from '../xml/element.ts'
import { formatDateTime, parseDateTime } from './datetime.ts'

export const NS_DELAY = 'urn:xmpp:delay'

export interface Delay {
  /** When the stanza was sent first. */
  readonly stamp: Date
  /** Who held it back, as written. */
  readonly from: string | undefined
}

/** Of several delays the earliest: that is when the sender sent it. Stamps that are no dates are as good as absent. */
export function delayOf(stanza: Element): Delay | undefined {
  let earliest: Delay | undefined
  for (const child of stanza.children) {
    if (typeof child === 'string' || !child.is('delay', NS_DELAY)) continue
    const stamp = parseDateTime(child.attr('stamp') ?? '')
    if (stamp && (!earliest || stamp < earliest.stamp)) earliest = { stamp, from: child.attr('from') }
  }
  return earliest
}

export function delayElement(stamp: Date, from: string): Element {
  return el('delay', NS_DELAY, { from, stamp: formatDateTime(stamp) })
}
