/** A contact as the store keeps it, and the state of RFC 6121 §A.1 it is in. */
import type { Jid } from '../address/jid.ts'
import type { StoredContact } from '../store/port.ts'
import type { State } from './subscription-state.ts'

/** Somebody who is in no roster. */
export const stranger = (jid: Jid): StoredContact => ({
  jid: jid.bare,
  name: undefined,
  groups: [],
  subscription: 'none',
  pendingOut: false,
  approved: false,
  pendingIn: undefined,
  listed: false,
})

export function stateOf(contact: StoredContact | undefined): State {
  if (!contact) return 'None'
  const { subscription, pendingOut, pendingIn } = contact
  switch (subscription) {
    case 'none':
      if (pendingOut) return pendingIn ? 'None + Pending Out+In' : 'None + Pending Out'
      return pendingIn ? 'None + Pending In' : 'None'
    case 'to':
      return pendingIn ? 'To + Pending In' : 'To'
    case 'from':
      return pendingOut ? 'From + Pending Out' : 'From'
    default:
      return 'Both'
  }
}

const SUBSCRIPTION: Readonly<Record<State, StoredContact['subscription']>> = {
  None: 'none',
  'None + Pending Out': 'none',
  'None + Pending In': 'none',
  'None + Pending Out+In': 'none',
  To: 'to',
  'To + Pending In': 'to',
  From: 'from',
  'From + Pending Out': 'from',
  Both: 'both',
}

/** The same contact in another state. A request that came stays where the new state has one. */
export function inState(contact: StoredContact, state: State): StoredContact {
  return {
    ...contact,
    subscription: SUBSCRIPTION[state],
    pendingOut: state === 'None + Pending Out' || state === 'None + Pending Out+In' || state === 'From + Pending Out',
    pendingIn: state.endsWith('In') ? contact.pendingIn : undefined,
  }
}

/** The contact may see the account's presence (RFC 6121 §2.1.2.5). */
export const mayView = ({ subscription }: StoredContact): boolean => subscription === 'from' || subscription === 'both'

/** The account sees the contact's presence. */
export const isSeen = ({ subscription }: StoredContact): boolean => subscription === 'to' || subscription === 'both'

/** Nothing is left to remember of somebody who is not in the list. */
export const isNobody = (contact: StoredContact): boolean => !contact.listed && stateOf(contact) === 'None' && !contact.approved

/** Whether clients see a difference (RFC 6121 §2.6.3, "roster modification"). */
export function looksLike(a: StoredContact | undefined, b: StoredContact): boolean {
  if (!a?.listed) return !b.listed
  return (
    b.listed &&
    a.subscription === b.subscription &&
    a.pendingOut === b.pendingOut &&
    a.approved === b.approved &&
    a.name === b.name &&
    a.groups.length === b.groups.length &&
    a.groups.every((group, i) => group === b.groups[i])
  )
}
