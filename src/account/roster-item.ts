/** A roster item as clients write and read it (RFC 6121 §2.1.2, §2.3.3). */
import { Jid, JidError } from '../address/jid.ts'
import { StanzaError } from '../stanza/error.ts'
import type { StoredContact } from '../store/port.ts'
import { type Element, el } from '../xml/element.ts'
import { ROSTER_LIMITS } from './roster-limits.ts'

export const NS_ROSTER = 'jabber:iq:roster'

export function itemOf(contact: StoredContact): Element {
  return el(
    'item',
    NS_ROSTER,
    {
      jid: contact.jid.toString(),
      name: contact.name,
      subscription: contact.subscription,
      ask: contact.pendingOut ? 'subscribe' : undefined,
      approved: contact.approved ? 'true' : undefined,
    },
    ...contact.groups.map((group) => el('group', NS_ROSTER, {}, group)),
  )
}

export const removedItem = (jid: Jid): Element => el('item', NS_ROSTER, { jid: jid.toString(), subscription: 'remove' })

/** What a client wants of one contact; everything else in an item is the server's to say. */
export interface WantedItem {
  readonly jid: Jid
  readonly remove: boolean
  readonly name: string | undefined
  readonly groups: readonly string[]
}

/** The one item of a roster set. Throws StanzaError. */
export function wantedIn(query: Element): WantedItem {
  const [item, ...more] = query.elements()
  if (!item?.is('item', NS_ROSTER) || more.length > 0) throw new StanzaError('modify', 'bad-request', 'A roster set holds exactly one item')
  const jid = contactIn(item.attr('jid'))
  const remove = item.attr('subscription') === 'remove'
  const groups = remove ? [] : groupsIn(item)
  // §2.4.1: an empty name is none.
  const name = item.attr('name') || undefined
  if (name !== undefined && name.length > ROSTER_LIMITS.nameCharacters)
    throw new StanzaError('modify', 'not-acceptable', `A name has at most ${ROSTER_LIMITS.nameCharacters} characters`)
  return { jid, remove, name, groups }
}

function contactIn(written: string | undefined): Jid {
  if (written === undefined) throw new StanzaError('modify', 'bad-request', 'The item names no address')
  let jid: Jid
  try {
    jid = Jid.parse(written)
  } catch (cause) {
    if (cause instanceof JidError) throw new StanzaError('modify', 'jid-malformed', cause.message)
    throw cause
  }
  // Subscriptions are between bare addresses (§3.1.1), and the list is of those.
  if (jid.isFull) throw new StanzaError('modify', 'bad-request', 'A contact has an address without a resource')
  return jid
}

function groupsIn(item: Element): readonly string[] {
  const groups = item
    .elements()
    .filter((child) => child.is('group', NS_ROSTER))
    .map((group) => group.text())
  if (new Set(groups).size < groups.length) throw new StanzaError('modify', 'bad-request', 'A group is named twice')
  if (groups.length > ROSTER_LIMITS.groupsPerContact)
    throw new StanzaError('modify', 'not-acceptable', `A contact is in at most ${ROSTER_LIMITS.groupsPerContact} groups`)
  for (const group of groups) {
    if (group === '') throw new StanzaError('modify', 'not-acceptable', 'A group without a name is none')
    if (group.length > ROSTER_LIMITS.groupCharacters)
      throw new StanzaError('modify', 'not-acceptable', `A group's name has at most ${ROSTER_LIMITS.groupCharacters} characters`)
  }
  return groups
}
