/** Frames of drachtio's admin protocol as the server reads and writes them: decimal length in bytes, `#`, payload. Its limits as measured on 0.9.10. */
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'

/** One byte more, and the server reads nothing from this connection any more. */
export const FRAME_MAX_BYTES = 12_228
/** Above this a frame is spoilt by what is written behind it before its response frame is there. */
export const SHARED_MAX_BYTES = 4_036

export class FrameReader {
  /** Why nothing is read any more. */
  wedged: string | undefined
  #unread = Buffer.alloc(0)
  /** The bytes of a large frame that has no response frame yet. */
  #alone = 0

  constructor(
    private readonly frame: (payload: string, bytes: number) => void,
    private readonly fault: (why: string) => void,
  ) {}

  push(chunk: Buffer): void {
    if (this.wedged !== undefined) return
    if (this.#alone > 0) {
      this.#wedge(`${chunk.length} bytes came behind a frame of ${this.#alone} that has no response yet`)
      return
    }
    this.#unread = Buffer.concat([this.#unread, chunk])
    for (;;) {
      const hash = this.#unread.indexOf('#')
      if (hash < 0) return
      const length = Number(this.#unread.toString('latin1', 0, hash))
      if (!Number.isInteger(length) || length <= 0) {
        this.#wedge('a frame without a length')
        return
      }
      const bytes = hash + 1 + length
      if (bytes > FRAME_MAX_BYTES) {
        this.#wedge(`a frame of ${bytes} bytes`)
        return
      }
      if (this.#unread.length < bytes) return
      const payload = this.#unread.toString('utf8', hash + 1, bytes)
      this.#unread = this.#unread.subarray(bytes)
      if (bytes > SHARED_MAX_BYTES) {
        this.#alone = bytes
        if (this.#unread.length > 0) {
          this.#wedge(`${this.#unread.length} bytes came with a frame of ${bytes}`)
          return
        }
        // Long enough for what was written behind it to come.
        setImmediate(() => this.frame(payload, bytes))
        return
      }
      this.frame(payload, bytes)
    }
  }

  /** A response frame was written. */
  answered(): void {
    this.#alone = 0
  }

  #wedge(why: string): void {
    this.wedged = why
    this.fault(why)
  }
}

/** Writes one frame; gives its id. */
export function writeFrame(socket: Socket, payload: string): string {
  const id = randomUUID()
  const text = `${id}|${payload}`
  socket.write(`${Buffer.byteLength(text)}#${text}`)
  return id
}

/** `HH:MM:SS.uuuuuu` */
export const timeNow = (): string => `${new Date().toISOString().slice(11, 23)}000`
