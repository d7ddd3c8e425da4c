/** Frames to the server, one behind the other: behind a large one nothing is written before it is acknowledged. */
import { FRAME_SHARED_MAX_BYTES } from './limits.ts'

export interface Frame {
  readonly bytes: number
  /** False: nobody waits for it any more, and it was not written. */
  write(): boolean
}

export class Gate {
  readonly #acknowledgeMs: number
  readonly #stuck: () => void
  readonly #waiting: Frame[] = []
  #alone: Frame | undefined
  #timer: NodeJS.Timeout | undefined

  /** `stuck` hears when a large frame is not acknowledged in time. */
  constructor(acknowledgeMs: number, stuck: () => void) {
    this.#acknowledgeMs = acknowledgeMs
    this.#stuck = stuck
  }

  /** Whether nothing may be written now. */
  get isShut(): boolean {
    return this.#alone !== undefined
  }

  pass(frame: Frame): void {
    if (this.#alone) this.#waiting.push(frame)
    else this.#write(frame)
  }

  /** Its response frame is there. */
  acknowledged(frame: Frame): void {
    if (frame !== this.#alone) return
    clearTimeout(this.#timer)
    this.#alone = undefined
    while (!this.#alone) {
      const next = this.#waiting.shift()
      if (!next) return
      this.#write(next)
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#waiting.length = 0
  }

  #write(frame: Frame): void {
    const isLarge = frame.bytes > FRAME_SHARED_MAX_BYTES
    if (isLarge) this.#alone = frame
    if (frame.write()) {
      if (isLarge && this.#alone === frame) this.#timer = setTimeout(this.#stuck, this.#acknowledgeMs)
    } else if (isLarge) this.#alone = undefined
  }
}
