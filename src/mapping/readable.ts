/** What a person with a telephone reads of a message: its body, shown like in every client that knows nothing further, and never ciphertext. */
import { NS_CLIENT } from '../stanza/stanza.ts'
import type { Element } from '../xml/element.ts'

const NS_OOB = 'jabber:x:oob'
const NS_CORRECT = 'urn:xmpp:message-correct:0'
const NS_EME = 'urn:xmpp:eme:0'

/** What encryption is called, by the namespace of its payload (XEP-0380 §3). */
const ENCRYPTIONS: ReadonlyMap<string, string> = new Map([
  ['urn:xmpp:otr:0', 'OTR'],
  ['jabber:x:encrypted', 'Legacy OpenPGP'],
  ['urn:xmpp:openpgp:0', 'OpenPGP for XMPP'],
  ['eu.siacs.conversations.axolotl', 'OMEMO'],
  ['urn:xmpp:omemo:1', 'OMEMO'],
  ['urn:xmpp:omemo:2', 'OMEMO'],
])

/** OTR puts its ciphertext into the body itself. */
const OTR = /^\s*\?OTR/

export interface Readable {
  /** Undefined: nothing. */
  readonly text: string | undefined
  /** It is what stands in the body, no more and no less. */
  readonly isBody: boolean
  /** Some of it was for somebody with a key. */
  readonly isEncrypted: boolean
}

export function readable(stanza: Element, body: string | undefined): Readable {
  let text = body
  let encryption: string | undefined
  let isCorrection = false
  for (const child of stanza.children) {
    if (typeof child === 'string' || child.ns === NS_CLIENT) continue
    if (child.ns === NS_OOB) text = withLink(text, child)
    else if (child.ns === NS_CORRECT) isCorrection = true
    else encryption = encryptionOf(child) ?? encryption
  }
  if (body !== undefined && OTR.test(body)) return { text: hint(encryption ?? 'OTR'), isBody: false, isEncrypted: true }
  // Encrypted, the body says so in the sender's own words; keys that come without a message are nothing to read.
  if (encryption !== undefined) {
    const shown = body ?? (carriesMessage(stanza) ? hint(encryption) : undefined)
    return { text: shown, isBody: shown === body, isEncrypted: true }
  }
  // Who cannot see the first message change is told by the star that people write themselves.
  if (isCorrection && text !== undefined) text = `* ${text}`
  return { text, isBody: text === body, isEncrypted: false }
}

const hint = (name: string): string => `[This message is encrypted with ${name} and cannot be read here.]`

function encryptionOf(child: Element): string | undefined {
  if (child.ns !== NS_EME) return ENCRYPTIONS.get(child.ns)
  const namespace = child.attr('namespace') ?? ''
  return ENCRYPTIONS.get(namespace) ?? (child.attr('name')?.slice(0, 64) || namespace.slice(0, 64) || undefined)
}

/** The OMEMO element of a key exchange has no payload (XEP-0384 §4.6); of other kinds nobody can tell. */
function carriesMessage(stanza: Element): boolean {
  return stanza
    .elements()
    .some((child) => ENCRYPTIONS.has(child.ns) && (child.name !== 'encrypted' || child.child('payload') !== undefined))
}

/** What only somebody with a key can read. */
export const isCiphertext = (child: Element): boolean => ENCRYPTIONS.has(child.ns)

/** XEP-0066: the address once, behind the text or instead of it. */
function withLink(text: string | undefined, { children }: Element): string | undefined {
  const named = (name: string): string =>
    children
      .flatMap((child) => (typeof child !== 'string' && child.name === name && child.ns === NS_OOB ? [child.text().trim()] : []))
      .at(0) ?? ''
  const url = named('url')
  if (url === '' || text?.includes(url)) return text
  const before = text ?? named('desc')
  return before === '' ? url : `${before}\n${url}`
}
