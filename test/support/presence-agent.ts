/** The presence side of a SIP user for tests (RFC 6665, RFC 3856): watches others, and tells those who watch him. */
import { newCallId, newTag } from '../../src/sip/identifier.ts'
import { Headers, response, SipRequest, type SipResponse } from '../../src/sip/message.ts'
import { parseNameAddr, tagOf } from '../../src/sip/name-addr.ts'
import type { NextHopParty } from './next-hop.ts'

export const PIDF = 'application/pidf+xml'

export const DIALOG_INFO = 'application/dialog-info+xml'

/** The calls of somebody, as PBXs write them: the whole state each time. */
export function dialogInfo(entity: string, version: number, ...states: readonly string[]): string {
  const dialogs = states.map((state, i) => `<dialog id="${i}" direction="recipient"><state>${state}</state></dialog>`)
  return `<?xml version="1.0"?><dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="${version}" state="full" entity="${entity}">${dialogs.join('')}</dialog-info>`
}

/** One tuple of a telephone, as most of them write it. */
export function pidf(entity: string, ...tuples: readonly { id: string; basic: 'open' | 'closed'; note?: string }[]): string {
  const written = tuples.map(
    ({ id, basic, note }) =>
      `<tuple id="${id}"><status><basic>${basic}</basic></status>${note === undefined ? '' : `<note>${note}</note>`}</tuple>`,
  )
  return `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="${entity}">${written.join('')}</presence>`
}

/** One telephone (or PBX) with any number of dialogs. */
export class PresenceAgent {
  /** NOTIFYs and SUBSCRIBEs that nobody has read. */
  readonly #unread: SipRequest[] = []
  readonly #readers: ((request: SipRequest) => void)[] = []
  /** What a SUBSCRIBE gets: a status, with the tag of this side's dialog. */
  answer = 200
  /** What it serves; a SUBSCRIBE for anything else gets 489, and no test hears of it. */
  packages: readonly string[] = ['presence']
  /** What it was asked for and does not serve. */
  readonly unserved: string[] = []
  readonly #localTags = new Map<string, string>()
  #cseq = 0

  constructor(
    readonly party: NextHopParty,
    readonly uri: string,
    readonly host: string,
  ) {
    party.answer = (request) => this.#serve(request)
  }

  get contact(): string {
    return `<sip:agent@${this.host}>`
  }

  /** The next SUBSCRIBE or NOTIFY. */
  next(): Promise<SipRequest> {
    const request = this.#unread.shift()
    return request ? Promise.resolve(request) : new Promise((resolve) => this.#readers.push(resolve))
  }

  get unread(): number {
    return this.#unread.length
  }

  // --- as the watcher ---

  /** A SUBSCRIBE that begins a dialog. */
  async watch(whom: string, { expires = 3_600, event = 'presence', accept = PIDF, as = this.uri } = {}): Promise<Watching> {
    const dialog = { callId: newCallId(), tag: newTag(), cseq: 0, to: `<${whom}>`, target: whom, from: as }
    const watching = new Watching(this, dialog, event, accept)
    await watching.subscribe(expires)
    return watching
  }

  // --- as the watched ---

  /** In the dialog that a SUBSCRIBE began. */
  async notify(subscribe: SipRequest, state: string, body = '', fields: readonly (readonly [string, string])[] = []): Promise<SipResponse> {
    const { headers } = subscribe
    const callId = headers.get('Call-ID') ?? ''
    const target = parseNameAddr(headers.get('Contact') ?? '').uri
    const made = new Headers()
    made.append('Max-Forwards', '70')
    made.append('From', `${headers.get('To')?.replace(/;tag=.*/, '')};tag=${this.#localTags.get(callId)}`)
    made.append('To', headers.get('From') ?? '')
    made.append('Call-ID', callId)
    made.append('CSeq', `${++this.#cseq} NOTIFY`)
    made.append('Event', headers.get('Event') ?? 'presence')
    made.append('Subscription-State', state)
    made.append('Contact', this.contact)
    if (body !== '') made.append('Content-Type', headers.get('Event') === 'dialog' ? DIALOG_INFO : PIDF)
    for (const [name, value] of fields) made.set(name, value)
    return this.party.stack.send(new SipRequest('NOTIFY', target, made, Buffer.from(body)), this.party.gateway)
  }

  #serve(request: SipRequest): SipResponse {
    const { headers, method } = request
    if (method !== 'SUBSCRIBE' && method !== 'NOTIFY') return response(200)
    if (method === 'SUBSCRIBE' && !this.packages.includes(headers.get('Event') ?? '')) {
      this.unserved.push(headers.get('Event') ?? '')
      return response(489)
    }
    const reader = this.#readers.shift()
    if (reader) reader(request)
    else this.#unread.push(request)
    if (method === 'NOTIFY') return response(200)
    if (this.answer >= 300) return response(this.answer)
    const callId = headers.get('Call-ID') ?? ''
    const tag = tagOf(headers.get('To') ?? '') ?? this.#localTags.get(callId) ?? newTag()
    this.#localTags.set(callId, tag)
    return response(this.answer, undefined, [
      ['To', `${headers.get('To')?.replace(/;tag=.*/, '')};tag=${tag}`],
      ['Expires', headers.get('Expires') ?? '3600'],
      ['Contact', this.contact],
    ])
  }
}

interface WatchDialog {
  readonly callId: string
  readonly tag: string
  cseq: number
  to: string
  target: string
  readonly from: string
}

export class Watching {
  /** To the last SUBSCRIBE. */
  last: SipResponse = response(200)

  constructor(
    readonly agent: PresenceAgent,
    readonly dialog: WatchDialog,
    readonly event: string,
    readonly accept: string,
  ) {}

  /** Begins the dialog, refreshes it, or ends it with 0. */
  async subscribe(expires: number): Promise<SipResponse> {
    const { agent, dialog } = this
    const headers = new Headers()
    headers.append('Max-Forwards', '70')
    headers.append('From', `<${dialog.from}>;tag=${dialog.tag}`)
    headers.append('To', dialog.to)
    headers.append('Call-ID', dialog.callId)
    headers.append('CSeq', `${++dialog.cseq} SUBSCRIBE`)
    headers.append('Event', this.event)
    headers.append('Accept', this.accept)
    headers.append('Expires', String(expires))
    headers.append('Contact', agent.contact)
    const { party } = agent
    this.last = await party.stack.send(new SipRequest('SUBSCRIBE', dialog.target, headers, Buffer.alloc(0)), party.gateway)
    if (this.last.status < 300) {
      dialog.to = this.last.headers.get('To') ?? dialog.to
      const contact = this.last.headers.get('Contact')
      if (contact !== undefined) dialog.target = parseNameAddr(contact).uri
    }
    return this.last
  }
}

/** The first word of Subscription-State, with its reason. */
export function stateOf(notify: SipRequest): string {
  const field = notify.headers.get('Subscription-State') ?? ''
  const reason = /reason=([a-z]+)/.exec(field)?.[1]
  return `${/^[a-z]+/.exec(field)?.[0]}${reason === undefined ? '' : ` ${reason}`}`
}
