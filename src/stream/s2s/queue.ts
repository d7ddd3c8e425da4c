/** What one of our domains says to one domain elsewhere: in order, over one stream that is opened when it is needed. What cannot be said comes back. */
import type { Party } from '../../account/outstanding.ts'
import { ACCEPTED } from '../../core/answer.ts'
import type { Answer, MaybePromise, Signal } from '../../core/port.ts'
import type { Log } from '../../log/log.ts'
import { answerFor } from '../../mapping/answer.ts'
import { StanzaError } from '../../stanza/error.ts'
import type { Element } from '../../xml/element.ts'
import type { Pair, Verdict } from './dialback.ts'
import { type DiallingRooms, dial } from './dialling.ts'
import type { Loss } from './out-connection.ts'
import { type Attempt, type Failure, OutStream, type StreamOwner } from './out-stream.ts'
import type { Relay } from './places.ts'
import { Unsure } from './unsure.ts'
import type { Waits } from './waits.ts'

/** A stanza on its way. */
export interface Item {
  readonly queue: Queue
  readonly xml: Element
  /** Whose answer it is; undefined where nobody waits for one. */
  readonly signal: Signal | undefined
  /** Undefined once the sender has his answer. */
  answer: ((answer: Answer) => void) | undefined
}

export interface QueueRooms extends DiallingRooms {
  readonly waits: Waits
  /** What was accepted and is not delivered: the sender is told. */
  returned(queue: Queue, xml: Element, error: StanzaError): void
}

interface Question {
  readonly id: string
  readonly key: string
  isAsked: boolean
  readonly resolve: (verdict: Verdict) => void
  readonly reject: (error: StanzaError) => void
}

/** Requests that may be under way between two domains, in each direction. */
const OUTSTANDING_MAX = 5_000

const FULL = new StanzaError('wait', 'resource-constraint', 'Too much is waiting for the server of this address')
const STOPPED = new StanzaError('wait', 'remote-server-timeout', 'This server was stopped before the message could be sent')
const CUT_OFF = new StanzaError('wait', 'remote-server-timeout', 'The connection broke before the other server can have read this')

export class Queue implements Party, StreamOwner {
  readonly hasManyAddresses = true
  readonly outstandingMax = OUTSTANDING_MAX
  readonly #waiting = new Set<Item>()
  readonly #questions = new Set<Question>()
  readonly #unsure: Unsure<Item>
  #stream: OutStream | undefined
  #settle: ((failure: Failure | undefined) => void) | undefined
  #isDialling = false
  #backoffMs = 0
  #retry: NodeJS.Timeout | undefined
  #idle: NodeJS.Timeout | undefined
  #refused: { readonly until: number; readonly error: StanzaError } | undefined
  #lastError: StanzaError | undefined
  #isBlocked = false
  #isStopped = false
  usedAt = performance.now()

  constructor(
    readonly pair: Pair,
    readonly relay: Relay | undefined,
    readonly rooms: QueueRooms,
  ) {
    this.#unsure = new Unsure(rooms.limits)
  }

  get log(): Log {
    return this.rooms.log
  }

  get waiting(): number {
    return this.#waiting.size
  }

  get wantsToSpeak(): boolean {
    return this.#waiting.size > 0
  }

  get isForgettable(): boolean {
    const isIdle = !this.#stream && !this.#isDialling && this.#waiting.size === 0 && this.#questions.size === 0
    return isIdle && performance.now() - this.usedAt > this.rooms.limits.forgetSeconds * 1_000
  }

  get status(): string {
    const how = this.#stream?.isReady
      ? this.#stream.isSecure
        ? 'open, encrypted'
        : 'open, in clear'
      : this.#isDialling
        ? 'opening'
        : this.#retry
          ? 'trying again'
          : 'closed'
    return `${how}, ${this.#waiting.size} waiting`
  }

  // --- what goes out ---

  /** As Party: what nobody waits for the answer of here. */
  deliver(xml: Element): void {
    this.put({ queue: this, xml, signal: undefined, answer: undefined })
  }

