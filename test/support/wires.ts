/** A socket of this machine for a telephone that speaks in bytes: UDP, TCP, TLS, or a WebSocket as a browser opens it (RFC 7118). */
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import { print } from '../../src/sip/codec.ts'
import { Framer } from '../../src/sip/embedded/framer.ts'
import { defaultLimits } from '../../src/sip/embedded/limits.ts'
import type { Place } from '../../src/sip/embedded/memory.ts'
import type { NextHop } from '../../src/sip/port.ts'
import type { Wire } from './caller.ts'

export interface SocketWire extends Wire {
  /** What the telephone says of itself in Via and Contact. */
  readonly host: string
  readonly port: number
  close(): void
}

/** `certificate`: in PEM, the one that is believed. */
export async function wireTo(gateway: NextHop, certificate: string): Promise<SocketWire> {
  const { transport } = gateway
  if (transport === 'udp') return datagrams(gateway)
  if (transport === 'tcp' || transport === 'tls') return stream(await connected(gateway, certificate))
  return webSocket(gateway, certificate)
}

class Ear {
  place: Place | undefined

  hear(bytes: Buffer): void {
    if (this.place) this.place.take(bytes, this.place)
  }
}

function wireOf(ear: Ear, host: string, port: number, carry: (bytes: Buffer) => void, close: () => void): SocketWire {
  return {
    host,
    port,
    close,
    enter(place) {
      ear.place = place
    },
    leave: close,
    carry: (_from, bytes) => carry(bytes),
  }
}

async function datagrams({ host, port }: NextHop): Promise<SocketWire> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const ear = new Ear()
  socket.on('message', (bytes) => ear.hear(bytes))
  return wireOf(
    ear,
    '127.0.0.1',
    socket.address().port,
    (bytes) => socket.send(bytes, port, host),
    () => socket.close(),
  )
}

async function connected({ transport, host, port, name }: NextHop, certificate: string): Promise<Socket> {
  if (transport === 'tcp') {
    const socket = connect({ host, port, noDelay: true })
    await once(socket, 'connect')
    return socket
  }
  const socket = connectTls({ host, port, ca: certificate, ...(name === undefined ? {} : { servername: name }) })
  await once(socket, 'secureConnect')
  return socket
}

function stream(socket: Socket): SocketWire {
  const ear = new Ear()
  const framer = new Framer(
    {
      message: (message) => ear.hear(print(message)),
      ping: () => socket.write('\r\n'),
      broken: (error) => socket.destroy(error),
      lost: (error) => socket.destroy(error),
    },
    defaultLimits,
    { left: defaultLimits.unfinishedMaxBytes },
  )
  socket.on('data', (chunk: Buffer) => framer.push(chunk))
  socket.on('error', () => {}) // The test hears that nothing comes.
  return wireOf(
    ear,
    '127.0.0.1',
    socket.localPort ?? 0,
    (bytes) => socket.write(bytes),
    () => socket.destroy(),
  )
}

async function webSocket({ transport, host, port, name }: NextHop, certificate: string): Promise<SocketWire> {
  const trust = { ca: certificate, ...(name === undefined ? {} : { servername: name }) }
  const socket = new WebSocket(`${transport}://${host}:${port}/`, 'sip', trust)
  await once(socket, 'open')
  const ear = new Ear()
  socket.on('message', (data) => {
    if (Buffer.isBuffer(data)) ear.hear(data)
  })
  return wireOf(
    ear,
    // RFC 7118 §5: a script knows no address of its own.
    `${randomBytes(6).toString('hex')}.invalid`,
    5_060,
    (bytes) => socket.send(bytes.toString()),
    () => socket.terminate(),
  )
}
