/** A dialog of a subscription as data (RFC 3261 §12): made from the first request of the other side, which is a SUBSCRIBE for us as notifier, and a NOTIFY for us as subscriber (RFC 6665 §4.4.1). */
import { SipUri, SipUriError } from '../../address/sip-uri.ts'
import { parseCSeq } from '../../sip/cseq.ts'
import { Headers, SipRequest, type SipResponse } from '../../sip/message.ts'
import { parseNameAddr } from '../../sip/name-addr.ts'
import type { NextHop, Received } from '../../sip/port.ts'
import { SipSyntaxError } from '../../sip/syntax-error.ts'
import { RefusedError } from '../port.ts'
import { contactOf } from './event.ts'
import type { Next } from './outward.ts'

/** What the store keeps of it. URIs as they were written. */
export interface DialogState {
  readonly callId: string
  readonly localTag: string
  readonly remoteTag: string
  readonly local: string
  readonly remote: string
  readonly cseq: number
  readonly remoteCSeq: number
  readonly target: string
  readonly routes: readonly string[]
  readonly hop: NextHop | undefined
}

const MAX_FORWARDS = '70' // RFC 3261 §8.1.1.6
/** Requests that a sender with credentials may have numbered for us before it got no answer. */
const UNHEARD = 8

export class Dialog {
  readonly callId: string
  readonly localTag: string
  readonly remoteTag: string
  readonly local: string
  readonly remote: string
  readonly routes: readonly string[]
  #cseq: number
  #remoteCSeq: number
  #target: string
  #hop: NextHop | undefined
  #next: Next | undefined

  constructor(state: DialogState) {
    this.callId = state.callId
    this.localTag = state.localTag
    this.remoteTag = state.remoteTag
    this.local = state.local
    this.remote = state.remote
    this.routes = state.routes
    this.#cseq = state.cseq
    this.#remoteCSeq = state.remoteCSeq
    this.#target = state.target
    this.#hop = state.hop
  }

  /** §12.1.1. `target`: where requests go if this one has no Contact. Throws RefusedError 400. */
  static of(received: Received, localTag: string, cseq: number, target?: string): Dialog {
    const { headers } = received.request
    const routes = headers.values('Record-Route')
    const contact = contactOf(headers)?.uri ?? target
    if (contact === undefined) throw new RefusedError(400, 'A Contact is needed')
    try {
      const from = parseNameAddr(headers.get('From') ?? '')
      for (const route of routes) SipUri.parse(parseNameAddr(route).uri)
      SipUri.parse(from.uri)
      return new Dialog({
        callId: headers.get('Call-ID') ?? '',
        localTag,
        remoteTag: from.tag ?? '',
        local: parseNameAddr(headers.get('To') ?? '').uri,
        remote: from.uri,
        cseq,
        remoteCSeq: parseCSeq(headers.get('CSeq') ?? '').number,
        target: contact,
        routes,
        hop: heardFrom(received, contact, routes),
      })
    } catch (cause) {
      if (cause instanceof SipSyntaxError || cause instanceof SipUriError) throw new RefusedError(400, cause.message)
      throw cause
    }
  }

  /** Of the last request of ours. */
  get cseq(): number {
    return this.#cseq
  }

  get target(): string {
    return this.#target
  }

  /** The next request in it (§12.2.1.1); `fields` is name, value, name, value … */
  request(method: string, fields: readonly string[], body: Buffer): SipRequest {
    this.#cseq++
    const { local, localTag, remote, remoteTag, callId } = this
    const list = ['Max-Forwards', MAX_FORWARDS]
    const uri = this.#routed(list)
    list.push('From', `<${local}>;tag=${localTag}`, 'To', remoteTag === '' ? `<${remote}>` : `<${remote}>;tag=${remoteTag}`)
    list.push('Call-ID', callId, 'CSeq', `${this.#cseq} ${method}`)
    const headers = new Headers(list)
    for (let at = 0; at < fields.length; at += 2) headers.append(fields[at] ?? '', fields[at + 1] ?? '')
    return new SipRequest(method, uri, headers, body)
  }

  /** Where that goes. */
  get next(): Next {
    const top = this.routes[0]
    this.#next ??= {
      uri: SipUri.parse(top === undefined ? this.#target : parseNameAddr(top).uri),
      hop: this.#hop,
      local: SipUri.parse(this.local),
      remote: SipUri.parse(this.remote),
    }
    return this.#next
  }

  /** §12.2.2: what is older than what was here before must not turn anything back. Throws RefusedError. */
  take({ headers }: SipRequest): void {
    const { number } = parseCSeq(headers.get('CSeq') ?? '')
    if (number <= this.#remoteCSeq) throw new RefusedError(500, 'A later request of this dialog has been here before')
    this.#remoteCSeq = number
  }

  /** Contact of SUBSCRIBE and NOTIFY says where the other side is now (RFC 6665 §4.4.1). Throws RefusedError 400. */
  refreshTarget(received: Received): void {
    this.#target = contactOf(received.request.headers)?.uri ?? this.#target
    this.#hop = heardFrom(received, this.#target, this.routes)
    this.#next = undefined
  }

  /** Whoever answered a challenge counted on: the next request goes on behind that. */
  heard(response: SipResponse): void {
    try {
      this.#cseq = Math.max(this.#cseq, parseCSeq(response.headers.get('CSeq') ?? '').number)
    } catch (cause) {
      if (!(cause instanceof SipSyntaxError)) throw cause
    }
  }

  /** Nobody says how far that was. A gap harms nobody (§12.2.2). */
  heardNothing(): void {
    this.#cseq += UNHEARD
  }

  /** `cseq`: the number that the next run goes on behind. Connections end with this one. */
  state(cseq = this.#cseq): DialogState {
    const { callId, localTag, remoteTag, local, remote, routes } = this
    const hop = this.#hop
    const kept = hop?.transport === 'udp' ? { transport: hop.transport, host: hop.host, port: hop.port } : undefined
    return { callId, localTag, remoteTag, local, remote, cseq, remoteCSeq: this.#remoteCSeq, target: this.#target, routes, hop: kept }
  }

  /** The Request-URI; Route fields into `list`. */
  #routed(list: string[]): string {
    const [top, ...others] = this.routes
    if (top === undefined) return this.#target
    if (isLoose(top)) {
      for (const route of this.routes) list.push('Route', route)
      return this.#target
    }
    // A strict router wants to be the Request-URI itself.
    for (const route of others) list.push('Route', route)
    list.push('Route', `<${this.#target}>`)
    return parseNameAddr(top).uri
  }
}

const isLoose = (route: string): boolean => /;lr(?:[;=?>]|$)/i.test(route)

/**
 * Where a request that came straight from the other side, or from the proxy its route set begins with, came from: its connection as long as that lives, or the side of
 * an address translator that its Contact does not know. Undefined: the URI leads there.
 */
function heardFrom({ request, from }: Received, target: string, routes: readonly string[]): NextHop | undefined {
  const [top] = routes
  const isNear =
    top === undefined ? request.headers.values('Via').length === 1 : SipUri.parse(parseNameAddr(top).uri).host === bracketed(from.host)
  if (!isNear) return undefined
  if (from.transport !== 'udp') return from
  return top === undefined && SipUri.parse(target).host !== bracketed(from.host) ? from : undefined
}

/** As a URI writes an address. */
const bracketed = (host: string): string => (host.includes(':') && !host.startsWith('[') ? `[${host}]` : host)
