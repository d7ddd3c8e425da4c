/** RFC 4235: the calls of somebody as a document, written for those who watch our accounts and read from PBXs. */
import type { SipUri } from '../../address/sip-uri.ts'
import { RefusedError } from '../../core/port.ts'
import type { Document } from '../../core/subscriptions/port.ts'
import { writeDocument } from '../../xml/document.ts'
import { Element, el, type Node } from '../../xml/element.ts'
import { oneLine } from '../header-text.ts'
import { bodyOfType, rootOf } from './body.ts'
import { PRESENCE_LIMITS } from './limits.ts'
import { type Next, nextTable, type Table } from './versioned.ts'

export const DIALOG_INFO = 'application/dialog-info+xml'
export const DIALOG_EVENT = 'dialog'
const NS = 'urn:ietf:params:xml:ns:dialog-info'
const ACCEPT: readonly (readonly [string, string])[] = [['Accept', DIALOG_INFO]]

const STATES = ['trying', 'proceeding', 'early', 'confirmed', 'terminated'] as const
const ENDINGS = ['cancelled', 'rejected', 'replaced', 'local-bye', 'remote-bye', 'error', 'timeout'] as const
const DIRECTIONS = ['initiator', 'recipient'] as const

/** One call of the watched; the `AccountCall` of a SIP stack is one. */
export interface Dialog {
  readonly id: string
  readonly state: (typeof STATES)[number]
  /** Why it is terminated. */
  readonly ended?: (typeof ENDINGS)[number] | undefined
  readonly direction?: (typeof DIRECTIONS)[number] | undefined
  readonly callId?: string | undefined
  readonly localTag?: string | undefined
  readonly remoteTag?: string | undefined
  /** The other side; absent where the watcher is not to know it. */
  readonly remote?: { readonly uri: string; readonly name: string | undefined } | undefined
}

// --- writing ---

/**
 * The whole state. `version` grows with each document of one subscription, though not by one: numbers may be missing in a sequence of whole
 * documents. With no call there is one that is over: some telephones leave the lamp on until they read that word.
 */
export function dialogDocument(watched: SipUri, dialogs: readonly Dialog[], version: number): Document {
  const entity = watched.bare.toString()
  const shown = dialogs.slice(0, PRESENCE_LIMITS.dialogs).map((dialog) => elementOf(dialog, entity))
  if (shown.length === 0) shown.push(new Element('dialog', NS, ['id', 'none'], [el('state', NS, {}, 'terminated')]))
  const root = el('dialog-info', NS, { version: String(version >>> 0), state: 'full', entity }, ...shown)
  return { contentType: DIALOG_INFO, body: Buffer.from(writeDocument(root)) }
}

function elementOf({ id, state, ended, direction, callId, localTag, remoteTag, remote }: Dialog, entity: string): Element {
  const attrs = { id, 'call-id': callId, 'local-tag': localTag, 'remote-tag': remoteTag, direction }
  const children: Node[] = [
    el('state', NS, { event: state === 'terminated' ? ended : undefined }, state),
    participant('local', entity, undefined),
  ]
  if (remote) children.push(participant('remote', remote.uri, remote.name))
  return el('dialog', NS, attrs, ...children)
}

function participant(side: 'local' | 'remote', uri: string, name: string | undefined): Element {
  const display = name === undefined ? undefined : oneLine(name) || undefined
  return el(side, NS, {}, el('identity', NS, { display }, uri), el('target', NS, { uri }))
}

// --- reading ---

/** The calls after this document; `table` is what the function gave for the one before. Throws RefusedError for what cannot be read. */
export function dialogsAfter(table: Table<Dialog> | undefined, document: Document): Next<Dialog> {
  const root = rootOf(bodyOfType(document, DIALOG_INFO, ACCEPT))
  if (!root.is('dialog-info', NS)) throw new RefusedError(400, 'The document is no dialog-info')
  const found = new Map<string, Dialog>()
  for (const element of root.elements()) {
    if (!element.is('dialog', NS)) continue
    const dialog = dialogOf(element)
    if (dialog) found.set(dialog.id, dialog)
  }
  return nextTable(table, root, found, ({ state }) => state === 'terminated', PRESENCE_LIMITS.dialogs)
}

/** Undefined for one without an id or in a state nobody knows. */
function dialogOf(element: Element): Dialog | undefined {
  const id = element.attr('id')
  const state = oneOf(STATES, element.child('state')?.text())
  if (!id || !state) return undefined
  const identity = element.child('remote')?.child('identity')
  const uri = identity?.text().trim()
  return {
    id,
    state,
    ended: oneOf(ENDINGS, element.child('state')?.attr('event')),
    direction: oneOf(DIRECTIONS, element.attr('direction')),
    callId: element.attr('call-id'),
    localTag: element.attr('local-tag'),
    remoteTag: element.attr('remote-tag'),
    remote: uri ? { uri, name: identity?.attr('display') || undefined } : undefined,
  }
}

function oneOf<Word extends string>(words: readonly Word[], text: string | undefined): Word | undefined {
  const wanted = text?.trim().toLowerCase()
  return words.find((word) => word === wanted)
}

// --- what it means to who looks ---

export type CallState = 'ringing' | 'on-the-phone'

/** A call that is answered, or one being made, is before one that rings: the person hears the second only as a tone. */
export function callStateOf(dialogs: Iterable<Pick<Dialog, 'state' | 'direction'>>): CallState | undefined {
  let found: CallState | undefined
  for (const { state, direction } of dialogs) {
    if (state === 'terminated') continue
    if (state === 'confirmed' || direction === 'initiator') return 'on-the-phone'
    found = 'ringing'
  }
  return found
}
