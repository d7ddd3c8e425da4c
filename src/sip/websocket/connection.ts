/** One WebSocket to the PBX, from its handshake to its end (RFC 7118 §4): a message is a frame. */
import { isUtf8 } from 'node:buffer'
import type { Socket } from 'node:net'
import { type RawData, WebSocket } from 'ws'
import type { WebSocketLimits } from './limits.ts'

export interface PbxAddress {
  /** `ws://…` or `wss://…`. */
  readonly url: string
  /** Certificates in PEM of whom we believe; absent: those Node comes with. */
  readonly authorities?: readonly string[]
}

export interface ConnectionOwner {
  opened(connection: PbxConnection): void
  /** Once, whether it was ever open or not. */
  ended(connection: PbxConnection, why: string): void
  /** A message of SIP. */
  took(connection: PbxConnection, bytes: Buffer): void
}

const SUBPROTOCOL = 'sip'
const PONG = '\r\n'
/** RFC 6455 §7.4.1. */
const GOING_AWAY = 1_001

export class PbxConnection {
  /** Where the PBX is; undefined before there is a connection. */
  remoteAddress: string | undefined
  readonly #socket: WebSocket
  readonly #owner: ConnectionOwner
  readonly #limits: WebSocketLimits
  /** The socket below, where writes of one turn are gathered. */
  #below: Socket | undefined
  #pinging: NodeJS.Timeout | undefined
  #hasAnswered = true
  #isCorked = false
  #isEnded = false
  #lastError: string | undefined

  /** Throws SyntaxError where the address is none of a WebSocket. */
  constructor({ url, authorities }: PbxAddress, owner: ConnectionOwner, limits: WebSocketLimits) {
    this.#owner = owner
    this.#limits = limits
    const socket = new WebSocket(url, SUBPROTOCOL, {
      handshakeTimeout: limits.connectMs,
      maxPayload: limits.receivedMaxBytes,
      perMessageDeflate: false,
      followRedirects: false,
      minVersion: 'TLSv1.2',
      ...(authorities === undefined ? {} : { ca: [...authorities] }),
    })
    this.#socket = socket
    socket.on('upgrade', ({ socket: below }) => this.#connected(below))
    socket.on('open', () => this.#open())
    socket.on('message', (data) => this.#read(bytesOf(data)))
    socket.on('pong', () => {
      this.#hasAnswered = true
    })
    socket.on('error', (cause) => {
      this.#lastError = cause.message === '' && 'code' in cause ? String(cause.code) : cause.message
    })
    socket.on('close', (code, reason) => this.end(this.#lastError ?? closing(code, reason)))
  }

  get isOpen(): boolean {
    return !this.#isEnded && this.#socket.readyState === WebSocket.OPEN
  }

  /** False where nobody is there to take it. */
  send(bytes: Buffer): boolean {
    if (!this.isOpen) return false
    if (!this.#isCorked) {
      // One write for all that is sent in this turn.
      this.#isCorked = true
      this.#below?.cork()
      process.nextTick(uncork, this)
    }
    // §4.1: text where it is text, as some servers take nothing else.
    this.#socket.send(bytes, { binary: !isUtf8(bytes), compress: false })
    if (this.#socket.bufferedAmount > this.#limits.unsentMaxBytes) this.end('it does not read')
    return true
  }

  /** Ends it, whatever state it is in. */
  end(why: string): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearInterval(this.#pinging)
    this.#socket.terminate()
    this.#owner.ended(this, why)
  }

  /** The same with a word to the PBX, behind all that was sent. */
  close(why: string): void {
    if (this.isOpen) {
      this.uncork()
      this.#socket.close(GOING_AWAY)
    }
    this.#isEnded = true
    clearInterval(this.#pinging)
    const socket = this.#socket
    if (socket.readyState === WebSocket.CONNECTING) socket.terminate()
    else setTimeout(() => socket.terminate(), this.#limits.connectMs).unref()
    this.#owner.ended(this, why)
  }

  uncork(): void {
    this.#isCorked = false
    this.#below?.uncork()
  }

  #connected(below: Socket): void {
    this.#below = below
    below.setNoDelay(true)
    this.remoteAddress = below.remoteAddress
  }

  #open(): void {
    if (this.#isEnded) return
    if (this.#socket.protocol !== SUBPROTOCOL) {
      this.end('it does not speak SIP there')
      return
    }
    this.#pinging = setInterval(() => this.#ping(), this.#limits.pingMs)
    this.#owner.opened(this)
  }

  #ping(): void {
    if (!this.#hasAnswered) {
      this.end('it is silent')
      return
    }
    this.#hasAnswered = false
    this.#socket.ping()
  }

  #read(bytes: Buffer): void {
    if (this.#isEnded) return
    this.#hasAnswered = true
    // RFC 7118 §6 with RFC 5626 §3.5.1: two line ends are a question, one is its answer.
    if (bytes.length <= 4 && /^(?:\r\n)*$/.test(bytes.toString('latin1'))) {
      if (bytes.length === 4) this.#socket.send(PONG, { compress: false })
    } else this.#owner.took(this, bytes)
  }
}

/** RFC 6455 §7.4.1; 1006 is what no peer says. What it writes ends in a log. */
function closing(code: number, reason: Buffer): string {
  const said = code === 1_005 || code === 1_006 ? '' : ` (${code} ${reason.toString().replaceAll(/[^\x20-\x7e]/g, '?')})`
  return `it closed the connection${said.trimEnd()}`
}

function uncork(connection: PbxConnection): void {
  connection.uncork()
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
}
