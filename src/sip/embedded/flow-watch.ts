/** Flows that somebody keeps alive (RFC 5626 §5.4): over UDP, where nothing ends by itself, silence is all there is to notice. */

interface Watched {
  readonly silentMs: number
  readonly until: number
  readonly ended: () => void
  heardAt: number
  /** It has sent a keep-alive: only who does can cease. */
  isKept: boolean
}

const SWEEP_MS = 5_000

export class FlowWatch {
  readonly #flows = new Map<string, Watched>()
  #sweeping: NodeJS.Timeout | undefined

  /** Whether anybody need tell of what came. */
  get isIdle(): boolean {
    return this.#flows.size === 0
  }

  watch(flow: string, silentMs: number, lifeMs: number, ended: () => void): void {
    const now = performance.now()
    const isKept = this.#flows.get(flow)?.isKept ?? false
    this.#flows.set(flow, { silentMs, until: now + lifeMs, ended, heardAt: now, isKept })
    this.#sweeping ??= setInterval(() => this.#sweep(), SWEEP_MS).unref()
  }

  heard(flow: string, isKeepAlive: boolean): void {
    const watched = this.#flows.get(flow)
    if (!watched) return
    watched.heardAt = performance.now()
    if (isKeepAlive) watched.isKept = true
  }

  ended(flow: string): void {
    const watched = this.#flows.get(flow)
    this.#flows.delete(flow)
    watched?.ended()
  }

  close(): void {
    clearInterval(this.#sweeping)
    this.#sweeping = undefined
    this.#flows.clear()
  }

  #sweep(): void {
    const now = performance.now()
    for (const [flow, { heardAt, silentMs, until, isKept }] of this.#flows) {
      if (isKept && now - heardAt > silentMs) this.ended(flow)
      else if (now > until) this.#flows.delete(flow)
    }
    if (this.isIdle) this.close()
  }
}
