/** RFC 7572 §5: one MESSAGE becomes one `<message/>`; what a trusted P-XMPP-Data adds is merged in. */
import { createHash } from 'node:crypto'
import type { Jid } from '../address/jid.ts'
import type { Signal } from '../core/port.ts'
import { RefusedError, trusts } from '../core/port.ts'
import { parseDate } from '../sip/date.ts'
import type { SipRequest } from '../sip/message.ts'
import { delayElement, NS_DELAY } from '../stanza/delay.ts'
import { NS_CLIENT, Stanza } from '../stanza/stanza.ts'
import { Element, el, type Node } from '../xml/element.ts'
import { chatState } from './composing.ts'
import { oneLine } from './header-text.ts'
import { honoured, jidOf } from './honoured.ts'
import { failureOf, type News, NS_MARKERS, NS_RECEIPTS, receiptFor } from './imdn.ts'
import { isSameLanguage, languageTag } from './language.ts'
import { LIMITS } from './limits.ts'
import type { Making } from './making.ts'
import { idOf } from './message-id.ts'
import { type Said, saidIn, type Text } from './said.ts'
import { xmlText } from './xml-text.ts'
import { readXmppData } from './xmpp-data.ts'

/** Throws RefusedError for what XMPP cannot be told. */
export function messageOf(signal: Signal, request: SipRequest, making: Making): Stanza {
  const data = trusts(signal.arrival) ? readXmppData(request.headers, request.body) : undefined
  if (data && !data.is('message', NS_CLIENT)) throw new RefusedError(400, 'P-XMPP-Data of a MESSAGE holds something other than a message')
  const said = saidIn(request)
  // RFC 3261 §8.2.2.1 and §21.4.1: an addressee XMPP cannot have is one nobody has.
  const mapped = { from: jidOf(signal.from, 400), to: jidOf(signal.to, 404) }
  const from = honoured(data?.attr('from'), signal.from, mapped.from, true)
  const to = honoured(data?.attr('to'), signal.to, mapped.to, false)

  const native: Native = {
    texts: said.texts,
    subject: subjectOf(request, said),
    lang: languageTag(request.headers.get('Content-Language')) ?? said.texts[0]?.lang,
  }
  if (!data && said.news && said.texts.length === 0) return newsOf(said.news, ownId(request, said, making), from, to)
  const attrs = ['from', from.toString(), 'to', to.toString(), ...(data ? ownAttrs(data) : plainAttrs(request, said, making, to.domain))]
  const lang = data?.attr('xml:lang') ?? (keepsPlaceFor(native.lang, data) ? undefined : native.lang)
  if (lang !== undefined && data?.attr('xml:lang') === undefined) attrs.push('xml:lang', lang)

  const children = merged(data, native, lang)
  if (!data) {
    addThread(children, request, making)
    addSigns(children, said)
  }
  const sentAt = said.sentAt ?? parseDate(request.headers.get('Date') ?? '')
  if (sentAt && !data?.child('delay', NS_DELAY) && making.now().getTime() - sentAt.getTime() > LIMITS.lateSeconds * 1000) {
    children.push(delayElement(sentAt, to.domain))
  }
  return new Stanza(new Element('message', NS_CLIENT, attrs, children), from, to)
}

/** What SIP's own fields say. */
interface Native {
  readonly texts: readonly Text[]
  readonly subject: string | undefined
  readonly lang: string | undefined
}

/** The language is that of one body: it had it for itself, and the message had none. */
function keepsPlaceFor(lang: string | undefined, data: Element | undefined): boolean {
  if (!data || lang === undefined) return false
  return data.elements().some((child) => child.is('body', NS_CLIENT) && isSameLanguage(child.attr('xml:lang'), lang))
}

function subjectOf(request: SipRequest, said: Said): string | undefined {
  const subject = said.subjects[0]?.text ?? request.headers.get('Subject')
  return subject === undefined ? undefined : xmlText(oneLine(subject)) || undefined
}

function ownAttrs(data: Element): string[] {
  const attrs: string[] = []
  for (let i = 0; i < data.attrs.length; i += 2) {
    const name = data.attrs[i] ?? ''
    if (name !== 'from' && name !== 'to') attrs.push(name, data.attrs[i + 1] ?? '')
  }
  return attrs
}

