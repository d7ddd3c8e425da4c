/** What waits until a component takes it, and how much of it there is: bounded in number, size and, for SIP, in time. */
import { Deadlines } from '../../account/deadlines.ts'
import type { Answer, MaybePromise, Signal } from '../../core/port.ts'
import { answerFor } from '../../mapping/answer.ts'
import { StanzaError } from '../../stanza/error.ts'
import type { Stanza } from '../../stanza/stanza.ts'
import type { Element } from '../../xml/element.ts'
import type { ComponentLimits } from './limits.ts'

export interface Waiting {
  readonly stanza: Stanza
  readonly signal: Signal
  readonly characters: number
  readonly answer: (answer: MaybePromise<Answer>) => void
}

export const NOT_BACK = new StanzaError('wait', 'remote-server-timeout', 'The service behind this address is away')
/** Not 408, which is no answer to anything but an INVITE (RFC 4320 §4.2). */
export const TIMEOUT = 504
const TOO_MANY = new StanzaError('wait', 'resource-constraint', 'Too much waits for the service behind this address')

/** All that waits for one component, in whichever list it stands. */
export class WaitingRoom {
  readonly #waiting = new Set<Waiting>()
  readonly #deadlines: Deadlines<Waiting>
  #characters = 0

  constructor(readonly limits: ComponentLimits) {
    this.#deadlines = new Deadlines(limits.telephoneSeconds * 1_000, (waiting) => this.refuse(waiting, NOT_BACK))
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Puts it into this list; throws StanzaError where there is no room. */
  enter(list: Waiting[], stanza: Stanza, signal: Signal): Promise<Answer> {
    const { queuedStanzas, queuedCharacters } = this.limits
    const characters = lengthOf(stanza.xml)
    if (this.#waiting.size >= queuedStanzas || this.#characters + characters > queuedCharacters) throw TOO_MANY
    let answer: Waiting['answer'] = () => {}
    const answered = new Promise<Answer>((resolve) => {
      answer = resolve
    })
    const waiting = { stanza, signal, characters, answer }
    this.#waiting.add(waiting)
    this.#characters += characters
    list.push(waiting)
    if (signal.arrival.kind === 'wire') this.#deadlines.begin(waiting)
    return answered
  }

  /** It waits no more; false where it had been answered already, and must go nowhere. */
  leave(waiting: Waiting): boolean {
    if (!this.#waiting.delete(waiting)) return false
    this.#characters -= waiting.characters
    this.#deadlines.end(waiting)
    return true
  }

  refuse(waiting: Waiting, error: StanzaError): void {
    if (this.leave(waiting)) waiting.answer(answerFor(error, waiting.signal, TIMEOUT))
  }

  stop(): void {
    this.#deadlines.stop()
  }
}

/** About what is written of it: names and namespaces are few and shared. */
function lengthOf(element: Element): number {
  let length = element.name.length
  for (const text of element.attrs) length += text.length
  for (const child of element.children) length += typeof child === 'string' ? child.length : lengthOf(child)
  return length
}
