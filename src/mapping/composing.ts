/** Who is typing: chat states (XEP-0085) as isComposing documents (RFC 3994) and back, by RFC 7573 §6. */
import { RefusedError } from '../core/port.ts'
import { parseDocument } from '../xml/document.ts'
import { type Element, el } from '../xml/element.ts'
import { write } from '../xml/write.ts'
import { XmlError } from '../xml/xml-error.ts'
import { LIMITS } from './limits.ts'

export const NS_CHAT_STATES = 'http://jabber.org/protocol/chatstates'
export const IS_COMPOSING = 'application/im-iscomposing+xml'
const NS_IS_COMPOSING = 'urn:ietf:params:xml:ns:im-iscomposing'

export type State = 'active' | 'idle'

export interface Composing {
  readonly state: State
  /** Seconds after which `active` is over by itself. */
  readonly refreshSeconds: number
}

/** RFC 7573 Table 4, in its order. `gone` ends a chat session, and between single messages there is none to end. */
const STATES: ReadonlyMap<string, State | undefined> = new Map([
  ['active', 'idle'],
  ['inactive', 'idle'],
  ['gone', undefined],
  ['composing', 'active'],
  ['paused', 'idle'],
])

/** Undefined where the stanza says nothing of it. */
export function composingOf(stanza: Element): State | undefined {
  for (const child of stanza.children) if (typeof child !== 'string' && child.ns === NS_CHAT_STATES) return STATES.get(child.name)
  return undefined
}

/** RFC 7573 Table 3; who was typing and has stopped is `paused`, which only a memory knows (account/typing). */
export const chatState = (state: State): Element => el(state === 'active' ? 'composing' : 'active', NS_CHAT_STATES)

export function composingBody(state: State): string {
  const refresh = state === 'active' ? [el('refresh', NS_IS_COMPOSING, {}, String(LIMITS.composingRefreshSeconds))] : []
  const children = [el('state', NS_IS_COMPOSING, {}, state), el('contenttype', NS_IS_COMPOSING, {}, 'text/plain'), ...refresh]
  return `<?xml version="1.0" encoding="UTF-8"?>\n${write(el('isComposing', NS_IS_COMPOSING, {}, ...children), '')}`
}

/** Throws RefusedError where it is no such document. */
export function readComposing(text: string): Composing {
  const root = documentOf(text, 'isComposing')
  if (!root.is('isComposing', NS_IS_COMPOSING)) throw new RefusedError(400, 'The body is no isComposing document (RFC 3994)')
  // §3.5: what is neither active nor idle MUST be taken for idle.
  const state = root.child('state')?.text().trim() === 'active' ? 'active' : 'idle'
  const written = Number(root.child('refresh')?.text().trim())
  const isWritten = Number.isInteger(written) && written > 0
  return {
    state,
    // §3.3: 120 seconds where nothing is said.
    refreshSeconds: isWritten ? Math.min(written, LIMITS.composingSecondsMax) : LIMITS.composingSeconds,
  }
}

export function documentOf(text: string, name: string): Element {
  try {
    return parseDocument(text)
  } catch (cause) {
    if (cause instanceof XmlError) throw new RefusedError(400, `The ${name} document cannot be read: ${cause.message}`)
    throw cause
  }
}
