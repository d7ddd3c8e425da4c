/** A DNS server on loopback that knows what a test tells it (RFC 1035 §4, RFC 2782, RFC 3403). Whatever else is asked does not exist. */
import { createSocket, type Socket } from 'node:dgram'

export type Zone = Readonly<Record<string, readonly Buffer[] | 'SERVFAIL'>>

const TYPES: Readonly<Record<number, string>> = { 1: 'A', 28: 'AAAA', 33: 'SRV', 35: 'NAPTR' }
const TTL = 77

export class DnsServer {
  readonly asked: string[] = []
  readonly #socket: Socket

  private constructor(
    socket: Socket,
    readonly zone: Zone,
  ) {
    this.#socket = socket
    socket.on('message', (query, from) => socket.send(this.#answer(query), from.port, from.address))
  }

  /** Keys of the zone: `A core.example`, `SRV _sip._udp.core.example`. */
  static async start(zone: Zone): Promise<DnsServer> {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    return new DnsServer(socket, zone)
  }

  /** As `dns.servers` of a configuration names it. */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }

  #answer(query: Buffer): Buffer {
    const labels: string[] = []
    let at = 12
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
    const type = query.readUInt16BE(at + 1)
    const key = `${TYPES[type] ?? type} ${labels.join('.').toLowerCase()}`
    this.asked.push(key)
    const found = this.zone[key]
    const records = Array.isArray(found) ? found : []
    const code = found === 'SERVFAIL' ? 2 : found === undefined ? 3 : 0
    const head = Buffer.alloc(12)
    head.writeUInt16BE(query.readUInt16BE(0), 0)
    head.writeUInt16BE(0x8180 | code, 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(records.length, 6)
    const answers = records.map((data) => {
      const record = Buffer.alloc(12)
      record.writeUInt16BE(0xc00c, 0)
      record.writeUInt16BE(type, 2)
      record.writeUInt16BE(1, 4)
      record.writeUInt32BE(TTL, 6)
      record.writeUInt16BE(data.length, 10)
      return Buffer.concat([record, data])
    })
    return Buffer.concat([head, query.subarray(12, at + 5), ...answers])
  }
}

export const a = (address: string): Buffer => Buffer.from(address.split('.').map(Number))

/** Written out in full: eight groups. */
export const aaaa = (address: string): Buffer =>
  Buffer.from(
    address
      .split(':')
      .map((group) => group.padStart(4, '0'))
      .join(''),
    'hex',
  )

export const srv = (priority: number, weight: number, port: number, name: string): Buffer =>
  Buffer.concat([numbers(priority, weight, port), domain(name)])

export const naptr = (order: number, preference: number, flags: string, service: string, replacement: string): Buffer =>
  Buffer.concat([numbers(order, preference), text(flags), text(service), text(''), domain(replacement)])

function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2)
  for (const [i, value] of values.entries()) bytes.writeUInt16BE(value, i * 2)
  return bytes
}

const text = (value: string): Buffer => Buffer.from(String.fromCharCode(value.length) + value, 'latin1')

/** The root is the empty name. */
const domain = (name: string): Buffer =>
  Buffer.concat([
    ...name
      .split('.')
      .filter((label) => label !== '')
      .map(text),
    Buffer.of(0),
  ])
