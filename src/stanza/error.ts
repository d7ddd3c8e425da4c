/** Stanza errors (RFC 6120 §8.3): thrown as news for the other side, written as the error stanza that answers. */
import { type Element, el } from '../xml/element.ts'
import { NS_CLIENT, type Stanza } from './stanza.ts'

export const NS_STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

export type ErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait'

/** RFC 6120 §8.3.3, with the type each has by default. */
export const CONDITIONS = {
  'bad-request': 'modify',
  conflict: 'cancel',
  'feature-not-implemented': 'cancel',
  forbidden: 'auth',
  gone: 'cancel',
  'internal-server-error': 'cancel',
  'item-not-found': 'cancel',
  'jid-malformed': 'modify',
  'not-acceptable': 'modify',
  'not-allowed': 'cancel',
  'not-authorized': 'auth',
  'policy-violation': 'modify',
  'recipient-unavailable': 'wait',
  redirect: 'modify',
  'registration-required': 'auth',
  'remote-server-not-found': 'cancel',
  'remote-server-timeout': 'wait',
  'resource-constraint': 'wait',
  'service-unavailable': 'cancel',
  'subscription-required': 'auth',
  'undefined-condition': 'cancel',
  'unexpected-request': 'wait',
} as const satisfies Record<string, ErrorType>
export type Condition = keyof typeof CONDITIONS

/** A refusal on the XMPP side: becomes `<error/>` in the stanza that answers. */
export class StanzaError extends Error {
  constructor(
    readonly type: ErrorType,
    readonly condition: Condition,
    /** A sentence a person understands. */
    readonly text?: string,
    /** The new address inside `<gone/>` or `<redirect/>`. */
    readonly address?: string,
  ) {
    super(text ?? condition)
    this.name = 'StanzaError'
  }
}

/** RFC 6120 §8.3.2. */
const TYPES: ReadonlySet<string> = new Set(['auth', 'cancel', 'continue', 'modify', 'wait'] satisfies ErrorType[])

/** The conditions that say where else to look (RFC 6120 §8.3.3.5, §8.3.3.14). */
const WITH_ADDRESS: ReadonlySet<string> = new Set(['gone', 'redirect'] satisfies Condition[])

const isType = (text: string | undefined): text is ErrorType => text !== undefined && TYPES.has(text)
const isCondition = (name: string): name is Condition => Object.hasOwn(CONDITIONS, name)

/** The `<error/>` element. */
export function errorElement(error: StanzaError): Element {
  const condition = el(error.condition, NS_STANZAS, {}, ...(error.address === undefined ? [] : [error.address]))
  if (error.text === undefined) return el('error', NS_CLIENT, { type: error.type }, condition)
  return el('error', NS_CLIENT, { type: error.type }, condition, el('text', NS_STANZAS, { 'xml:lang': 'en' }, error.text))
}

/**
 * Whether an error may be sent back at all: never about an error, nor about the answer to an iq (RFC 6120 §8.3.1), nor about a farewell, which
 * asks for nothing and whose sender may be gone (RFC 6121 §4.5.2).
 */
export function mayBeAnswered(stanza: Stanza): boolean {
  const { type } = stanza
  if (type === 'unavailable') return stanza.kind !== 'presence'
  return type !== 'error' && !(type === 'result' && stanza.kind === 'iq')
}

/** The error stanza that goes back to the sender; not for stanzas that may not be answered. What failed is not repeated in it (§8.3.1: MAY). */
export function errorReply(stanza: Stanza, error: StanzaError): Element {
  return replyWith(stanza, errorElement(error))
}

/** The same around an `<error/>` that came from elsewhere, with all it holds. */
export function replyWith(stanza: Stanza, error: Element): Element {
  return el(stanza.xml.name, NS_CLIENT, { from: stanza.to.toString(), to: stanza.from.toString(), id: stanza.id, type: 'error' }, error)
}

/** What an `<error/>` says, read generously: an unknown type or condition is the default of what it stands beside. */
export function readError(error: Element): StanzaError {
  const found = error.elements().find((child) => child.ns === NS_STANZAS && isCondition(child.name))
  const condition = found && isCondition(found.name) ? found.name : 'undefined-condition'
  const written = error.attr('type')
  const type = isType(written) ? written : CONDITIONS[condition]
  const text = error.child('text', NS_STANZAS)?.text()
  const address = found && WITH_ADDRESS.has(condition) ? found.text().trim() : ''
  return new StanzaError(type, condition, text || undefined, address || undefined)
}
