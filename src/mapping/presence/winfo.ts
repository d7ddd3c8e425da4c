/** RFC 3858: who watches somebody, as a document of the `presence.winfo` package (RFC 3857). */
import type { SipUri } from '../../address/sip-uri.ts'
import { RefusedError } from '../../core/port.ts'
import type { Document } from '../../core/subscriptions/port.ts'
import { writeDocument } from '../../xml/document.ts'
import { type Element, el } from '../../xml/element.ts'
import { oneLine } from '../header-text.ts'
import { bodyOfType, rootOf } from './body.ts'
import { PRESENCE_LIMITS } from './limits.ts'
import { type Next, nextTable, type Table } from './versioned.ts'

export const WINFO = 'application/watcherinfo+xml'
export const WINFO_EVENT = 'presence.winfo'
const NS = 'urn:ietf:params:xml:ns:watcherinfo'
const ACCEPT: readonly (readonly [string, string])[] = [['Accept', WINFO]]

/** RFC 3857 §4.7.1. */
const STATUSES = ['pending', 'active', 'waiting', 'terminated'] as const
const EVENTS = ['subscribe', 'approved', 'deactivated', 'probation', 'rejected', 'timeout', 'giveup', 'noresource'] as const

export interface Watcher {
  /** A token, unique in all documents of one subscription. */
  readonly id: string
  readonly uri: string
  readonly status: (typeof STATUSES)[number]
  /** What brought the watcher into this status. */
  readonly event: (typeof EVENTS)[number]
  readonly name?: string | undefined
  readonly expiresSeconds?: number | undefined
}

/** All watchers of somebody's presence. `version` grows with each document of one subscription. */
export function winfoDocument(watched: SipUri, watchers: readonly Watcher[], version: number): Document {
  const list = watchers.slice(0, PRESENCE_LIMITS.watchers).map(({ id, uri, status, event, name, expiresSeconds }) => {
    const expiration = expiresSeconds === undefined ? undefined : String(Math.max(0, Math.floor(expiresSeconds)))
    const attrs = { id: token(id), status, event, 'display-name': name && (oneLine(name) || undefined), expiration }
    return el('watcher', NS, attrs, uri)
  })
  const resource = watched.bare.toString()
  const root = el(
    'watcherinfo',
    NS,
    { version: String(version >>> 0), state: 'full' },
    el('watcher-list', NS, { resource, package: 'presence' }, ...list),
  )
  return { contentType: WINFO, body: Buffer.from(writeDocument(root)) }
}

const token = (text: string): string =>
  text.replace(/[^A-Za-z0-9.!%*_+`'~-]/g, (character) => `%${(character.codePointAt(0) ?? 0).toString(16)}`) || '-'

/** The watchers after this document, those of the presence package alone; `table` is what the function gave for the one before. Throws RefusedError. */
export function watchersAfter(table: Table<Watcher> | undefined, document: Document): Next<Watcher> {
  const root = rootOf(bodyOfType(document, WINFO, ACCEPT))
  if (!root.is('watcherinfo', NS)) throw new RefusedError(400, 'The document is no watcherinfo')
  const found = new Map<string, Watcher>()
  for (const list of root.elements()) {
    if (!list.is('watcher-list', NS) || list.attr('package')?.trim() !== 'presence') continue
    for (const element of list.elements()) {
      const watcher = element.is('watcher', NS) ? watcherOf(element) : undefined
      if (watcher) found.set(watcher.id, watcher)
    }
  }
  return nextTable(table, root, found, ({ status }) => status === 'terminated', PRESENCE_LIMITS.watchers)
}

/** Undefined where id, address or status is missing. */
function watcherOf(element: Element): Watcher | undefined {
  const id = element.attr('id')
  const uri = element.text().trim()
  const status = STATUSES.find((word) => word === element.attr('status')?.trim())
  if (!id || !uri || !status) return undefined
  const seconds = element.attr('expiration')?.trim() ?? ''
  return {
    id,
    uri,
    status,
    event: EVENTS.find((word) => word === element.attr('event')?.trim()) ?? 'subscribe',
    name: element.attr('display-name') || undefined,
    expiresSeconds: /^\d{1,10}$/.test(seconds) ? Number(seconds) : undefined,
  }
}
