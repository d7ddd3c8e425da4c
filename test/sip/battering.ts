/** A whole gateway in this process, battered with damaged messages over real sockets, UDP and TCP: by a stranger, and by somebody it trusts. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { type Fact, silent } from '../../src/log/log.ts'
import type { NextHop } from '../../src/sip/port.ts'
import { Phone } from '../support/phone.ts'
import { PASSWORD, town } from '../support/town.ts'
import type { Random } from '../xml/random.ts'
import { mutated } from './mutants.ts'

/** Answered or not, so many are on their way at most: a kernel's buffer for datagrams takes them. */
const AT_ONCE = 40
const STRANGER = '127.0.0.1'
/** Linux has the whole of 127.0.0.0/8 on the loopback interface. */
const TRUSTED = '127.0.0.2'
/** Without an answer to a sound request for so long the gateway hangs. */
const ANSWERS_WITHIN_MS = 5_000

export interface Battered {
  batter(random: Random, count: number): Promise<void>
  /** What did not hold, in words; the gateway is no more. */
  end(): Promise<readonly string[]>
  /** Responses that came. */
  readonly answered: number
}

export async function batteredGateway(): Promise<Battered> {
  const complaints: string[] = []
  let last = ''
  let sent = 0
  const log = { ...silent, failure: (fact: Fact) => void complaints.push(`${JSON.stringify(fact)} after ${last}`), tagged: () => log }
  const place = await town({ hasSockets: true, stack: 'embedded', trusted: [`${TRUSTED}/32`], t1Ms: 10, log })
  const port = (transport: 'udp' | 'tcp') => place.listening.find(({ what }) => what === `sip/${transport}`)?.port ?? 0
  const hop = (transport: 'udp' | 'tcp'): NextHop => ({ transport, host: STRANGER, port: port(transport), name: 'xmpp.example' })
  const phone = (user: string, transport: 'udp' | 'tcp') =>
    Phone.onLoopback({ user, domain: 'xmpp.example', password: PASSWORD, proxy: hop(transport) })
  // Who is there makes them go further: a MESSAGE is delivered, a call is forwarded and refused.
  const romeo = await phone('romeo', 'udp')
  await romeo.register()
  const juliet = await place.client('juliet')
  const reading = juliet.receiveEnd()
  const udp = await Promise.all([STRANGER, TRUSTED].map((address) => Datagrams.from(address, port('udp'))))
  const tcp = [STRANGER, TRUSTED].map((address) => new Stream(address, port('tcp')))
  const ways = [...udp, ...tcp]

  const batter = async (random: Random, count: number): Promise<void> => {
    for (const end = sent + count; sent < end && complaints.length < 10; ) {
      const n = ++sent
      const bytes = random.chance(75) ? anew(mutated(random), n) : mutated(random)
      last = JSON.stringify(bytes.toString('latin1'))
      ways[random.int(ways.length)]?.send(bytes)
      if (n % AT_ONCE === 0 || n === end) for (const way of udp) await way.isHeard(n, complaints)
      if (n % AT_ONCE === 0) for (const way of tcp) await way.turn()
    }
  }

  return {
    batter,
    get answered() {
      return ways.reduce((sum, { answers }) => sum + answers, 0)
    },
    async end() {
      for (const way of ways) way.close()
      for (const transport of ['udp', 'tcp'] as const) {
        const nurse = await phone('nurse', transport)
        const statuses = [(await nurse.register()).status, (await nurse.message('sip:romeo@xmpp.example', 'Art thou well?')).status]
        if (`${statuses}` !== '200,200') complaints.push(`afterwards REGISTER and MESSAGE over ${transport} got ${statuses}`)
        await nurse.unregister()
        await nurse.stop()
      }
      if (romeo.requests.at(-1)?.body.toString() !== 'Art thou well?') complaints.push('romeo did not hear the last, sound message')
      await romeo.stop()
      await place.stop()
      await reading
      return complaints
    },
  }
}

/** With a branch and a Call-ID of its own, or most would be taken for what came before them and go no deeper; and with rport, so that the answer is seen. */
function anew(bytes: Buffer, n: number): Buffer {
  const text = bytes.toString('latin1').replaceAll(';branch=z9hG4bK', `;rport;branch=z9hG4bK${n}-`)
  return Buffer.from(text.replace(/^((?:Call-ID|i)[ \t]*:[ \t]*)/im, `$1${n}-`), 'latin1')
}

/** One after another from one address, with a sound request now and then whose answer shows that all before it were read. */
class Datagrams {
  answers = 0
  #awaited = ''
  #heard: () => void = () => {}

  private constructor(
    readonly socket: UdpSocket,
    readonly port: number,
  ) {
    // To an address that has nobody: what the damage made of a Via leads anywhere on this machine.
    socket.on('error', () => {})
    socket.on('message', (bytes) => {
      this.answers++
      if (this.#awaited !== '' && bytes.includes(this.#awaited)) this.#heard()
    })
  }

  static async from(address: string, port: number): Promise<Datagrams> {
    const socket = createSocket('udp4')
    socket.bind(0, address)
    await once(socket, 'listening')
    return new Datagrams(socket, port)
  }

  send(bytes: Buffer): void {
    // What is larger is no datagram at all.
    this.socket.send(bytes.subarray(0, 60_000), this.port, STRANGER)
  }

  async isHeard(n: number, complaints: string[]): Promise<void> {
    const { address } = this.socket.address()
    this.#awaited = `sound-${n}@${address}`
    const heard = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), ANSWERS_WITHIN_MS)
      this.#heard = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })
    const options = [
      'OPTIONS sip:xmpp.example SIP/2.0',
      `Via: SIP/2.0/UDP ${address};branch=z9hG4bK-sound-${n};rport`,
      'Max-Forwards: 70',
      `From: <sip:probe@${address}>;tag=1`,
      'To: <sip:xmpp.example>',
      `Call-ID: ${this.#awaited}`,
      'CSeq: 1 OPTIONS',
      'Content-Length: 0',
      '\r\n',
    ]
    this.send(Buffer.from(options.join('\r\n')))
    if (!(await heard)) complaints.push(`a sound request from ${address} was not answered after message ${n}`)
  }

  close(): void {
    this.socket.close()
  }
}

/** One connection after another: where the damage lets the gateway lose the thread, it closes. */
class Stream {
  answers = 0
  #socket: Socket | undefined

  constructor(
    readonly localAddress: string,
    readonly port: number,
  ) {}

  send(bytes: Buffer): void {
    const socket = this.#socket ?? this.#open()
    socket.write(bytes)
  }

  /** Until what was written is out, or the connection closed. */
  async turn(): Promise<void> {
    const socket = this.#socket
    if (socket === undefined) return
    await new Promise<void>((resolve) => {
      socket.write('\r\n\r\n', () => resolve())
      socket.once('close', () => resolve())
    })
    // A message whose body is longer than all that comes would swallow the rest.
    socket.end()
    this.#socket = undefined
  }

  close(): void {
    this.#socket?.destroy()
  }

  #open(): Socket {
    const socket = createConnection({ port: this.port, host: STRANGER, localAddress: this.localAddress })
    socket.on('data', () => this.answers++)
    socket.on('error', () => {}) // closed tells
    socket.once('close', () => {
      if (this.#socket === socket) this.#socket = undefined
    })
    this.#socket = socket
    return socket
  }
}
