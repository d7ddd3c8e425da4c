/** The SUBSCRIBE with which a dialog is to begin (RFC 6665 §4.1.2.1): the NOTIFYs that answer it are known by its Call-ID and tag. */
import type { SipUri } from '../../address/sip-uri.ts'
import { newCallId, newTag } from '../../sip/identifier.ts'
import { Headers, SipRequest, type SipResponse } from '../../sip/message.ts'
import type { Received } from '../../sip/port.ts'
import { Dialog } from './dialog.ts'
import type { Start } from './outward.ts'
import type { EventPackage } from './packages.ts'
import type { Watch } from './port.ts'

const NO_BODY = Buffer.alloc(0)

export class Attempt {
  readonly callId = newCallId()
  readonly tag = newTag()
  /** What the 2xx granted. */
  granted: number | undefined
  #cseq = 0

  constructor(
    readonly watch: Watch,
    readonly start: Start,
    readonly begunAt: number,
  ) {}

  request(fields: readonly string[]): SipRequest {
    const { watch, start, callId, tag } = this
    const list = ['Max-Forwards', '70']
    for (const route of start.routes) list.push('Route', route)
    list.push('From', `<${watch.watcher}>;tag=${tag}`, 'To', `<${watch.watched}>`, 'Call-ID', callId, 'CSeq', `${++this.#cseq} SUBSCRIBE`)
    return new SipRequest('SUBSCRIBE', start.target.toString(), new Headers([...list, ...fields]), NO_BODY)
  }

  /** Whoever answered a challenge counted on. */
  heard({ headers }: SipResponse): void {
    this.#cseq = Math.max(this.#cseq, Number.parseInt(headers.get('CSeq') ?? '', 10) || 0)
  }

  /** Throws RefusedError 400. */
  dialogFrom(notify: Received): Dialog {
    return Dialog.of(notify, this.tag, this.#cseq, this.start.target.toString())
  }
}

export const subscribeFields = ({ event, types }: EventPackage, expires: number, contact: SipUri | string): string[] => [
  'Event',
  event,
  'Expires',
  String(expires),
  'Accept',
  types.join(', '),
  'Contact',
  `<${contact}>`,
]
