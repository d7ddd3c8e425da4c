/** One WebSocket that speaks SIP: a message is a frame, and the flow is the only way there (RFC 7118 §4, §5). */
import { isUtf8 } from 'node:buffer'
import type { Socket } from 'node:net'
import type { RawData, WebSocket } from 'ws'
import type { Log } from '../../log/log.ts'
import { parseMessage, SipParseError } from '../codec.ts'
import type { NextHop } from '../port.ts'
import type { Link } from './connections.ts'
import type { Limits } from './limits.ts'
import { plainAddress, type Receiver, type Sender } from './transport.ts'

export interface WebSocketOwner {
  readonly transport: 'ws' | 'wss'
  readonly limits: Limits
  readonly receiver: Receiver
  readonly wireLog: Log
  localFor(host: string, flow: string | undefined): NextHop
  closed(connection: WebSocketConnection, why: string): void
}

const PONG = '\r\n'
/** RFC 6455 §7.4.1. */
const GOING_AWAY = 1_001

export class WebSocketConnection implements Link {
  readonly transport: 'ws' | 'wss'
  readonly isReliable = true
  localAddress: string | undefined
  identity: readonly string[] | undefined
  readonly #socket: WebSocket
  readonly #owner: WebSocketOwner
  readonly #waiting = new Set<Sender>()
  /** What was sent before there was a connection. */
  #unsent: Buffer[] = []
  #unsentBytes = 0
  /** The socket below, where writes of one turn are gathered. */
  #below: Socket | undefined
  #isCorked = false
  #isClosed = false
  #hasOpened = false
  #hasAnsweredPing = true
  #hasSpoken = false
  #heardAt = performance.now()
  #local: NextHop | undefined
  #why = 'closed by the peer'

  constructor(
    socket: WebSocket,
    readonly flow: string,
    readonly peer: string,
    readonly host: string,
    readonly port: number,
    owner: WebSocketOwner,
  ) {
    this.#socket = socket
    this.#owner = owner
    this.transport = owner.transport
    socket.on('message', (data) => this.#read(bytesOf(data)))
    socket.on('pong', () => {
      this.#hasAnsweredPing = true
    })
    socket.on('error', (cause) => {
      this.#why = cause.message
    })
    socket.on('close', () => this.#close())
  }

  /** The handshake is over; `below` carries it. */
  open(below: Socket): void {
    this.#hasOpened = true
    this.#below = below
    this.localAddress = plainAddress(below.localAddress ?? '')
    const unsent = this.#unsent
    this.#unsent = []
    for (const bytes of unsent) this.#write(bytes)
  }

  get isOpen(): boolean {
    return !this.#isClosed && this.#socket.readyState <= this.#socket.OPEN
  }

  get hears(): boolean {
    return this.isOpen
  }

  localFor(host: string): NextHop {
    if (this.#local) return this.#local
    const local = this.#owner.localFor(host, this.flow)
    if (this.#hasOpened) this.#local = local
    return local
  }

  send(bytes: Buffer, _host: string, _port: number, sender?: Sender): void {
    if (!this.isOpen) {
      sender?.wayFailed(new Error('the WebSocket is closed'), !this.#hasOpened)
      return
    }
    if (sender) this.#waiting.add(sender)
    if (this.#hasOpened) this.#write(bytes)
    else this.#keep(bytes)
  }

  forget(sender: Sender): void {
    this.#waiting.delete(sender)
  }

  /** We ping ourselves. */
  endWhenSilent(): void {}

  /** Called once in a while: browsers cannot ping, so we do, and who does not answer is gone (RFC 7118 §6). */
  watch(now: number): void {
    const { firstMessageMs, idleMs } = this.#owner.limits
    const quiet = now - this.#heardAt
    if (!this.#hasSpoken && quiet > firstMessageMs) this.destroy('nothing came in time')
    else if (quiet > idleMs) this.destroy('idle')
    else if (!this.#hasAnsweredPing) this.destroy('no answer to a ping')
    else if (this.#hasOpened && this.isOpen) {
      this.#hasAnsweredPing = false
      this.#socket.ping()
    }
  }

  flush(why: string): void {
    this.#why = why
    if (this.#hasOpened) this.#socket.close(GOING_AWAY)
    else this.#socket.terminate()
  }

  destroy(why: string): void {
    this.#why = why
    this.#socket.terminate()
  }

  uncork(): void {
    this.#isCorked = false
    this.#below?.uncork()
  }

  #keep(bytes: Buffer): void {
    this.#unsent.push(bytes)
    this.#unsentBytes += bytes.length
    if (this.#unsentBytes > this.#owner.limits.unsentMaxBytes) this.destroy('too much waits for the connection')
  }

  #write(bytes: Buffer): void {
    if (!this.#isCorked) {
      // One write for all that is sent in this turn, as over TCP.
      this.#isCorked = true
      this.#below?.cork()
      process.nextTick(uncork, this)
    }
    // §4.1: text where it is text, as scripts in a browser read that more easily.
    this.#socket.send(bytes, { binary: !isUtf8(bytes), compress: false })
    if (this.#socket.bufferedAmount > this.#owner.limits.unsentMaxBytes) this.destroy('the peer does not read')
  }

  #read(bytes: Buffer): void {
    this.#heardAt = performance.now()
    this.#hasAnsweredPing = true
    const { receiver } = this.#owner
    if (isKeepAlive(bytes)) {
      if (bytes.length >= 4 && this.isOpen) this.#socket.send(PONG, { compress: false })
      return
    }
    this.#hasSpoken = true
    try {
      receiver.received(parseMessage(bytes), this, this.host, this.port)
    } catch (cause) {
      if (cause instanceof SipParseError) receiver.broken(cause, this, this.host, this.port)
      else this.#owner.wireLog.failure({ what: 'sip_parse_failed', cause })
    }
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#unsent = []
    this.#owner.closed(this, this.#why)
    const cause = new Error(`connection: ${this.#why}`)
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const sender of waiting) sender.wayFailed(cause, !this.#hasOpened)
  }
}

function uncork(connection: WebSocketConnection): void {
  connection.uncork()
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
}

/** CRLF CRLF as over TCP, which some scripts send since they cannot ping; a single CRLF is the answer to one. */
function isKeepAlive(bytes: Buffer): boolean {
  return bytes.length <= 4 && /^(?:\r\n)*$/.test(bytes.toString('latin1'))
}
