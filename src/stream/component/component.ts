/** One component's domain: its connections as one balanced set, and what waits while there is none. Order stays within each pair of addresses. */
import type { Asking } from '../../account/asking.ts'
import type { Awaiting } from '../../account/awaiting.ts'
import { OK } from '../../core/answer.ts'
import type { Answer, MaybePromise, Signal } from '../../core/port.ts'
import type { Log } from '../../log/log.ts'
import { answerFor } from '../../mapping/answer.ts'
import { StanzaError } from '../../stanza/error.ts'
import type { Stanza } from '../../stanza/stanza.ts'
import type { Element } from '../../xml/element.ts'
import { StreamError } from '../stream-error.ts'
import type { ComponentLimits } from './limits.ts'
import type { ComponentLink } from './link.ts'
import type { ComponentSettings } from './names.ts'
import { NOT_BACK, TIMEOUT, type Waiting, WaitingRoom } from './waiting.ts'

export interface ComponentRooms {
  readonly asking: Asking
  readonly awaiting: Awaiting
  readonly limits: ComponentLimits
  readonly log: Log
  /** It did not come back, and nobody waits for it any more. */
  abandoned(component: Component): void
}

const AWAY = new StanzaError('cancel', 'service-unavailable', 'The service behind this address is not there')
const CUT_OFF = new StanzaError('wait', 'remote-server-timeout', 'The service behind this address went away before it had read this')

export class Component {
  readonly #links: ComponentLink[] = []
  /** While no connection is there. */
  readonly #queue: Waiting[] = []
  readonly #waiting: WaitingRoom
  /** Which connection has a pair of addresses; the one used last stands last. */
  readonly #pairs = new Map<string, ComponentLink>()
  #next = 0
  /** Runs while the component is expected. */
  #away: NodeJS.Timeout | undefined

  constructor(
    readonly domain: string,
    readonly rooms: ComponentRooms,
  ) {
    this.#waiting = new WaitingRoom(rooms.limits)
    this.#expect()
  }

  get connections(): number {
    return this.#links.length
  }

  get links(): readonly ComponentLink[] {
    return this.#links
  }

  get queued(): number {
    return this.#waiting.size
  }

  /** It is there, or will be soon. */
  get isExpected(): boolean {
    return this.#links.length > 0 || this.#away !== undefined
  }

  // --- what goes to it ---

  /** A stanza for one of its addresses; an iq is answered by what the component says. Throws StanzaError. */
  take(stanza: Stanza, signal: Signal): MaybePromise<Answer> {
    const link = this.#linkFor(stanza)
    if (!link) return this.#away === undefined ? answerFor(AWAY, signal) : this.#waiting.enter(this.#queue, stanza, signal)
    if (!link.isBusy) return this.#put(link, stanza, signal)
    const answer = this.#waiting.enter(link.waiting, stanza, signal)
    link.drain()
    return answer
  }

  /** The answer to something it has asked, or an error it is to know of: to the connection that sent it, or any that is there. */
  tell(link: ComponentLink, xml: Element): void {
    const there = link.connection.isOpen ? link : this.#links[0]
    if (there) there.deliver(xml)
    else this.rooms.log.lowLevel({ what: 'answer_dropped', to: xml.attr('to') })
  }

  /** One that waited until its connection had read enough. */
  putNow(link: ComponentLink, waiting: Waiting): void {
    if (this.#waiting.leave(waiting)) waiting.answer(this.#settled(waiting, () => this.#put(link, waiting.stanza, waiting.signal)))
  }

  #put(link: ComponentLink, stanza: Stanza, signal: Signal): MaybePromise<Answer> {
    if (stanza.kind === 'iq') return this.rooms.asking.ask(link, stanza, signal)
    link.deliver(stanza.xml)
    return link.written().then(
      () => OK,
      () => answerFor(CUT_OFF, signal, TIMEOUT),
    )
  }

  #again(waiting: Waiting): void {
    if (this.#waiting.leave(waiting)) waiting.answer(this.#settled(waiting, () => this.take(waiting.stanza, waiting.signal)))
  }

  #settled({ signal }: Waiting, work: () => MaybePromise<Answer>): MaybePromise<Answer> {
    try {
      return work()
    } catch (cause) {
      if (cause instanceof StanzaError) return answerFor(cause, signal)
      throw cause
    }
  }

  /** Always the same for a pair: what one says to the other arrives in its order. */
  #linkFor({ from, to }: Stanza): ComponentLink | undefined {
    if (this.#links.length === 0) return undefined
    const pair = `${from.bare}\n${to.bare}`
    const link = this.#pairs.get(pair) ?? this.#links[this.#next++ % this.#links.length]
    if (!link) return undefined
    this.#pairs.delete(pair)
    this.#pairs.set(pair, link)
    if (this.#pairs.size > this.rooms.limits.pairs) {
      const [oldest] = this.#pairs.keys()
      if (oldest !== undefined) this.#pairs.delete(oldest)
    }
    return link
  }

  // --- its connections ---

  /** Throws StreamError where one more is one too many. */
  admit({ conflict }: ComponentSettings): void {
    if (this.#links.length === 0) return
    if (conflict === 'replace') return this.end(new StreamError('conflict', 'Another connection has taken the place of this one'))
    const most = conflict === 'refuse' ? 1 : this.rooms.limits.connections
    if (this.#links.length >= most)
      throw new StreamError(
        'conflict',
        most === 1 ? 'This component is connected already' : `This component has ${most} connections already`,
      )
  }

  /** A connection that was admitted, and has been told so. */
  joined(link: ComponentLink): void {
    clearTimeout(this.#away)
    this.#away = undefined
    this.#links.push(link)
    link.connection.log.major({ what: 'component_connected', domain: this.domain, connections: this.#links.length, waiting: this.queued })
    for (const waiting of this.#queue.splice(0)) this.#again(waiting)
  }

  left(link: ComponentLink): void {
    const at = this.#links.indexOf(link)
    if (at < 0) return
    this.#links.splice(at, 1)
    for (const [pair, one] of this.#pairs) if (one === link) this.#pairs.delete(pair)
    this.rooms.asking.ended(link)
    this.rooms.awaiting.ended(link)
    link.connection.log.major({
      what: 'component_disconnected',
      domain: this.domain,
      connections: this.#links.length,
      waiting: this.queued,
    })
    if (this.#links.length === 0) this.#expect()
    for (const waiting of link.waiting.splice(0)) this.#again(waiting)
  }

  /** All its connections end. */
  end(error: StreamError): void {
    for (const link of [...this.#links]) link.end(error)
  }

  #expect(): void {
    this.#away = setTimeout(() => this.#givenUp(), this.rooms.limits.awaySeconds * 1_000).unref()
  }

  #givenUp(): void {
    this.#returnAll()
    this.rooms.abandoned(this)
  }

  stop(): void {
    this.#returnAll()
    this.#waiting.stop()
  }

  /** Whoever waits hears that it was in vain. */
  #returnAll(): void {
    clearTimeout(this.#away)
    this.#away = undefined
    const waiting = this.#queue.splice(0)
    if (waiting.length > 0) this.rooms.log.problem({ what: 'component_away', domain: this.domain, returned: this.queued })
    for (const one of waiting) this.#waiting.refuse(one, NOT_BACK)
  }
}
