/** Answers of DNS, kept as long as they are good: one question for all who ask meanwhile. */
import type { Records } from './dns.ts'
import type { LocateLimits } from './limits.ts'

interface Kept<T> {
  readonly answer: Promise<readonly T[]>
  /** Milliseconds; open while the answer is awaited. */
  until: number
}

export class KeptAnswers<T> {
  readonly #kept = new Map<string, Kept<T>>()

  constructor(
    readonly ask: (name: string) => Promise<Records<T>>,
    readonly limits: LocateLimits,
    readonly now: () => number,
  ) {}

  get size(): number {
    return this.#kept.size
  }

  /** Rejects with DnsError. */
  of(name: string): Promise<readonly T[]> {
    const known = this.#kept.get(name)
    if (known && known.until > this.now()) return known.answer
    const asked = this.ask(name)
    const kept: Kept<T> = { answer: asked.then(({ records }) => records.slice(0, this.limits.recordsMax)), until: Number.POSITIVE_INFINITY }
    this.#kept.delete(name)
    const oldest = this.#kept.size >= this.limits.keptMax ? this.#kept.keys().next().value : undefined
    if (oldest !== undefined) this.#kept.delete(oldest)
    this.#kept.set(name, kept)
    asked.then(
      ({ records, ttl }) => this.#believe(kept, records.length === 0 ? undefined : ttl),
      () => this.#until(kept, this.limits.keptFailureSeconds),
    )
    return kept.answer
  }

  #believe(kept: Kept<T>, ttl: number | undefined): void {
    const { keptMinSeconds, keptMaxSeconds, keptUntoldSeconds } = this.limits
    this.#until(kept, ttl === undefined ? keptUntoldSeconds : Math.min(Math.max(ttl, keptMinSeconds), keptMaxSeconds))
  }

  #until(kept: Kept<T>, seconds: number): void {
    kept.until = this.now() + seconds * 1_000
  }
}
