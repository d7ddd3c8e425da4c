/** What a component may do in the name of our accounts (XEP-0356): data that the configuration grants and the component is told. */
import { NS_CLIENT } from '../../stanza/stanza.ts'
import { type Element, el } from '../../xml/element.ts'

export const NS_PRIVILEGE = 'urn:xmpp:privilege:2'

export interface Permissions {
  readonly roster: 'none' | 'get' | 'set' | 'both'
  readonly message: 'none' | 'outgoing'
}

/** §4.2: told as soon as the component is there; undefined where it may nothing. */
export function advertisement(domain: string, component: string, { roster, message }: Permissions, id: string): Element | undefined {
  const granted = [
    // Pushes are not sent, and whoever is told so need not wait for them.
    ...(roster === 'none' ? [] : [el('perm', NS_PRIVILEGE, { access: 'roster', type: roster, push: 'false' })]),
    ...(message === 'none' ? [] : [el('perm', NS_PRIVILEGE, { access: 'message', type: message })]),
  ]
  if (granted.length === 0) return undefined
  return el('message', NS_CLIENT, { from: domain, to: component, id }, el('privilege', NS_PRIVILEGE, {}, ...granted))
}
