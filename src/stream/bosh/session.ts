/** One session over BOSH (XEP-0124): many requests that are one pipe, and the framing of what goes through it (XEP-0206). */
import { EventEmitter } from 'node:events'
import type { Element } from '../../xml/element.ts'
import { XML_LIMITS, type XmlLimits } from '../../xml/limits.ts'
import type { StreamHandler } from '../../xml/stream-parser.ts'
import { STREAM_PREFIX, write } from '../../xml/write.ts'
import type { Framing, StreamReader } from '../framing.ts'
import { NS_STREAM } from '../namespaces.ts'
import type { Pipe } from '../socket-events.ts'
import { Answers, type Reply } from './answers.ts'
import { type Condition, created, NS_BOSH, numberIn, terminating, writeBody } from './body.ts'
import type { BoshLimits } from './limits.ts'
import { BodyReader } from './reader.ts'

interface Request {
  readonly body: Element
  readonly bytes: Buffer
  readonly reply: Reply
}

const EMPTY = writeBody({}, '')

export class BoshSession extends EventEmitter implements Pipe, Framing {
  readonly closing = ''
  readonly #hold: number
  readonly #wait: number
  readonly #answers: Answers
  /** The last request that has been read. */
  #rid: number
  /** Requests that came before those they follow. */
  readonly #early = new Map<number, Request>()
  #out = ''
  #taken: (() => void)[] = []
  #from: string | undefined
  #isAnnounced = false
  #isEnding = false
  #condition: Condition | undefined
  #reader: BodyReader | undefined
  #inactivity: NodeJS.Timeout | undefined
  #pauseSeconds: number | undefined
  #isDue = false
  #isPaused = false
  #polledAt = Number.NEGATIVE_INFINITY