  /** 202 as soon as it is written, or has waited for as long as a sender can. */
  send(xml: Element, signal: Signal): MaybePromise<Answer> {
    if (this.#canWrite) {
      this.#write({ queue: this, xml, signal, answer: undefined })
      return ACCEPTED
    }
    return new Promise((answer) => this.put({ queue: this, xml, signal, answer }))
  }

  put(item: Item): void {
    if (this.#canWrite) return this.#write(item)
    const { waits, limits } = this.rooms
    const refused = this.#refused && this.#refused.until > performance.now() ? this.#refused.error : undefined
    if (refused || this.#isStopped) return this.#return(item, refused ?? STOPPED)
    if (this.#waiting.size >= limits.waitingMax || waits.isFull) return this.#return(item, FULL)
    this.usedAt = performance.now()
    this.#waiting.add(item)
    waits.begin(item)
    if (this.#stream?.isReady) return
    if (this.#stream) this.#stream.speak()
    else this.#need()
  }

  /** Nobody has read it in time. */
  expired(item: Item): void {
    if (!this.#waiting.delete(item)) return
    this.#return(item, this.#lastError ?? new StanzaError('wait', 'remote-server-timeout', `${this.pair.to} could not be reached in time`))
  }

  get #canWrite(): boolean {
    return this.#stream?.isReady === true && this.#waiting.size === 0 && !this.#isBlocked
  }

  #write(item: Item): void {
    const connection = this.#stream?.connection
    if (!connection) return
    connection.send(item.xml)
    this.usedAt = performance.now()
    this.#unsure.add(item, this.usedAt)
    if (connection.unsent > this.rooms.limits.unsentMax) this.#block(connection.written())
  }

  /** The socket takes no more: what comes now waits here, where it is counted. */
  #block(written: Promise<void>): void {
    this.#isBlocked = true
    written.then(
      () => {
        this.#isBlocked = false
        this.#flush()
      },
      () => {
        // The stream has ended, which says the rest.
        this.#isBlocked = false
      },
    )
  }

  #flush(): void {
    for (const item of this.#waiting) {
      if (this.#isBlocked || !this.#stream?.isReady) return
      this.#waiting.delete(item)
      this.rooms.waits.end(item)
      this.#write(item)
      item.answer?.(ACCEPTED)
      item.answer = undefined
    }
  }

  #return(item: Item, error: StanzaError): void {
    const { answer, signal, xml } = item
    this.rooms.waits.end(item)
    item.answer = undefined
    if (answer && signal) answer(answerFor(error, signal))
    else this.rooms.returned(this, xml, error)
  }

  // --- questions about keys ---

  /** Whether their server has made this key for a stream of ours. Rejects with StanzaError. */
  verify(id: string, key: string): Promise<Verdict> {
    const refused = this.#refused && this.#refused.until > performance.now() ? this.#refused.error : undefined
    if (refused) return Promise.reject(refused)
    return new Promise((resolve, reject) => {
      const question: Question = { id, key, isAsked: false, resolve, reject }
      this.#questions.add(question)
      this.usedAt = performance.now()
      setTimeout(() => this.#unanswered(question, 'it did not answer in time'), this.rooms.limits.negotiationSeconds * 1_000).unref()
      if (this.#stream?.isTalkable) this.talkable()
      else this.#need()
    })
  }

  talkable(): void {
    for (const question of this.#questions) {
      if (question.isAsked) continue
      question.isAsked = true
      this.#stream?.ask(this.pair, question.id, question.key)
    }
  }

  verdict(id: string, verdict: Verdict | undefined, text: string | undefined): void {
    const question = [...this.#questions].find((one) => one.id === id && one.isAsked)
    if (!question) return
    if (verdict === undefined) return this.#unanswered(question, text ?? 'it cannot say')
    this.#questions.delete(question)
    question.resolve(verdict)
  }

  #unanswered(question: Question, why: string): void {
    if (this.#questions.delete(question))
      question.reject(new StanzaError('wait', 'remote-server-timeout', `${this.pair.to} was asked about your key: ${why}`))
  }

  // --- the stream ---

  #need(): void {
    if (this.#isDialling || this.#stream || this.#isStopped) return
    // A question is worth an attempt of its own; stanzas wait for their turn.
    if (this.#retry && this.#questions.size === 0) return
    clearTimeout(this.#retry)
    this.#retry = undefined
    this.#isDialling = true
    dial(this.pair, this.relay, this.rooms, (attempt) => this.#try(attempt)).then(
      (failure) => this.#dialled(failure),
      (cause: unknown) => {
        this.log.failure({ what: 'dialling_failed', error: cause instanceof Error ? cause.stack : cause })
        this.#dialled({ kind: 'elsewhere', why: 'something went wrong here' })
      },
    )
  }

  #try(attempt: Attempt): Promise<Failure | undefined> {
    if (this.#isStopped) return Promise.resolve({ kind: 'elsewhere', why: 'this server is being stopped' })
    return new Promise((resolve) => {
      this.#settle = resolve
      this.#stream = new OutStream(attempt, this)
    })
  }

  ready(): void {
    this.#backoffMs = 0
    this.#refused = undefined
    this.#lastError = undefined
    this.#unsure.clear()
    const { pair } = this
    this.#stream?.attempt.log.major({ what: 'stream_opened', from: pair.from, to: pair.to, encrypted: this.#stream.isSecure })
    this.#flush()
    this.#watchIdle()
    this.#settle?.(undefined)
  }

  failed(failure: Failure): void {
    this.#stream = undefined
    for (const question of this.#questions) question.isAsked = false
    this.#settle?.(failure)
  }

  #dialled(failure: Failure | undefined): void {
    this.#isDialling = false
    this.#settle = undefined
    if (failure === undefined || failure.kind === 'idle') {
      // It may have ended before this was heard.
      if (!this.#stream && (this.#waiting.size > 0 || this.#questions.size > 0)) this.#need()
      return
    }
    for (const question of [...this.#questions]) this.#unanswered(question, failure.why)
    const isFinal = failure.kind === 'refused' || failure.kind === 'external' || failure.kind === 'tls'
    const text = `${this.pair.to}: ${failure.why}`
    this.#lastError = isFinal
      ? new StanzaError('cancel', 'remote-server-not-found', text)
      : new StanzaError('wait', 'remote-server-timeout', text)
    const { limits } = this.rooms
    if (isFinal) {
      this.#refused = { until: performance.now() + limits.refusedSeconds * 1_000, error: this.#lastError }
      return this.#giveBack(this.#lastError)
    }
    if (this.#waiting.size === 0) return
    this.#backoffMs = Math.min(Math.max(this.#backoffMs * 2, limits.backoffMinMs), limits.backoffMaxMs)
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      if (this.#waiting.size > 0) this.#need()
    }, this.#backoffMs).unref()
  }

  ended(how: Loss, why: string): void {
    const heardAt = this.#stream?.connection.heardAt ?? 0
    this.#stream?.attempt.log.lowLevel({ what: 'stream_ended', from: this.pair.from, to: this.pair.to, how, why })
    this.#stream = undefined
    this.#isBlocked = false
    clearInterval(this.#idle)
    const unsure = this.#unsure.take(heardAt, performance.now())
    // Who says goodbye has read what came before it.
    if (how !== 'closed') for (const item of unsure) this.#return(item, CUT_OFF)
    if (this.#waiting.size > 0 || this.#questions.size > 0) this.#need()
  }

  #giveBack(error: StanzaError): void {
    const items = [...this.#waiting]
    this.#waiting.clear()
    for (const item of items) this.#return(item, error)
  }

  #watchIdle(): void {
    clearInterval(this.#idle)
    const { idleMs } = this.rooms.settings()
    this.#idle = setInterval(
      () => {
        if (performance.now() - this.usedAt < idleMs || this.#waiting.size > 0 || this.#questions.size > 0) return
        this.#close('idle')
      },
      Math.max(idleMs / 4, 10),
    ).unref()
  }

  #close(why: string): void {
    clearInterval(this.#idle)
    const stream = this.#stream
    this.#stream = undefined
    this.#isBlocked = false
    stream?.attempt.log.lowLevel({ what: 'stream_closed', from: this.pair.from, to: this.pair.to, why })
    stream?.close()
  }

  /** What waits comes back; what was written is given to the kernel. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#retry)
    this.#close('stopped')
    this.#giveBack(STOPPED)
    for (const question of [...this.#questions]) this.#unanswered(question, 'this server is being stopped')
  }
}
