/** For facts that a stranger can cause as often as he likes: told once in a while, so that the log stays readable and the disk free. */
const PAUSE_MS = 1_000

export class Seldom {
  #toldAt = Number.NEGATIVE_INFINITY

  mayTell(): boolean {
    const now = performance.now()
    if (now - this.#toldAt < PAUSE_MS) return false
    this.#toldAt = now
    return true
  }
}
