/** What another server sends for its users, on its way into the core: addressed, from the domain it has proved to be, and answered through our queue to it. */
import type { Asking } from '../../account/asking.ts'
import type { Awaiting } from '../../account/awaiting.ts'
import { Jid, JidError } from '../../address/jid.ts'
import { type SipUri, SipUriError } from '../../address/sip-uri.ts'
import type { Log } from '../../log/log.ts'
import { uriFor } from '../../mapping/address.ts'
import { errorReply, mayBeAnswered, StanzaError } from '../../stanza/error.ts'
import { NS_CLIENT, Stanza } from '../../stanza/stanza.ts'
import type { Element } from '../../xml/element.ts'
import { StreamError } from '../stream-error.ts'
import type { Submission } from '../submit.ts'
import type { Pair } from './dialback.ts'
import type { Queue } from './queue.ts'

/** An address as servers write it, read once and remembered. */
interface Peer {
  readonly jid: Jid
  readonly uri: SipUri
}

/** Addresses remembered; above it the memory starts anew. */
const PEERS_MAX = 20_000

export interface FromServerRooms {
  readonly submission: Submission
  readonly asking: Asking
  readonly awaiting: Awaiting
  /** Ours towards the domain that speaks. Throws StanzaError where there are too many. */
  queueFor(pair: Pair): Queue
  readonly log: Log
}

/** Who may speak on this stream: throws StreamError for a pair nobody has proved. */
export type Proved = (from: string, to: string) => void

export class FromServer {
  readonly #peers = new Map<string, Peer>()

  constructor(readonly rooms: FromServerRooms) {}

  /** One stanza, in jabber:client already. Throws StreamError for one that may not be sent at all; a promise never rejects. */
  take(xml: Element, proved: Proved): void {
    const from = this.#address(xml.attr('from'), 'sender')
    const to = this.#address(xml.attr('to'), 'addressee')
    proved(from.jid.domain, to.jid.domain)
    const stanza = new Stanza(addressed(xml, from.jid, to.jid), from.jid, to.jid)
    if (stanza.kind === 'iq') return this.#iq(stanza, from, to)
    if (stanza.kind === 'presence' && stanza.type === 'error')
      // To SIP an error is an answer, and what is answered here is over.
      return this.rooms.log.lowLevel({ what: 'error_dropped', from: stanza.from.toString(), to: stanza.to.toString() })
    const reply = this.rooms.submission.submit(stanza, { from: from.uri, to: to.uri })
    if (reply instanceof Promise) reply.then((late) => late && this.#tell(stanza, late))
    else if (reply) this.#tell(stanza, reply)
  }

  #iq(iq: Stanza, from: Peer, to: Peer): void {
    const { asking, awaiting, submission, log } = this.rooms
    try {
      const queue = this.#queue(iq)
      if (iq.type === 'result' || iq.type === 'error') {
        if (!asking.answered(queue, iq)) log.lowLevel({ what: 'answer_dropped', from: iq.from.toString(), to: iq.to.toString() })
        return
      }
      if (iq.type !== 'get' && iq.type !== 'set')
        throw new StanzaError('modify', 'bad-request', 'An iq is a get, a set, a result or an error')
      if (!iq.id) throw new StanzaError('modify', 'bad-request', 'An iq needs an id')
      awaiting.begin(queue, iq)
      const answer = (reply: Element | undefined): void => {
        if (reply && awaiting.end(queue, iq.to.toString(), iq.id, iq.from.toString())) queue.deliver(reply)
      }
      const reply = submission.submit(iq, { from: from.uri, to: to.uri })
      if (reply instanceof Promise) reply.then(answer)
      else answer(reply)
    } catch (cause) {
      if (!(cause instanceof StanzaError)) throw cause
      if (mayBeAnswered(iq)) this.#tell(iq, errorReply(iq, cause))
    }
  }

  #tell(stanza: Stanza, reply: Element): void {
    try {
      this.#queue(stanza).deliver(reply)
    } catch (cause) {
      if (!(cause instanceof StanzaError)) throw cause
      this.rooms.log.problem({ what: 'answer_dropped', to: stanza.from.toString(), why: cause.message })
    }
  }

  #queue({ from, to }: Stanza): Queue {
    return this.rooms.queueFor({ from: to.domain, to: from.domain })
  }

  /** RFC 6120 §8.1.2: between servers both addresses stand on every stanza. */
  #address(written: string | undefined, whose: string): Peer {
    if (written === undefined || written === '') throw new StreamError('improper-addressing', `A stanza has no ${whose}`)
    const known = this.#peers.get(written)
    if (known) return known
    try {
      const jid = Jid.parse(written)
      const peer = { jid, uri: uriFor(jid) }
      if (this.#peers.size >= PEERS_MAX) this.#peers.clear()
      this.#peers.set(written, peer)
      return peer
    } catch (cause) {
      if (!(cause instanceof JidError || cause instanceof SipUriError)) throw cause
      throw new StreamError('improper-addressing', `The ${whose} of a stanza is no address: ${cause.message}`)
    }
  }
}

/** The addresses as they were understood; the tree itself where they were written so. */
function addressed(xml: Element, from: Jid, to: Jid): Element {
  if (xml.attr('from') === from.toString() && xml.attr('to') === to.toString() && xml.ns === NS_CLIENT) return xml
  return xml.withAttr('from', from.toString()).withAttr('to', to.toString())
}
