/** What a bound client sends, on its way into the core: addressed, stamped with its sender (RFC 6120 §8.1.2.1), answered. */
import type { Asking } from '../account/asking.ts'
import type { Awaiting } from '../account/awaiting.ts'
import type { JoinedPresence } from '../account/presence-rooms.ts'
import { UNAVAILABLE } from '../account/presence-stanza.ts'
import type { Session } from '../account/sessions.ts'
import { isSubscriptionType, type SubscriptionType } from '../account/subscription-state.ts'
import { Jid, JidError } from '../address/jid.ts'
import type { SipUri } from '../address/sip-uri.ts'
import type { MaybePromise, Taken } from '../core/port.ts'
import type { Log } from '../log/log.ts'
import { uriFor } from '../mapping/address.ts'
import { toReply } from '../mapping/reply.ts'
import { errorReply, StanzaError } from '../stanza/error.ts'
import { NS_CLIENT, Stanza } from '../stanza/stanza.ts'
import { Element } from '../xml/element.ts'
import type { Submission } from './submit.ts'

/** An address as clients write it, read once and remembered. */
interface Peer {
  readonly jid: Jid
  readonly uri: SipUri
}

/** Addresses remembered; above it the memory starts anew. */
const PEERS_MAX = 20_000

/** What a session's stream gives beside itself. */
export interface ClientSession extends Session {
  /** xml:lang of the stream, which its stanzas inherit (RFC 6120 §8.1.5). */
  readonly lang: string | undefined
}

export class FromClient {
  readonly #peers = new Map<string, Peer>()

  constructor(
    readonly submission: Submission,
    readonly asking: Asking,
    readonly awaiting: Awaiting,
    readonly presence: Pick<JoinedPresence, 'presences' | 'subscribing' | 'directed'>,
    readonly log: Log,
  ) {}

  /** One stanza of a bound session: a message, an iq, or a presence that goes to somebody. Throws nothing; a promise never rejects. */
  take(session: ClientSession, xml: Element): MaybePromise<void> {
    let stanza: Stanza
    try {
      stanza = this.#stanza(session, xml)
    } catch (cause) {
      return this.#malformed(session, xml, cause)
    }
    switch (xml.name) {
      case 'message':
        return this.#message(session, stanza)
      case 'iq':
        return this.#iq(session, stanza)
      default:
        return this.#presence(session, stanza)
    }
  }

  /** As `take`. */
  available(session: ClientSession, presence: Element, isInitial: boolean): MaybePromise<void> {
    return this.#guarded(() => this.presence.presences.available(session, presence, isInitial))
  }

  /** As `take`. */
  unavailable(session: ClientSession, presence: Element, wasAvailable: boolean): MaybePromise<void> {
    return this.#guarded(() => this.presence.presences.unavailable(session, presence, wasAvailable))
  }

  /** The session is over: nobody waits for it, it waits for nobody, and whoever saw it sees it no more. */
  ended(session: ClientSession, wasAvailable: boolean): void {
    this.asking.ended(session)
    this.awaiting.ended(session)
    void this.unavailable(session, UNAVAILABLE, wasAvailable)
  }

  #message(session: ClientSession, stanza: Stanza): void {
    const reply = this.submission.submit(stanza, this.#addresses(session, stanza))
    if (reply === undefined) return
    if (reply instanceof Element) session.deliver(reply)
    else reply.then((late) => late && session.deliver(late))
  }

  #iq(session: ClientSession, iq: Stanza): void {
    const { type, id } = iq
    if (type === 'result' || type === 'error') {
      // An answer nobody waits for is dropped, as RFC 6120 §8.2.3 has it.
      if (!this.asking.answered(session, iq)) this.log.lowLevel({ what: 'answer_dropped', from: iq.from.toString(), to: iq.to.toString() })
      return
    }
    try {
      if (type !== 'get' && type !== 'set') throw new StanzaError('modify', 'bad-request', 'An iq is a get, a set, a result or an error')
      if (!id) throw new StanzaError('modify', 'bad-request', 'An iq needs an id')
      this.awaiting.begin(session, iq)
    } catch (cause) {
      if (!(cause instanceof StanzaError)) throw cause
      return session.deliver(errorReply(iq, cause))
    }
    const reply = this.submission.submit(iq, this.#addresses(session, iq))
    if (!(reply instanceof Promise)) return this.#answer(session, iq.to, id, reply)
    const { to } = iq
    reply.then((late) => this.#answer(session, to, id, late))
  }

  #answer(session: ClientSession, asked: Jid, id: string, reply: Element | undefined): void {
    if (reply && this.awaiting.end(session, asked.toString(), id)) session.deliver(reply)
  }

