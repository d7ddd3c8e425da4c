/** One state for somebody who has several devices (RFC 8048 §6.2, RFC 6121 §4.2): for watchers that show only one. */
import type { Element } from '../../xml/element.ts'
import { priorityIn } from './priority.ts'
import { isShow, type Show } from './rpid.ts'

/** `most-available`: who can be reached best; `busy-wins`: who may not be disturbed on one device may not be on any. */
export type Aggregate = 'most-available' | 'busy-wins'

const RANKS: Readonly<Record<Aggregate, readonly (Show | 'available')[]>> = {
  'most-available': ['chat', 'available', 'away', 'xa', 'dnd'],
  'busy-wins': ['dnd', 'chat', 'available', 'away', 'xa'],
}

const GONE = 5

/** The presence that stands for all; of two alike the one of higher priority, then the first. Undefined where there is none at all. */
export function aggregateOf(presences: readonly Element[], rule: Aggregate): Element | undefined {
  let best: Element | undefined
  for (const presence of presences) if (!best || isBefore(presence, best, rule)) best = presence
  return best
}

export function isBefore(one: Element, other: Element, rule: Aggregate): boolean {
  const difference = rankOf(one, rule) - rankOf(other, rule)
  return difference === 0 ? priority(one) > priority(other) : difference < 0
}

function rankOf(presence: Element, rule: Aggregate): number {
  if (!isAvailable(presence)) return GONE
  return RANKS[rule].indexOf(showOf(presence) ?? 'available')
}

const priority = (presence: Element): number => priorityIn(presence.child('priority')?.text().trim()) ?? 0

/** Without a type; some old clients write the word. */
export const isAvailable = (presence: Element): boolean => (presence.attr('type') ?? 'available') === 'available'

export function showOf(presence: Element): Show | undefined {
  const show = presence.child('show')?.text().trim()
  return isShow(show) ? show : undefined
}
