/** What became of a message: receipts (XEP-0184) and markers (XEP-0333) as IMDN documents (RFC 5438 §11) and back. */
import { RefusedError } from '../core/port.ts'
import { errorElement, StanzaError } from '../stanza/error.ts'
import type { Stanza } from '../stanza/stanza.ts'
import { type Element, el } from '../xml/element.ts'
import { write } from '../xml/write.ts'
import { documentOf } from './composing.ts'
import { idOf } from './message-id.ts'
import { xmlText } from './xml-text.ts'

export const NS_RECEIPTS = 'urn:xmpp:receipts'
export const NS_MARKERS = 'urn:xmpp:chat-markers:0'
export const IMDN = 'message/imdn+xml'
const NS_IMDN_XML = 'urn:ietf:params:xml:ns:imdn'

/** The values of Disposition-Notification (§7.1.1.3). */
export type Wish = 'positive-delivery' | 'negative-delivery' | 'processing' | 'display'
const WISHES: ReadonlySet<string> = new Set(['positive-delivery', 'negative-delivery', 'processing', 'display'] satisfies Wish[])

export interface News {
  readonly kind: 'delivery' | 'processing' | 'display'
  /** `delivered`, `failed`, `displayed`, `processed`, `stored`, `forbidden`, `error`. */
  readonly status: string
  /** Of the message it speaks of: as it stood in Message-ID; from XMPP, the id of the stanza. */
  readonly messageId: string
}

/** What the sender of a message from SIP wants to hear of it, and what he has to be told then (§7.2.1). */
export interface Asked {
  readonly wishes: ReadonlySet<Wish>
  /** As it stood in the message: the id of the stanza may be its digest. */
  readonly messageId: string
  /** The message's own DateTime, as written. */
  readonly dateTime: string | undefined
  /** IMDN-Record-Route, topmost first. */
  readonly routes: readonly string[]
  /** Its CPIM To. */
  readonly recipient: string | undefined
}

/** Which wish a piece of news answers; nobody hears what he did not ask for. */
const WISH_FOR: Readonly<Record<string, Wish>> = {
  delivered: 'positive-delivery',
  failed: 'negative-delivery',
  displayed: 'display',
  processed: 'processing',
  stored: 'processing',
}
export const wishFor = ({ status }: News): Wish | undefined => WISH_FOR[status]

/** §6.2: the known values of the header field, whatever their parameters. */
export function wishesIn(value: string): Wish[] {
  const names = value.split(',').map((one) => one.split(';', 1)[0]?.trim() ?? '')
  return names.filter((name): name is Wish => WISHES.has(name))
}

// --- to SIP ---

/** What a message asks for, as Disposition-Notification says it; undefined where it asks for nothing. */
export function dispositionsOf(stanza: Element): string | undefined {
  const receipt = stanza.child('request', NS_RECEIPTS) !== undefined
  const marker = stanza.child('markable', NS_MARKERS) !== undefined
  if (!receipt && !marker) return undefined
  // Errors come to XMPP users unasked.
  const wishes: Wish[] = [
    ...(receipt ? (['positive-delivery'] as const) : []),
    'negative-delivery',
    ...(marker ? (['display'] as const) : []),
  ]
  return wishes.join(', ')
}

/** What a stanza tells of another; an error that comes when the message was answered already says that it failed. */
export function newsIn({ xml, type, id }: Stanza): News | undefined {
  if (type === 'error') return news('delivery', 'failed', id)
  for (const child of xml.children) {
    if (typeof child === 'string') continue
    if (child.is('received', NS_RECEIPTS) || child.is('received', NS_MARKERS)) return news('delivery', 'delivered', child.attr('id'))
    if (child.is('displayed', NS_MARKERS) || child.is('acknowledged', NS_MARKERS)) return news('display', 'displayed', child.attr('id'))
  }
  return undefined
}

function news(kind: News['kind'], status: string, id: string | undefined): News | undefined {
  return id === undefined || id === '' ? undefined : { kind, status, messageId: id }
}

export function imdnBody({ kind, status }: News, { messageId, dateTime, recipient }: Asked, now: Date): string {
  const leaf = (name: string, text: string): Element => el(name, NS_IMDN_XML, {}, text)
  const root = el(
    'imdn',
    NS_IMDN_XML,
    {},
    leaf('message-id', messageId),
    leaf('datetime', dateTime ?? now.toISOString()),
    ...(recipient === undefined ? [] : [leaf('recipient-uri', recipient)]),
    el(`${kind}-notification`, NS_IMDN_XML, {}, el('status', NS_IMDN_XML, {}, el(status, NS_IMDN_XML))),
  )
  return `<?xml version="1.0" encoding="UTF-8"?>\n${write(root, '')}`
}

// --- from SIP ---

/** Throws RefusedError where it is no such document. */
export function readImdn(text: string): News {
  const root = documentOf(text, 'IMDN')
  const messageId = root.is('imdn', NS_IMDN_XML) ? xmlText(root.child('message-id')?.text().trim() ?? '') : ''
  if (messageId === '') throw new RefusedError(400, 'The body is no IMDN with a message-id (RFC 5438 §11)')
  for (const kind of ['delivery', 'display', 'processing'] as const) {
    const notification = root.child(`${kind}-notification`)
    if (notification) return { kind, status: notification.child('status')?.firstElement()?.name ?? 'error', messageId }
  }
  throw new RefusedError(400, 'The IMDN notifies of nothing (RFC 5438 §11.1.6)')
}

/** What XMPP has for it; undefined where it has nothing: processing, and what went wrong with the notice itself. */
export function receiptFor({ status, messageId }: News): Element | undefined {
  if (status === 'delivered') return el('received', NS_RECEIPTS, { id: idOf(messageId) })
  if (status === 'displayed') return el('displayed', NS_MARKERS, { id: idOf(messageId) })
  return undefined
}

const FAILED = new StanzaError('wait', 'recipient-unavailable', 'The message did not reach its reader')

/** The error that a `failed` is. */
export const failureOf = ({ status }: News): Element | undefined => (status === 'failed' ? errorElement(FAILED) : undefined)