  #presence(session: ClientSession, stanza: Stanza): MaybePromise<void> {
    const type = stanza.xml.attr('type')
    if (type !== undefined && isSubscriptionType(type))
      return this.#guarded(() => this.#subscription(session, stanza, type), session, stanza)
    switch (type) {
      case undefined:
      case 'unavailable':
        return this.#directed(session, stanza, type === 'unavailable')
      case 'probe':
        // RFC 6121 §4.3: it goes its way, and is never the cause of an error.
        return void this.submission.submit(stanza, this.#addresses(session, stanza))
      case 'error':
        // No signal is made of it: to SIP an error is an answer, and what is answered here is over.
        return this.log.lowLevel({ what: 'error_dropped', from: stanza.from.toString(), to: stanza.to.toString() })
      default:
        session.deliver(errorReply(stanza, new StanzaError('modify', 'bad-request', 'There is no presence of this type')))
    }
  }

  /** RFC 6121 §4.6.3. */
  #directed(session: ClientSession, stanza: Stanza, isGone: boolean): void {
    const { directed } = this.presence
    try {
      if (isGone) directed.remove(session, stanza.to)
      else directed.add(session, stanza.to)
    } catch (cause) {
      if (!(cause instanceof StanzaError)) throw cause
      return session.deliver(errorReply(stanza, cause))
    }
    this.#message(session, stanza)
  }

  /** RFC 6121 §3: from account to account, whichever devices are named. What becomes of it on its way is told to this device. */
  #subscription(session: ClientSession, stanza: Stanza, type: SubscriptionType): MaybePromise<void> {
    if (stanza.xml.attr('to') === undefined || stanza.to === session.jid.bare)
      throw new StanzaError('modify', 'bad-request', 'Nobody is named who is asked or answered')
    const told = ({ answer }: Taken): void => {
      const [from, to] = [session.jid.bare, stanza.to.bare]
      const asked = new Stanza(stanza.xml.withAttr('from', from.toString()).withAttr('to', to.toString()), from, to)
      const reply = answer instanceof Promise ? answer.then((late) => toReply(asked, late)) : toReply(asked, answer)
      if (reply instanceof Promise) reply.then((late) => late && session.deliver(late))
      else if (reply) session.deliver(reply)
    }
    const taken = this.presence.subscribing.outbound(session.jid, stanza.to, type, stanza.xml)
    return taken instanceof Promise ? taken.then(told) : told(taken)
  }

  /** What goes wrong is told to the session, where there is a stanza to answer; our own faults are logged, too. */
  #guarded(work: () => MaybePromise<void>, session?: ClientSession, stanza?: Stanza): MaybePromise<void> {
    const failed = (cause: unknown): void => {
      const isNews = cause instanceof StanzaError
      if (!isNews) this.log.failure({ what: 'presence_failed', error: cause instanceof Error ? cause.stack : cause })
      if (session && stanza) session.deliver(errorReply(stanza, isNews ? cause : new StanzaError('cancel', 'internal-server-error')))
    }
    try {
      const done = work()
      return done instanceof Promise ? done.catch(failed) : undefined
    } catch (cause) {
      failed(cause)
    }
  }

  #addresses(session: ClientSession, stanza: Stanza): { from: SipUri; to: SipUri } {
    return { from: session.uri, to: stanza.to === session.jid.bare ? session.uri.bare : this.#peer(stanza.xml.attr('to') ?? '').uri }
  }

  #stanza(session: ClientSession, xml: Element): Stanza {
    const { jid, lang } = session
    const written = xml.attr('to')
    const to = written === undefined ? jid.bare : this.#peer(written).jid
    const attrs = ['from', jid.toString(), 'to', to.toString()]
    let hasLang = false
    for (let i = 0; i < xml.attrs.length; i += 2) {
      const name = xml.attrs[i] as string
      if (name === 'from' || name === 'to') continue
      if (name === 'xml:lang') hasLang = true
      attrs.push(name, xml.attrs[i + 1] as string)
    }
    if (!hasLang && lang) attrs.push('xml:lang', lang)
    return new Stanza(new Element(xml.name, NS_CLIENT, attrs, xml.children), jid, to)
  }

  #peer(written: string): Peer {
    const known = this.#peers.get(written)
    if (known) return known
    const jid = Jid.parse(written)
    const peer = { jid, uri: uriFor(jid) }
    if (this.#peers.size >= PEERS_MAX) this.#peers.clear()
    this.#peers.set(written, peer)
    return peer
  }

  /** The addressee cannot be read: the error comes from the sender's own account (RFC 6120 §8.3.3.8). */
  #malformed(session: ClientSession, xml: Element, cause: unknown): void {
    if (!(cause instanceof JidError)) throw cause
    if (xml.attr('type') === 'error' || xml.attr('type') === 'result') return
    const stanza = new Stanza(xml.withAttr('to', session.jid.bare.toString()), session.jid, session.jid.bare)
    session.deliver(errorReply(stanza, new StanzaError('modify', 'jid-malformed', cause.message)))
  }
}
