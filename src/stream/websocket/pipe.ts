/** A WebSocket as what a connection reads and writes: a message comes as one chunk, and what is written goes out as a message for each element. */
import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import type { Element } from '../../xml/element.ts'
import type { XmlLimits } from '../../xml/limits.ts'
import type { StreamHandler } from '../../xml/stream-parser.ts'
import type { Framing, StreamReader } from '../framing.ts'
import type { Pipe } from '../socket-events.ts'
import { CLOSING, END_OF_MESSAGE, FrameReader, message, opening } from './framing.ts'

export interface WebSocketLimits {
  /** Bytes of a stranger, whether they make a message or not. */
  readonly strangerMaxBytes: number
  /** Of unanswered pings of a peer that waits for no answer. */
  readonly pongsMaxBytes: number
}

/** RFC 6455 §7.4.1. */
const NORMAL = 1_000
const UNSUPPORTED_DATA = 1_003
const TEXT = { binary: false, compress: false }

export class WebSocketPipe extends EventEmitter implements Pipe, Framing {
  readonly closing = CLOSING
  readonly #socket: WebSocket
  /** Where the messages of one turn become one write. */
  readonly #below: Duplex
  #hasAnswered = true
  #strangerBytes = 0
  readonly #count: (chunk: Buffer) => void

  constructor(socket: WebSocket, below: Duplex, limits: WebSocketLimits) {
    super()
    this.#socket = socket
    this.#below = below
    socket.on('message', (data, isBinary) => this.#received(data, isBinary))
    socket.on('pong', () => {
      this.#hasAnswered = true
    })
    socket.on('ping', () => {
      if (socket.bufferedAmount > limits.pongsMaxBytes) this.destroy()
    })
    // A message is seen when it is whole, and strangers are not to make us wait for long ones.
    this.#count = (chunk) => {
      this.#strangerBytes += chunk.length
      if (this.#strangerBytes > limits.strangerMaxBytes) this.destroy()
    }
    below.on('data', this.#count)
    // Where nobody was let in, nobody listens.
    socket.on('error', (error) => this.listenerCount('error') > 0 && this.emit('error', error))
    socket.on('close', () => this.emit('close'))
  }

  reader(handler: StreamHandler, limits: XmlLimits): StreamReader {
    return new FrameReader(handler, limits, () => this.#below.off('data', this.#count))
  }

  opening(header: Element): string {
    return opening(header)
  }

  element(xml: Element): string {
    return message(xml)
  }

  get writableLength(): number {
    return this.#socket.bufferedAmount
  }

  /** `text`: messages, each with its END_OF_MESSAGE. */
  write(text: string, _encoding: 'utf8', taken: (error?: Error | null) => void): void {
    const messages = text.split(END_OF_MESSAGE)
    const last = messages.length - 2
    if (last < 0) return taken()
    this.#below.cork()
    for (let i = 0; i < last; i++) this.#socket.send(messages[i] ?? '', TEXT)
    this.#socket.send(messages[last] ?? '', TEXT, taken)
    this.#below.uncork()
  }

  end(): void {
    this.#socket.close(NORMAL)
  }

  destroy(): void {
    this.#socket.terminate()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Called once in a while: browsers cannot ping (RFC 7395 §3.8), so we do, and who has not answered the last time is gone. */
  ping(): void {
    if (!this.#hasAnswered) return this.destroy()
    if (this.#socket.readyState !== this.#socket.OPEN) return
    this.#hasAnswered = false
    this.#socket.ping()
  }

  #received(data: RawData, isBinary: boolean): void {
    this.#hasAnswered = true
    // RFC 7395 §3.2.
    if (isBinary) return this.#socket.close(UNSUPPORTED_DATA, 'XMPP is text')
    this.emit('data', Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data))
  }
}
