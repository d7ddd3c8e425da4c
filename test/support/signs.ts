/** What telephones and clients tell each other without words, as they write it. */
import { type Element, el, type Node } from '../../src/xml/element.ts'
import { NS_CLIENT } from './client.ts'

export const NS_CHAT_STATES = 'http://jabber.org/protocol/chatstates'
export const NS_RECEIPTS = 'urn:xmpp:receipts'
export const NS_MARKERS = 'urn:xmpp:chat-markers:0'
export const IS_COMPOSING = 'application/im-iscomposing+xml'

/** A message without a body. */
export function sign(to: string, child: Node, attrs: Readonly<Record<string, string>> = {}): Element {
  return el('message', NS_CLIENT, { to, type: 'chat', ...attrs }, child)
}

export const chatState = (to: string, name: string): Element => sign(to, el(name, NS_CHAT_STATES))

/** As linphone writes it. */
export function isComposing(state: string, refresh?: number): string {
  const more = refresh === undefined ? '' : `<refresh>${refresh}</refresh>`
  return `<?xml version="1.0" encoding="UTF-8"?>\n<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>${state}</state>${more}</isComposing>`
}

export interface Wrapper {
  readonly id: string
  readonly wishes?: string
  readonly routes?: readonly string[]
  readonly type?: string
  readonly dateTime?: string
}

/** RFC 3862 around a text or a receipt. */
export function cpim(content: string, { id, wishes, routes = [], type = 'text/plain;charset=UTF-8', dateTime }: Wrapper): string {
  const lines = [
    'From: <sip:romeo@xmpp.example>',
    'To: <sip:juliet@xmpp.example>',
    `DateTime: ${dateTime ?? new Date().toISOString()}`,
    'NS: imdn <urn:ietf:params:imdn>',
    `imdn.Message-ID: ${id}`,
  ]
  if (wishes !== undefined) lines.push(`imdn.Disposition-Notification: ${wishes}`)
  for (const route of routes) lines.push(`imdn.IMDN-Record-Route: ${route}`)
  lines.push('', `Content-Type: ${type}`)
  if (type === 'message/imdn+xml') lines.push('Content-Disposition: notification')
  return [...lines, `Content-Length: ${Buffer.byteLength(content)}`, '', content].join('\r\n')
}

export function imdn(about: string, kind: 'delivery' | 'display' | 'processing', status: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>${about}</message-id><datetime>2026-07-01T12:00:00Z</datetime><${kind}-notification><status><${status}/></status></${kind}-notification></imdn>`
}