  constructor(
    readonly id: string,
    creation: Element,
    rid: number,
    private readonly limits: BoshLimits,
  ) {
    super()
    this.#rid = rid - 1
    const wait = Math.min(numberIn(creation.attr('wait')) ?? limits.waitMaxSeconds, limits.waitMaxSeconds)
    // §11: who waits for nothing polls.
    this.#hold = wait === 0 ? 0 : Math.min(numberIn(creation.attr('hold')) ?? 1, limits.holdMax)
    this.#wait = wait
    this.#answers = new Answers(
      this.#hold + 1,
      Math.max(wait, 1) * 1000,
      () => this.#answer(),
      () => this.#alone(),
    )
  }

  /** Simultaneous requests, as the client is told. */
  get #requests(): number {
    return this.#hold + 1
  }

  /** What one of its requests may have. */
  get bodyMaxBytes(): number {
    const max = this.#reader?.maxBytes ?? 0
    return max < XML_LIMITS.stanzaMaxBytes ? max : this.limits.bodyMaxBytes
  }

  // --- requests ---

  take(rid: number, request: Request): void {
    const { reply } = request
    if (rid <= this.#rid) return this.#repeated(rid, reply)
    // One more than usual, for a pause or the end (§13); the window counts from the last that has been read.
    if (rid > this.#rid + this.#requests + 1) return this.#refuse(reply, 'item-not-found')
    this.#early.get(rid)?.reply.send(EMPTY, () => {})
    this.#early.set(rid, request)
    this.#readOn()
  }

  /** In the order of their ids, whatever the order in which they came; and not while the stream waits for something. */
  #readOn(): void {
    while (!this.#isPaused) {
      const next = this.#early.get(this.#rid + 1)
      if (!next) return
      this.#read(next)
    }
  }

  #read({ body, bytes, reply }: Request): void {
    const rid = ++this.#rid
    this.#early.delete(rid)
    this.#answers.confirm(rid)
    clearTimeout(this.#inactivity)
    if (this.#pollsTooOften(body)) return this.#refuse(reply, 'policy-violation')
    this.#answers.hold(rid, reply)
    const pause = numberIn(body.attr('pause'))
    if (pause !== undefined && pause <= this.limits.pauseMaxSeconds) this.#pauseSeconds = pause
    this.#reader?.expect(body)
    this.emit('data', bytes)
    if (this.#pauseSeconds !== undefined) return this.#answerAll()
    // What the stream has to say to it is written at the end of this turn, and the answer waits for that.
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      this.#settle()
    })
  }

  #repeated(rid: number, reply: Reply): void {
    if (!this.#answers.has(rid) && rid <= this.#rid - this.#requests) return this.#refuse(reply, 'item-not-found')
    clearTimeout(this.#inactivity)
    this.#answers.again(rid, reply, EMPTY)
    this.#settle()
    if (this.#answers.held === 0) this.#alone()
  }

  /** §12: only for those who never wait. */
  #pollsTooOften(body: Element): boolean {
    if (this.#hold > 0 || body.children.length > 0 || body.attrs.length > 4 || body.attr('sid') === undefined) return false
    const before = this.#polledAt
    this.#polledAt = performance.now()
    return this.#polledAt - before < this.limits.pollingSeconds * 1000
  }

  /** The session is over for who breaks its rules. */
  #refuse(reply: Reply, condition: Condition): void {
    reply.send(terminating(condition), () => {})
    this.#condition ??= condition
    this.destroy()
  }

  // --- answers ---

  #settle(): void {
    if (this.#isEnding) return this.#answerAll()
    if (this.#out !== '') this.#answer()
    while (this.#answers.held > this.#hold) this.#answer()
  }

  /** To the oldest request: all there is. */
  #answer(): void {
    if (this.#answers.held === 0) return
    const content = this.#out
    if (content !== '') this.#polledAt = Number.NEGATIVE_INFINITY
    const taken = this.#taken
    this.#out = ''
    this.#taken = []
    if (this.#isEnding) return this.#answers.give(terminating(this.#condition, content), taken)
    this.#answers.give(writeBody(this.#isAnnounced ? {} : this.#announced(), content), taken)
  }

  #answerAll(): void {
    while (this.#answers.held > 0) this.#answer()
    // The last words have been said to somebody.
    if (this.#isEnding && this.#out === '') this.#over()
  }

  #announced(): Readonly<Record<string, string | undefined>> {
    this.#isAnnounced = true
    const { inactivitySeconds, pauseMaxSeconds, pollingSeconds } = this.limits
    return created({
      sid: this.id,
      wait: String(this.#wait),
      hold: String(this.#hold),
      requests: String(this.#requests),
      inactivity: String(inactivitySeconds),
      maxpause: String(pauseMaxSeconds),
      polling: String(pollingSeconds),
      ver: '1.11',
      from: this.#from,
      secure: undefined,
    })
  }

  /** No request is here to be answered (§10). */
  #alone(): void {
    clearTimeout(this.#inactivity)
    const seconds = this.#pauseSeconds ?? this.limits.inactivitySeconds
    this.#pauseSeconds = undefined
    this.#inactivity = setTimeout(() => this.destroy(), seconds * 1000)
  }

  // --- as the connection sees it ---

  reader(handler: StreamHandler, limits: XmlLimits): StreamReader {
    this.#reader = new BodyReader(handler, limits)
    return this.#reader
  }

  opening(header: Element): string {
    this.#from = header.attr('from')
    return ''
  }

  element(xml: Element): string {
    if (xml.is('error', NS_STREAM)) this.#condition = 'remote-stream-error'
    return write(xml, NS_BOSH, STREAM_PREFIX)
  }

  get writableLength(): number {
    return this.#out.length
  }

  write(text: string, _encoding: 'utf8', taken: () => void): void {
    this.#out += text
    this.#taken.push(taken)
    // A stream error goes out with what ends the session (XEP-0206 §7): end() follows at once.
    if (this.#condition === undefined) this.#answer()
  }

  end(): void {
    this.#isEnding = true
    // What is said last goes out with the requests that are here, or with the next.
    this.#answerAll()
  }

  /** Nobody is told any more than what a request that is here can be told. */
  destroy(): void {
    this.#isEnding = true
    this.#answerAll()
    this.#over()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#readOn()
  }

  #over(): void {
    clearTimeout(this.#inactivity)
    for (const { reply } of this.#early.values()) reply.send(terminating(this.#condition), () => {})
    this.#early.clear()
    this.#answers.clear()
    this.emit('close')
  }
}
