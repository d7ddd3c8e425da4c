/** RFC 8048 §5, §6.3: a SUBSCRIBE or NOTIFY becomes one `<presence/>`: the exact one its trusted P-XMPP-Data holds, else what SIP's fields say. */
import type { Jid } from '../../address/jid.ts'
import type { Signal } from '../../core/port.ts'
import { RefusedError, trusts } from '../../core/port.ts'
import type { SipRequest } from '../../sip/message.ts'
import { parseNameAddr } from '../../sip/name-addr.ts'
import { NS_CLIENT, Stanza } from '../../stanza/stanza.ts'
import { Element, el, type Node } from '../../xml/element.ts'
import { oneLine } from '../header-text.ts'
import { honoured, jidOf } from '../honoured.ts'
import { isSameLanguage } from '../language.ts'
import type { Making } from '../making.ts'
import { xmlText } from '../xml-text.ts'
import { readXmppData } from '../xmpp-data.ts'
import { KINDS, type Kind, requirePresence, stateOfNotify, typeOfSubscribe } from './kinds.ts'
import { isOfPidf } from './pidf.ts'
import { presenceRoot, presencesIn, tuplesOf } from './presences-in.ts'
import { priorityOf } from './priority.ts'
import { tupleId } from './tuple-id.ts'

const NS_NICK = 'http://jabber.org/protocol/nick'
/** RFC 6665 §4.1.3: in no dialog a NOTIFY means something only to those who know of another way. */
const NO_SUBSCRIPTION = new RefusedError(481, 'Subscription Does Not Exist')

/** Throws RefusedError: 489 for another event package, 481 for a NOTIFY nobody asked for, 400 for what cannot be read. */
export function presenceOf(signal: Signal, request: SipRequest, making: Making): Stanza {
  requirePresence(request.headers.get('Event'))
  const isTrusted = trusts(signal.arrival)
  if (request.method === 'NOTIFY' && !isTrusted) throw NO_SUBSCRIPTION
  const from = jidOf(signal.from, 400)
  const to = jidOf(signal.to, 404)
  const data = isTrusted ? readXmppData(request.headers, request.body) : undefined
  if (data) return exactly(data, kindOf(data, request.method), signal, request, from, to)
  return request.method === 'SUBSCRIBE' ? asked(request, from, to) : told(request, from, to, making)
}

function kindOf(data: Element, method: string): Kind {
  if (!data.is('presence', NS_CLIENT)) throw new RefusedError(400, `P-XMPP-Data of a ${method} holds something other than a presence`)
  const kind = KINDS.get(data.attr('type') ?? 'available')
  if (kind?.method !== method) throw new RefusedError(400, `The presence in P-XMPP-Data is no ${method}`)
  return kind
}

function exactly(data: Element, kind: Kind, signal: Signal, request: SipRequest, mappedFrom: Jid, mappedTo: Jid): Stanza {
  const from = honoured(data.attr('from'), signal.from, mappedFrom, true)
  const to = honoured(data.attr('to'), signal.to, mappedTo, false)
  const attrs = ['from', from.toString(), 'to', to.toString()]
  for (let i = 0; i < data.attrs.length; i += 2) {
    const name = data.attrs[i] ?? ''
    if (name !== 'from' && name !== 'to') attrs.push(name, data.attrs[i + 1] ?? '')
  }
  const native = kind.hasDocument && request.body.length > 0 ? nativeOf(data, request, from) : []
  return new Stanza(new Element('presence', NS_CLIENT, attrs, [...native, ...data.children]), from, to)
}

/** What the document carries in place of the data: the tuple's own words, without any guess at what they mean. */
function nativeOf(data: Element, request: SipRequest, from: Jid): readonly Node[] {
  const tuples = tuplesOf(presenceRoot({ contentType: request.headers.get('Content-Type') ?? '', body: request.body }))
  const id = tupleId(from.resource)
  const tuple = tuples.find((one) => one.attr('id') === id)
  if (!tuple) return []
  const children: Node[] = []
  const status = tuple.elements().find(({ name, ns }) => name === 'status' && isOfPidf(ns))
  const show = status?.child('show', NS_CLIENT)?.text()
  if (show && !data.child('show')) children.push(el('show', NS_CLIENT, {}, show))
  if (!data.child('status')) {
    const around = data.attr('xml:lang')
    for (const note of tuple.elements()) {
      if (note.name !== 'note' || !isOfPidf(note.ns)) continue
      const lang = note.attr('xml:lang')
      children.push(el('status', NS_CLIENT, { 'xml:lang': isSameLanguage(lang, around) ? undefined : lang }, note.text()))
    }
  }
  const priority = priorityOf(
    tuple
      .elements()
      .find(({ name, ns }) => name === 'contact' && isOfPidf(ns))
      ?.attr('priority'),
  )
  if (priority !== undefined && !data.child('priority')) children.push(el('priority', NS_CLIENT, {}, String(priority)))
  return children
}

/** Somebody of SIP's world, in whose world a request is a person's, not a device's (RFC 6121 §3.1.1). */
function asked(request: SipRequest, from: Jid, to: Jid): Stanza {
  const type = typeOfSubscribe(request.headers.get('Expires'))
  const nick = type === 'subscribe' ? nameOf(request) : ''
  // XEP-0172 §4.1: the name that the one who is asked is shown.
  return bare(from, to, type, nick === '' ? [] : [el('nick', NS_NICK, {}, nick)])
}

const nameOf = (request: SipRequest): string => xmlText(oneLine(parseNameAddr(request.headers.get('From') ?? '').displayName ?? ''))

function told(request: SipRequest, from: Jid, to: Jid, making: Making): Stanza {
  const { headers, body } = request
  switch (stateOfNotify(headers.get('Subscription-State'), body.length > 0)) {
    case 'told': {
      const document = { contentType: headers.get('Content-Type') ?? '', body }
      const [first] = presencesIn(document, from, to, { now: making.now(), language: headers.get('Content-Language') })
      return first ?? bare(from, to, 'unavailable', [])
    }
    case 'subscribed':
      return bare(from, to, 'subscribed', [])
    case 'unsubscribed':
      return bare(from, to, 'unsubscribed', [])
    case 'unavailable':
      return bare(from, to, 'unavailable', [])
    default:
      throw NO_SUBSCRIPTION
  }
}

function bare(from: Jid, to: Jid, type: string, children: readonly Node[]): Stanza {
  const attrs = ['from', from.bare.toString(), 'to', to.bare.toString(), 'type', type]
  return new Stanza(new Element('presence', NS_CLIENT, attrs, children), from.bare, to.bare)
}
