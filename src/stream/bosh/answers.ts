/** Requests of one session that wait for their answer, and answers that may have been lost on their way (XEP-0124 §14). */

/** One HTTP request, as long as it can be answered. */
export interface Reply {
  /** `taken`: when the kernel has all of it; never, where the client has gone meanwhile. */
  send(text: string, taken: () => void): void
  /** Called once, where the client goes before it has been answered. */
  onGone(gone: () => void): void
}

type Taken = () => void

interface Answer {
  readonly text: string
  /** Who wants to know that it has arrived. */
  taken: readonly Taken[]
}

interface Held {
  readonly rid: number
  readonly reply: Reply
  readonly timer: NodeJS.Timeout
}

export class Answers {
  /** In the order of their ids. */
  readonly #held: Held[] = []
  readonly #given = new Map<number, Answer>()

  /** `kept`: answers that are kept for those who ask again. `late`: a request has waited as long as it may. */
  constructor(
    private readonly kept: number,
    private readonly waitMs: number,
    private readonly late: () => void,
    private readonly emptied: () => void,
  ) {}

  get held(): number {
    return this.#held.length
  }

  hold(rid: number, reply: Reply): void {
    const one: Held = { rid, reply, timer: setTimeout(this.late, this.waitMs) }
    const at = this.#held.findIndex((other) => other.rid > rid)
    this.#held.splice(at < 0 ? this.#held.length : at, 0, one)
    reply.onGone(() => {
      if (this.#remove(one) && this.#held.length === 0) this.emptied()
    })
  }

  /** Answers the request that has waited longest; `taken` are told when it has arrived, perhaps only when it is asked for again. */
  give(text: string, taken: readonly Taken[] = []): void {
    const [oldest] = this.#held
    if (!oldest) return
    this.#remove(oldest)
    const answer = { text, taken }
    this.#given.set(oldest.rid, answer)
    send(answer, oldest.reply)
    if (this.#held.length === 0) this.emptied()
  }

  /** A request that has come before: its answer again, or its place in the queue. False where both are lost. */
  again(rid: number, reply: Reply, empty: string): boolean {
    const given = this.#given.get(rid)
    if (given) {
      send(given, reply)
      return true
    }
    const before = this.#held.find((one) => one.rid === rid)
    if (before) {
      this.#remove(before)
      before.reply.send(empty, () => {})
    }
    this.hold(rid, reply)
    return true
  }

  /** A request with this id has come: what was answered so long before it has arrived. */
  confirm(rid: number): void {
    for (const [old, answer] of this.#given) {
      if (old > rid - this.kept - 1) continue
      this.#given.delete(old)
      tell(answer)
    }
  }

  has(rid: number): boolean {
    return this.#given.has(rid)
  }

  clear(): void {
    for (const { timer } of this.#held.splice(0)) clearTimeout(timer)
    this.#given.clear()
  }

  #remove(one: Held): boolean {
    const at = this.#held.indexOf(one)
    if (at < 0) return false
    clearTimeout(one.timer)
    this.#held.splice(at, 1)
    return true
  }
}

function send(answer: Answer, reply: Reply): void {
  reply.send(answer.text, () => tell(answer))
}

function tell(answer: Answer): void {
  const { taken } = answer
  answer.taken = []
  for (const one of taken) one()
}
