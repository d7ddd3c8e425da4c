/** Messages out of a stream: the header to its empty line, then as many bytes as Content-Length says (RFC 3261 §18.3, RFC 5626 §4.4.1). */
import { END_OF_HEAD, type Head, parseHead, refused, SipParseError, withBody } from '../codec.ts'
import type { SipRequest, SipResponse } from '../message.ts'
import type { Limits } from './limits.ts'

export interface Frames {
  message(message: SipRequest | SipResponse): void
  /** CRLF CRLF between messages: the peer wants a CRLF back. */
  ping(): void
  /** A message that is none, between others that are. */
  broken(error: SipParseError): void
  /** Where the next message begins is not known any more: nothing further is read. */
  lost(error: SipParseError): void
}

const NOTHING = Buffer.alloc(0)
const CR = 0x0d
const LF = 0x0a
/** The first room for an unfinished message; it doubles, so that single bytes cannot make us copy the whole again and again. */
const FIRST_ROOM_BYTES = 2_048

/** Bytes that all unfinished messages together may still take. */
export interface Room {
  left: number
}

export class Framer {
  readonly #frames: Frames
  readonly #limits: Limits
  readonly #shared: Room
  /** What came and is not used: `#room` from `#start` to `#end`. Without unfinished message there is no room of its own. */
  #room: Buffer = NOTHING
  #start = 0
  #end = 0
  /** Up to here no end of the header was found. */
  #searched = 0
  /** Bytes of `#room` that were taken from what all share. */
  #taken = 0
  /** A header that waits for its body, sound or not. */
  #head: Head | SipParseError | undefined
  #isLost = false
  /** The last thing that came was one CRLF. */
  #isHalfPing = false

  constructor(frames: Frames, limits: Limits, shared: Room) {
    this.#frames = frames
    this.#limits = limits
    this.#shared = shared
  }

  /** Part of a message is there. */
  get isUnfinished(): boolean {
    return this.#head !== undefined || this.#end > this.#start
  }

  push(chunk: Buffer): void {
    if (this.#isLost) return
    if (this.#end === this.#start) {
      this.#room = chunk
      this.#start = 0
      this.#end = chunk.length
      this.#searched = 0
    } else this.#append(chunk)
    while (!this.#isLost && this.#takeOne()) {}
    this.#keep(chunk)
  }

  stop(): void {
    this.#isLost = true
    this.#empty()
    this.#head = undefined
  }

  /** Whether there may be another message in what came. */
  #takeOne(): boolean {
    if (!this.#head && !this.#takeHead()) return false
    const head = this.#head
    if (!head) return false
    const length = head.contentLength ?? 0
    if (this.#end - this.#start < length) return false
    const start = this.#start
    this.#start += length
    this.#searched = this.#start
    this.#head = undefined
    if (head instanceof SipParseError) this.#frames.broken(head)
    else this.#frames.message(withBody(head, length === 0 ? NOTHING : this.#room.subarray(start, start + length)))
    return this.#start < this.#end
  }

  #takeHead(): boolean {
    if (!this.#skipKeepAlive()) return false
    const first = this.#room[this.#start] ?? 0
    // No message begins so: noise, or TLS on the wrong port. Waiting for its end would be in vain.
    if (first <= 0x20 || first >= 0x7f) return this.#lose(new SipParseError(400, 'Not SIP', undefined))
    const end = this.#room.indexOf(END_OF_HEAD, Math.max(this.#start, this.#searched - 3))
    const found = end >= 0 && end + 4 <= this.#end
    const bytes = (found ? end : this.#end) - this.#start
    if (bytes > this.#limits.headMaxBytes) {
      return this.#lose(new SipParseError(513, `Header longer than ${this.#limits.headMaxBytes} bytes`, undefined))
    }
    if (!found) {
      this.#searched = this.#end
      return false
    }
    const start = this.#start
    this.#start = end + 4
    this.#isHalfPing = false
    try {
      this.#head = this.#readHead(start, end)
    } catch (cause) {
      if (!(cause instanceof SipParseError)) throw cause
      if (cause.contentLength === undefined || cause.contentLength > this.#limits.bodyMaxBytes) return this.#lose(cause)
      this.#head = cause
    }
    return true
  }

  #readHead(start: number, end: number): Head {
    const head = parseHead(this.#room, start, end)
    // §18.3: over a stream it says where the next message begins.
    if (head.contentLength === undefined) throw refused(head, 400, 'No Content-Length')
    if (head.contentLength > this.#limits.bodyMaxBytes) throw refused(head, 513, `Body longer than ${this.#limits.bodyMaxBytes} bytes`)
    return head
  }

  /** False where nothing else is there. A ping may come in two pieces, so its first half is remembered and not kept. */
  #skipKeepAlive(): boolean {
    for (;;) {
      const left = this.#end - this.#start
      if (left === 0 || (left === 1 && this.#room[this.#start] === CR)) return false
      if (this.#room[this.#start] !== CR || this.#room[this.#start + 1] !== LF) return true
      this.#start += 2
      this.#searched = this.#start
      if (this.#isHalfPing) this.#frames.ping()
      this.#isHalfPing = !this.#isHalfPing
    }
  }

  #lose(error: SipParseError): false {
    this.stop()
    this.#frames.lost(error)
    return false
  }

  #append(chunk: Buffer): void {
    if (this.#end + chunk.length > this.#room.length) {
      const needed = this.#end - this.#start + chunk.length
      if (!this.#moveTo(needed > this.#room.length ? Math.max(needed, this.#room.length * 2) : this.#room.length)) return
    }
    chunk.copy(this.#room, this.#end)
    this.#end += chunk.length
  }

  /** What is left of a chunk moves to room of our own, which can grow; the chunk goes. */
  #keep(chunk: Buffer): void {
    if (this.#isLost) return
    const left = this.#end - this.#start
    if (left === 0) this.#empty()
    else if (this.#room === chunk) this.#moveTo(Math.max(FIRST_ROOM_BYTES, left))
  }

  /** False where there is no room: the message cannot be finished. */
  #moveTo(bytes: number): boolean {
    if (bytes - this.#taken > this.#shared.left) {
      this.#lose(new SipParseError(503, 'No room for unfinished messages', undefined))
      return false
    }
    // New room even if the old is large enough: bodies that were handed out lie in the old.
    const room = Buffer.allocUnsafe(bytes)
    this.#room.copy(room, 0, this.#start, this.#end)
    this.#shared.left -= bytes - this.#taken
    this.#taken = bytes
    this.#searched = Math.max(0, this.#searched - this.#start)
    this.#end -= this.#start
    this.#start = 0
    this.#room = room
    return true
  }

  #empty(): void {
    this.#shared.left += this.#taken
    this.#taken = 0
    this.#room = NOTHING
    this.#start = this.#end = this.#searched = 0
  }
}
