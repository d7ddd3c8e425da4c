/** SIP over UDP: one message, one datagram (RFC 3261 §18.1.1, §18.3). */
import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Log } from '../../log/log.ts'
import { parseMessage, SipParseError } from '../codec.ts'
import { type Listening, type NextHop, NoResponseError } from '../port.ts'
import { FlowWatch } from './flow-watch.ts'
import { DATAGRAM_MAX_BYTES } from './limits.ts'
import type { LocalAddresses } from './local-address.ts'
import { isStun, stunAnswer } from './stun.ts'
import { hostPort, isLoopback, isWildcard, plainAddress, type Receiver, type Sender, type TransportLayer, type Way } from './transport.ts'

/** What the kernel may hold between two turns of the event loop: a burst of 800 messages. It gives less where the system says so. */
const RECEIVE_BUFFER_BYTES = 1_048_576

export interface UdpListener {
  readonly port: number
  /** Absent: every address, IPv6 and IPv4. */
  readonly address?: string | undefined
}

class UdpSocket implements Way {
  readonly transport = 'udp'
  readonly isReliable = false
  readonly flow: string
  isOpen = true
  readonly #socket: Socket
  readonly #address: string
  readonly #port: number
  readonly #isSix: boolean
  readonly #addresses: LocalAddresses
  readonly #bound: NextHop

  constructor(socket: Socket, flow: string, addresses: LocalAddresses) {
    this.#socket = socket
    this.flow = flow
    this.#addresses = addresses
    const { address, port, family } = socket.address()
    this.#address = address
    this.#port = port
    this.#isSix = family === 'IPv6'
    this.#bound = { transport: 'udp', host: address, port, flow }
  }