/** RFC 7572 Table 2: the transaction identifier is the id; where there is an IMDN Message-ID, that is the one receipts will name (RFC 5438 §6.3). */
function ownId({ headers }: SipRequest, { messageId }: Said, making: Making): string {
  const branch = /;\s*branch\s*=\s*([^\s;,]+)/i.exec(headers.get('Via') ?? '')?.[1]
  const id = xmlText(messageId || branch || making.tag())
  return id.length <= LIMITS.idCharacters ? id : createHash('sha256').update(id).digest('base64url')
}

function plainAttrs(request: SipRequest, said: Said, making: Making, domain: string): string[] {
  const id = ownId(request, said, making)
  // A deviation from RFC 7572 §5, which knows no type but normal: chat clients hide what is normal from the conversation.
  return making.pagerType(domain) === 'chat' ? ['id', id, 'type', 'chat'] : ['id', id]
}

/** RFC 5438: a receipt, or the error that comes late. Throws RefusedError with 200 for news that XMPP has no word for: it has arrived all the same. */
function newsOf(news: News, id: string, from: Jid, to: Jid): Stanza {
  const addresses = ['from', from.toString(), 'to', to.toString()]
  const receipt = receiptFor(news)
  if (receipt) {
    const attrs = [...addresses, 'id', id, 'type', 'chat']
    return new Stanza(new Element('message', NS_CLIENT, attrs, [receipt]), from, to)
  }
  const failure = failureOf(news)
  if (!failure) throw new RefusedError(200, 'OK')
  return new Stanza(new Element('message', NS_CLIENT, [...addresses, 'id', idOf(news.messageId), 'type', 'error'], [failure]), from, to)
}

/** Chat states, and what a sender wants to be told. */
function addSigns(children: Node[], { composing, asked, texts }: Said): void {
  if (composing && texts.length === 0) children.push(chatState(composing.state))
  if (!asked || texts.length === 0) return
  if (asked.wishes.has('positive-delivery')) children.push(el('request', NS_RECEIPTS))
  if (asked.wishes.has('display')) children.push(el('markable', NS_MARKERS))
}

/** SIP wins for the body and the subject, the data gives the rest; each text goes where the data kept a place of its language. */
function merged(data: Element | undefined, { texts, subject }: Native, lang: string | undefined): Node[] {
  const left = [...texts]
  const before: Node[] = []
  const children: Node[] = []
  let subjectKept = subject === undefined
  for (const child of data?.children ?? []) {
    if (typeof child === 'string') continue
    const own = child.attr('xml:lang') ?? lang
    if (child.is('body', NS_CLIENT)) {
      const at = left.findIndex((text) => isSameLanguage(text.lang, own))
      const text = left[at]
      if (text) left.splice(at, 1)
      // Empty and not filled: a place kept for a body that an intermediary took out.
      else if (child.children.length === 0 && texts.length > 0) continue
      children.push(text ? child.withChildren([text.text]) : child)
    } else if (child.is('subject', NS_CLIENT) && subject !== undefined) {
      const isWhatWasSent = xmlText(oneLine(child.text())) === subject
      const isItsPlace = child.children.length === 0 && !subjectKept
      if (isWhatWasSent || isItsPlace) subjectKept = true
      children.push(isItsPlace ? child.withChildren([subject]) : child)
    } else children.push(child)
  }
  if (!subjectKept && subject !== undefined) before.push(el('subject', NS_CLIENT, {}, subject))
  for (const text of left) {
    before.push(el('body', NS_CLIENT, isSameLanguage(text.lang, lang) ? {} : { 'xml:lang': text.lang }, text.text))
  }
  return [...before, ...children]
}

function addThread(children: Node[], request: SipRequest, making: Making): void {
  const callId = request.headers.get('Call-ID')
  const thread = callId === undefined ? undefined : making.threadOf?.(callId)
  if (thread !== undefined) children.push(el('thread', NS_CLIENT, {}, xmlText(thread)))
}
