/** Peers that speak SIP in bytes, right or wrong: a place in the memory network, a UDP socket, a TCP connection. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { parseMessage } from '../../src/sip/codec.ts'
import { Framer } from '../../src/sip/embedded/framer.ts'
import { defaultLimits } from '../../src/sip/embedded/limits.ts'
import type { MemoryNetwork, Place } from '../../src/sip/embedded/memory.ts'
import { SipRequest, SipResponse } from '../../src/sip/message.ts'

export type Message = SipRequest | SipResponse

/** What came, for who waits for it and who comes later. */
class Inbox {
  readonly all: Message[] = []
  readonly #unread: Message[] = []
  readonly #readers: ((message: Message) => void)[] = []

  add(message: Message): void {
    this.all.push(message)
    const reader = this.#readers.shift()
    if (reader) reader(message)
    else this.#unread.push(message)
  }

  next(): Promise<Message> {
    const first = this.#unread.shift()
    return first ? Promise.resolve(first) : new Promise((resolve) => this.#readers.push(resolve))
  }

  async response(): Promise<SipResponse> {
    const message = await this.next()
    if (message instanceof SipResponse) return message
    throw new Error(`a request came: ${message.method}`)
  }

  async request(): Promise<SipRequest> {
    const message = await this.next()
    if (message instanceof SipRequest) return message
    throw new Error(`a response came: ${message.status}`)
  }
}

/** Somebody of the memory network who is no stack. */
export class MemoryPeer extends Inbox implements Place {
  readonly transport = 'udp'

  constructor(
    readonly network: MemoryNetwork,
    readonly host: string,
    readonly port: number,
  ) {
    super()
    network.enter(this)
  }

  take(bytes: Buffer): void {
    this.add(parseMessage(bytes))
  }

  send(bytes: Buffer, host: string, port: number): void {
    this.network.carry(this, bytes, host, port)
  }
}

export class UdpPeer extends Inbox {
  readonly #socket: UdpSocket
  readonly #target: number
  /** Datagrams that are no SIP. */
  readonly others: Buffer[] = []

  private constructor(socket: UdpSocket, target: number) {
    super()
    this.#socket = socket
    this.#target = target
    socket.on('message', (bytes) => {
      if (/^[A-Z]/.test(bytes.toString('latin1', 0, 1))) this.add(parseMessage(bytes))
      else this.others.push(bytes)
    })
  }

  /** To that port of 127.0.0.1, from a free one. */
  static async to(target: number): Promise<UdpPeer> {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return new UdpPeer(socket, target)
  }

  get port(): number {
    return this.#socket.address().port
  }

  send(bytes: Buffer | string): void {
    this.sendTo(bytes, this.#target)
  }

  sendTo(bytes: Buffer | string, port: number): void {
    this.#socket.send(bytes, port, '127.0.0.1')
  }

  async close(): Promise<void> {
    this.#socket.close()
    await once(this.#socket, 'close')
  }
}

export class TcpPeer extends Inbox {
  readonly #socket: Socket
  /** CRLFs that answered ours. */
  pongs = 0
  readonly closed: Promise<void>

  private constructor(socket: Socket) {
    super()
    this.#socket = socket
    // Our own framer reads what comes back: it has tests of its own.
    const framer = new Framer(
      {
        message: (message) => this.add(message),
        ping: () => {},
        broken: (error) => socket.destroy(error),
        lost: (error) => socket.destroy(error),
      },
      defaultLimits,
      { left: defaultLimits.unfinishedMaxBytes },
    )
    socket.on('data', (chunk: Buffer) => {
      // The framer passes over it.
      if (chunk.toString('latin1', 0, 2) === '\r\n') this.pongs++
      framer.push(chunk)
    })
    socket.on('error', () => {}) // closed tells
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
  }

  static async to(port: number): Promise<TcpPeer> {
    const socket = createConnection({ host: '127.0.0.1', port, noDelay: true })
    await once(socket, 'connect')
    return new TcpPeer(socket)
  }

  get port(): number {
    return this.#socket.localPort ?? 0
  }

  /** Resolves when the kernel has it, rejects where there is no connection any more. */
  send(bytes: Buffer | string): Promise<void> {
    return new Promise((resolve, reject) => this.#socket.write(bytes, (cause) => (cause ? reject(cause) : resolve())))
  }

  /** Says that nothing more comes, and goes on listening. */
  end(): void {
    this.#socket.end()
  }

  /** Reads nothing from now on. */
  pause(): void {
    this.#socket.pause()
  }

  /** In how many pieces it comes from now on. */
  countChunks(): () => number {
    let count = 0
    this.#socket.on('data', () => count++)
    return () => count
  }

  async close(): Promise<void> {
    this.#socket.destroy()
    await this.closed
  }
}
