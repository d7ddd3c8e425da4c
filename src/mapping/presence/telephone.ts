/** What a telephone of an account shows to XMPP: it is one of the account's devices, and its states are kept apart. */
import type { Jid } from '../../address/jid.ts'
import { NS_CLIENT } from '../../stanza/stanza.ts'
import { Element, el, type Node } from '../../xml/element.ts'
import type { CallState } from './dialog-info.ts'
import type { Show } from './rpid.ts'

/** `registered`: it is there and does nothing. */
export type TelephoneState = 'registered' | 'do-not-disturb' | 'offline' | CallState

interface Shown {
  readonly show?: Show
  /** In English: what a client shows beside the name. */
  readonly text?: string
}

const SHOWN: Readonly<Record<TelephoneState, Shown>> = {
  registered: {},
  ringing: { show: 'away', text: 'Ringing' },
  'on-the-phone': { show: 'dnd', text: 'On the phone' },
  'do-not-disturb': { show: 'dnd', text: 'Do not disturb' },
  offline: {},
}

/** `from` names the telephone; without `to` it is a presence for whoever watches. */
export function telephonePresence(from: Jid, state: TelephoneState, to?: Jid): Element {
  const attrs = { from: from.toString(), to: to?.toString(), type: state === 'offline' ? 'unavailable' : undefined }
  return el('presence', NS_CLIENT, attrs, ...childrenOf(SHOWN[state]))
}

/** The presence of somebody who is in a call as well; what else was told stays. */
export function duringCall(presence: Element, call: CallState): Element {
  const others = presence.children.filter((child) => typeof child === 'string' || !REPLACED.has(child.name) || child.ns !== presence.ns)
  return new Element(presence.name, presence.ns, presence.attrs, [...childrenOf(SHOWN[call]), ...others])
}

const REPLACED: ReadonlySet<string> = new Set(['show', 'status'])

function childrenOf({ show, text }: Shown): readonly Node[] {
  const children: Node[] = []
  if (show !== undefined) children.push(el('show', NS_CLIENT, {}, show))
  if (text !== undefined) children.push(el('status', NS_CLIENT, { 'xml:lang': 'en' }, text))
  return children
}

/** The call a presence speaks of, by the words above: RPID has an element for one of them. */
export function callIn(presence: Element): CallState | undefined {
  for (const child of presence.children) {
    if (typeof child === 'string' || !child.is('status', presence.ns)) continue
    const text = child.text().trim().toLowerCase()
    if (text === 'on the phone') return 'on-the-phone'
    if (text === 'ringing') return 'ringing'
  }
  return undefined
}
