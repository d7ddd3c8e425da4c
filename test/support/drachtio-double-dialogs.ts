/** Dialogs of SUBSCRIBE as a drachtio server keeps them: each belongs to the connection of the application that made it. */
import { Headers, SipRequest, type SipResponse } from '../../src/sip/message.ts'
import { parseNameAddr, tagOf } from '../../src/sip/name-addr.ts'
import type { NextHop, Received } from '../../src/sip/port.ts'
import type { DrachtioApplication } from './drachtio-double-application.ts'
import { requireType, type Spoken } from './drachtio-double-sip.ts'

/** What of a request in a dialog is not the application's to say. */
const OF_THE_DIALOG = ['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards']

export class Dialog {
  #cseq: number

  constructor(
    readonly id: string,
    readonly application: DrachtioApplication,
    readonly callId: string,
    readonly local: string,
    readonly remote: string,
    readonly target: string,
    readonly hop: NextHop,
    cseq: number,
  ) {
    this.#cseq = cseq
  }

  /** The application's words in the dialog's form. */
  request(method: string, { headers, body }: Spoken): SipRequest {
    const own = headers.copy()
    for (const name of OF_THE_DIALOG) own.remove(name)
    requireType(own, body)
    const list = ['Max-Forwards', '70', 'From', this.local, 'To', this.remote, 'Call-ID', this.callId, 'CSeq', `${++this.#cseq} ${method}`]
    return new SipRequest(method, this.target, new Headers([...list, ...own.list]), body)
  }
}

export class Dialogs {
  readonly #all = new Map<string, Dialog>()

  get size(): number {
    return this.#all.size
  }

  get(id: string): Dialog | undefined {
    return this.#all.get(id)
  }

  /** Whose request from the network this is. */
  of(request: SipRequest): Dialog | undefined {
    const { headers } = request
    if (tagOf(headers.get('to') ?? '') === undefined) return undefined
    return this.#all.get(idOf(headers, 'from')) ?? this.#all.get(idOf(headers, 'to'))
  }

  /** A SUBSCRIBE of the application has its 2xx; gives the id. */
  made(application: DrachtioApplication, request: SipRequest, final: SipResponse, hop: NextHop): string | undefined {
    const { headers } = request
    if (request.method !== 'SUBSCRIBE' || final.status >= 300 || tagOf(headers.get('to') ?? '') !== undefined) return undefined
    const id = idOf(headers, 'from')
    const contact = final.headers.get('contact')
    const target = contact === undefined ? request.uri : parseNameAddr(contact).uri
    const [callId, local, remote] = [headers.get('call-id') ?? '', headers.get('from') ?? '', final.headers.get('to') ?? '']
    const cseq = Number.parseInt(headers.get('cseq') ?? '1', 10)
    this.#all.set(id, new Dialog(id, application, callId, local, remote, target, hop, cseq))
    return id
  }

  /** A SUBSCRIBE of the network has its 2xx. */
  accepted(application: DrachtioApplication, { request, from }: Received, final: SipResponse): void {
    const { headers } = request
    if (request.method !== 'SUBSCRIBE' || final.status >= 300) return
    const id = idOf(headers, 'from')
    const contact = headers.get('contact')
    const target = contact === undefined ? `sip:${from.host}:${from.port}` : parseNameAddr(contact).uri
    const [callId, local, remote] = [headers.get('call-id') ?? '', final.headers.get('to') ?? '', headers.get('from') ?? '']
    this.#all.set(id, new Dialog(id, application, callId, local, remote, target, from, 0))
  }

  end({ headers }: SipRequest): void {
    this.#all.delete(idOf(headers, 'from'))
    this.#all.delete(idOf(headers, 'to'))
  }
}

const idOf = (headers: Headers, whose: 'from' | 'to'): string => `${headers.get('call-id')};from-tag=${tagOf(headers.get(whose) ?? '')}`
