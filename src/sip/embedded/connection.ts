/** One connection, whoever opened it: a way that loses nothing, and ends (RFC 3261 §18.2.1, RFC 5626 §4.4.1). */
import type { Socket } from 'node:net'
import type { SipParseError } from '../codec.ts'
import type { SipRequest, SipResponse } from '../message.ts'
import type { NextHop, Transport } from '../port.ts'
import type { Link } from './connections.ts'
import { Framer, type Frames, type Room } from './framer.ts'
import type { Limits } from './limits.ts'
import type { Receiver, Sender } from './transport.ts'

const PONG = Buffer.from('\r\n')
const KEEP_ALIVE_MS = 60_000

/** What a connection needs of its transport. */
export interface Owner {
  readonly transport: Transport
  readonly limits: Limits
  readonly receiver: Receiver
  readonly room: Room
  localFor(host: string, flow: string | undefined): NextHop
  closed(connection: Connection, why: string): void
}

export class Connection implements Link, Frames {
  readonly transport: Transport
  readonly isReliable = true
  readonly flow: string
  readonly peer: string
  readonly host: string
  readonly port: number
  /** undefined until there is a connection. */
  localAddress: string | undefined
  /** What its certificate proves. */
  identity: readonly string[] | undefined
  readonly #socket: Socket
  readonly #owner: Owner
  readonly #framer: Framer
  readonly #waiting = new Set<Sender>()
  #local: NextHop | undefined
  #hasOpened = false
  #isClosed = false
  #isEnding = false
  #isCorked = false
  #hasSpoken = false
  #isDeaf = false
  #hasPonged = false
  /** Of a flow that is to be kept alive, and whether it is. */
  #silentMs: number | undefined
  #isKept = false
  /** When the unfinished message began. */
  #unfinishedSince: number | undefined
  #why = 'closed by the peer'

  constructor(socket: Socket, flow: string, peer: string, host: string, port: number, owner: Owner) {
    this.#socket = socket
    this.#owner = owner
    this.transport = owner.transport
    this.flow = flow
    this.peer = peer
    this.host = host
    this.port = port
    this.#framer = new Framer(this, owner.limits, owner.room)
    socket.setNoDelay(true)
    // A telephone that lost its network says nothing; its connection must not look alive for ever.
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('timeout', () => this.#timeout())
    socket.on('error', (cause) => {
      this.#why = cause.message
    })
    socket.on('end', () => this.#peerEnded())
    socket.on('close', () => this.#close())
  }

  /** Connected: until now what was sent waited. `quietMs`: how long it may take until something comes. */
  open(localAddress: string, quietMs: number): void {
    this.#hasOpened = true
    this.localAddress = localAddress
    this.#socket.setTimeout(quietMs)
  }

  get isOpen(): boolean {
    return !this.#isClosed && !this.#isEnding
  }

  /** Whether an answer can come through it: a peer that closed his side may still be waiting for ours. */
  get hears(): boolean {
    return this.isOpen && !this.#isDeaf
  }

  localFor(host: string): NextHop {
    if (this.#local) return this.#local
    const local = this.#owner.localFor(host, this.flow)
    if (this.#hasOpened) this.#local = local
    return local
  }

  send(bytes: Buffer, _host: string, _port: number, sender?: Sender): void {
    if (sender ? !this.hears : !this.isOpen) {
      sender?.wayFailed(new Error('the connection is closed'), !this.#hasOpened)
      return
    }
    if (sender) this.#waiting.add(sender)
    if (!this.#isCorked) {
      // One write for all that is sent in this turn: a system call costs more than a message.
      this.#isCorked = true
      this.#socket.cork()
      process.nextTick(uncork, this)
    }
    this.#socket.write(bytes)
    if (this.#socket.writableLength > this.#owner.limits.unsentMaxBytes) this.destroy('the peer does not read')
  }

  forget(sender: Sender): void {
    this.#waiting.delete(sender)
  }

  uncork(): void {
    this.#isCorked = false
    this.#socket.uncork()
  }

  /** What was sent goes out still; nothing more is read. */
  end(why: string): void {
    if (!this.isOpen) return
    this.#why = why
    this.#isEnding = true
    this.#framer.stop()
    this.#socket.end()
    // A peer that does not close its side is not waited for.
    this.#socket.setTimeout(this.#owner.limits.lingerMs)
  }

  /** What was sent goes out still, and that is the end. */
  flush(why: string): void {
    this.#why = why
    this.#isEnding = true
    this.#framer.stop()
    this.#socket.destroySoon()
  }

  destroy(why: string): void {
    this.#why = why
    this.#socket.destroy()
  }

  message(message: SipRequest | SipResponse): void {
    this.#owner.receiver.received(message, this, this.host, this.port)
  }

  broken(error: SipParseError): void {
    this.#owner.receiver.broken(error, this, this.host, this.port)
  }

  endWhenSilent(silentMs: number): void {
    this.#silentMs = silentMs
    if (this.isOpen && !this.#framer.isUnfinished) this.#socket.setTimeout(this.#quietMs)
  }

  ping(): void {
    if (!this.#isKept) {
      this.#isKept = true
      if (this.isOpen) this.#socket.setTimeout(this.#quietMs)
    }
    // One for all that came together: who sends thousands of pings must not make us write thousands of times.
    if (!this.#hasPonged) this.send(PONG, this.host, this.port)
    this.#hasPonged = true
  }

  lost(error: SipParseError): void {
    this.#owner.receiver.broken(error, this, this.host, this.port)
    this.end(error.reason)
  }

  get #quietMs(): number {
    return this.#isKept ? (this.#silentMs ?? this.#owner.limits.idleMs) : this.#owner.limits.idleMs
  }

  #read(chunk: Buffer): void {
    this.#hasPonged = false
    this.#framer.push(chunk)
    const { limits } = this.#owner
    if (this.#framer.isUnfinished) {
      const now = performance.now()
      this.#unfinishedSince ??= now
      // Each piece moves the socket's own timeout, so a peer that sends a byte now and then is watched here.
      if (now - this.#unfinishedSince > limits.messageMs) this.destroy('a message was not finished in time')
      else this.#socket.setTimeout(limits.messageMs)
    } else if (!this.#hasSpoken || this.#unfinishedSince !== undefined) {
      this.#hasSpoken = true
      this.#unfinishedSince = undefined
      if (this.isOpen) this.#socket.setTimeout(this.#quietMs)
    }
  }

  #timeout(): void {
    if (this.#isEnding || this.#isDeaf) this.destroy(this.#why)
    else if (!this.#hasOpened) this.destroy('no connection in time')
    else this.destroy(this.#unfinishedSince === undefined ? 'idle' : 'a message was not finished in time')
  }

  /** Nothing more comes, but what was asked may still be answered (`nc` closes its side after its last byte). */
  #peerEnded(): void {
    this.#isDeaf = true
    this.#failWaiting()
    if (this.#framer.isUnfinished || !this.#hasSpoken) this.destroy(this.#why)
    else this.#socket.setTimeout(this.#owner.limits.lingerMs)
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#framer.stop()
    this.#owner.closed(this, this.#why)
    this.#failWaiting()
  }

  #failWaiting(): void {
    const cause = new Error(`connection: ${this.#why}`)
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const sender of waiting) sender.wayFailed(cause, !this.#hasOpened)
  }
}

function uncork(connection: Connection): void {
  connection.uncork()
}
