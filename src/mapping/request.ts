/** A stanza's content in the form one hop may see: fields, body, P-XMPP-Data where it is allowed, and never more bytes than go that way. */
import { type HopPolicy, RefusedError } from '../core/port.ts'
import { Headers, SipRequest } from '../sip/message.ts'
import type { Element } from '../xml/element.ts'
import { LIMITS } from './limits.ts'
import { attach, bytesOf, textBody } from './xmpp-data.ts'

export interface Content {
  /** name, value …: what says who, when, about what. */
  readonly fields: readonly string[]
  /** What a person reads; undefined where there is nothing to read. */
  readonly text: string | undefined
  /** Content-Type of that; absent: text/plain. */
  readonly type?: string | undefined
  /** A person loses nothing of weight without P-XMPP-Data. */
  readonly standsAlone: boolean
  /** Built only for hops that carry it. */
  data(): Element
}

/** Throws RefusedError where the hop cannot carry it. */
export function requestOf(method: string, uri: string, content: Content, hop: HopPolicy): SipRequest {
  const { text, type, standsAlone } = content
  if (!standsAlone && (hop.xmppData === 'off' || hop.telephone)) throw refusalOf(method)
  const room = hop.maxMessageBytes - LIMITS.stackBytes - method.length - uri.length
  if (hop.xmppData !== 'off') {
    const fields = [...content.fields]
    const body = attach(fields, text, content.data(), hop, type)
    if (bytesOf(fields) + body.length <= room) return new SipRequest(method, uri, new Headers(fields), body)
    if (!standsAlone) throw tooLarge(hop)
  }
  const fields = [...content.fields]
  const body = textBody(fields, text, type)
  if (bytesOf(fields) + body.length > room) throw tooLarge(hop)
  return new SipRequest(method, uri, new Headers(fields), body)
}

/** RFC 3261 §20.5: a 405 says what would do. */
const MESSAGES_ONLY = new RefusedError(405, 'Only messages go this way', [['Allow', 'MESSAGE']])

/** `toReply` does not trouble the sender with it: a chat state that a telephone cannot show is no loss. */
export const NOTHING_TO_SHOW = new RefusedError(415, 'Nothing in it can be shown', [['Accept', 'text/plain']])

/** Presence goes there in the dialogs that its watchers begin (core/subscriptions). */
const NO_DIALOG = new RefusedError(405, 'Presence goes this way in a subscription only', [['Allow', 'MESSAGE']])

function refusalOf(method: string): RefusedError {
  if (method === 'MESSAGE') return NOTHING_TO_SHOW
  return method === 'INFO' ? MESSAGES_ONLY : NO_DIALOG
}

const tooLarge = (hop: HopPolicy): RefusedError =>
  new RefusedError(513, `Message Too Large: not more than ${hop.maxMessageBytes} bytes go this way`)