  get listening(): Listening {
    return { what: 'sip/udp', address: this.#address, port: this.#port }
  }

  /** A socket of 127.0.0.1 reaches nothing but this machine; any other its own family, and best what is not this machine. */
  reaches(host: string): 'well' | 'somehow' | 'not' {
    if (this.#address === '::') return 'well'
    // It is a literal already, and only those of IPv6 have colons.
    if (host.includes(':') !== this.#isSix) return 'not'
    if (isWildcard(this.#address) || isLoopback(this.#address) === isLoopback(host)) return 'well'
    return isLoopback(this.#address) ? 'not' : 'somehow'
  }

  localFor(host: string): NextHop {
    if (!isWildcard(this.#address)) return this.#bound
    return { transport: 'udp', host: this.#addresses.towards(host), port: this.#port, flow: this.flow }
  }

  send(bytes: Buffer, host: string, port: number, sender?: Sender): void {
    if (!this.isOpen) {
      sender?.wayFailed(new Error('the socket is closed'), true)
      return
    }
    if (bytes.length > DATAGRAM_MAX_BYTES) {
      sender?.wayFailed(new Error(`${bytes.length} bytes do not fit into a datagram`), true)
      return
    }
    const target = this.#isSix && !host.includes(':') ? `::ffff:${host}` : host
    if (!sender) {
      // What the kernel says of a response is of no use: the request will come again.
      this.#socket.send(bytes, port, target)
      return
    }
    this.#socket.send(bytes, port, target, (cause) => {
      if (cause) sender.wayFailed(cause, true)
    })
  }

  forget(): void {}

  close(): Promise<void> {
    this.isOpen = false
    return new Promise((resolve) => this.#socket.close(resolve))
  }
}

export class UdpTransport implements TransportLayer {
  readonly transport = 'udp'
  readonly #listeners: readonly UdpListener[]
  readonly #addresses: LocalAddresses
  readonly #log: Log
  readonly #sockets: UdpSocket[] = []
  readonly #flows = new FlowWatch()

  constructor(listeners: readonly UdpListener[], addresses: LocalAddresses, log: Log) {
    this.#listeners = listeners
    this.#addresses = addresses
    this.#log = log
  }

  async listen(receiver: Receiver): Promise<Listening[]> {
    for (const listener of this.#listeners) {
      try {
        this.#sockets.push(await this.#bind(listener, receiver, `udp${this.#sockets.length}`))
      } catch (cause) {
        await this.close()
        throw cause
      }
    }
    return this.#sockets.map((one) => one.listening)
  }

  wayTo(host: string, port: number, flow: string | undefined): UdpSocket {
    const way = this.#wayOf(host, flow)
    if (!way) throw new NoResponseError('transport', `no UDP socket of ours reaches ${hostPort(host, port)}`)
    return way
  }

  watchFlow({ host, port, flow = '' }: NextHop, silentMs: number, lifeMs: number, ended: () => void): void {
    this.#flows.watch(flowOf(flow, host, port), silentMs, lifeMs, ended)
  }

  localFor(host: string, flow: string | undefined): NextHop {
    return this.wayTo(host, 5060, flow).localFor(host)
  }

  // A socket accepts datagrams until it is closed; the transactions refuse what is new.
  refuseNew(): void {}

  async close(): Promise<void> {
    this.#flows.close()
    await Promise.all(this.#sockets.splice(0).map((one) => one.close()))
  }

  // A datagram must leave from the socket its peer wrote to: the NAT between lets nothing else in.
  #wayOf(host: string, flow: string | undefined): UdpSocket | undefined {
    const sockets = this.#sockets
    if (flow !== undefined) for (const one of sockets) if (one.flow === flow) return one
    for (const one of sockets) if (one.reaches(host) === 'well') return one
    return sockets.find((one) => one.reaches(host) === 'somehow')
  }

  async #bind(listener: UdpListener, receiver: Receiver, flow: string): Promise<UdpSocket> {
    if (listener.address !== undefined) return this.#open(listener.port, listener.address, receiver, flow)
    try {
      return await this.#open(listener.port, '::', receiver, flow)
    } catch (cause) {
      if (!isWithoutIPv6(cause)) throw cause
      return this.#open(listener.port, '0.0.0.0', receiver, flow)
    }
  }

  #open(port: number, address: string, receiver: Receiver, flow: string): Promise<UdpSocket> {
    const family = isIPv6(address) ? 6 : 4
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      recvBufferSize: RECEIVE_BUFFER_BYTES,
      // Every host is an address here; the resolver would cost a turn of the event loop for each datagram.
      lookup: (host, _options, found) => found(null, host, family),
    })
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(port, address, () => {
        socket.off('error', reject)
        socket.on('error', (cause) => this.#log.failure({ what: 'sip_udp_failed', cause }))
        const way = new UdpSocket(socket, flow, this.#addresses)
        socket.on('message', (bytes, from) => take(bytes, way, plainAddress(from.address), from.port, receiver, this.#flows, this.#log))
        resolve(way)
      })
    })
  }
}

function take(bytes: Buffer, way: Way, host: string, port: number, receiver: Receiver, flows: FlowWatch, log: Log): void {
  const isPing = isStun(bytes)
  const isKeptAlive = isPing || isKeepAlive(bytes)
  if (!flows.isIdle) flows.heard(flowOf(way.flow, host, port), isKeptAlive)
  if (isPing) {
    const answer = stunAnswer(bytes, host, port)
    if (answer) way.send(answer, host, port)
  }
  if (isKeptAlive) return
  let message: ReturnType<typeof parseMessage>
  try {
    message = parseMessage(bytes)
  } catch (cause) {
    if (cause instanceof SipParseError) receiver.broken(cause, way, host, port)
    else log.failure({ what: 'sip_parse_failed', cause })
    return
  }
  receiver.received(message, way, host, port)
}

/** CRLFs, a NUL or nothing, which telephones send to keep a NAT open; no answer is expected over UDP. */
function isKeepAlive(bytes: Buffer): boolean {
  if (bytes.length > 4) return false
  for (const byte of bytes) if (byte !== 0x0d && byte !== 0x0a && byte !== 0) return false
  return true
}

function isWithoutIPv6(cause: unknown): boolean {
  return (
    cause instanceof Error &&
    'code' in cause &&
    (cause.code === 'EAFNOSUPPORT' || cause.code === 'EADDRNOTAVAIL' || cause.code === 'EINVAL')
  )
}

const flowOf = (socket: string, host: string, port: number): string => `${socket} ${host} ${port}`
