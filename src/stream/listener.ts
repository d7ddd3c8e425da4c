/** The TCP service of all streams: several ports, one set of roles, one limit of connections (RFC 6120 §3, XEP-0368). */
import { createServer, type Server, type Socket } from 'node:net'
import type { Log } from '../log/log.ts'
import { XML_LIMITS } from '../xml/limits.ts'
import { Admission, Channels, type Restrictions } from './admission.ts'
import { Connection } from './connection.ts'
import type { ConnectionSettings } from './conversation.ts'
import type { Framing, Protection } from './framing.ts'
import type { StreamLimits } from './limits.ts'
import { type Roles, Unidentified } from './roles.ts'
import type { Pipe } from './socket-events.ts'
import { StreamError } from './stream-error.ts'
import { type Remote, tagOf } from './tag.ts'
import type { TlsDoor } from './tls.ts'

export interface ListenerSettings extends Restrictions {
  /** 0: any free one. */
  readonly port: number
  /** Absent: all of this machine's. */
  readonly address?: string | undefined
  /** TLS from the first byte. */
  readonly tls?: boolean
}

export interface ServiceSettings {
  readonly listeners: readonly ListenerSettings[]
  /** Connections at a time, over all listeners; 0: no listener. */
  readonly channels: number
  readonly limits: StreamLimits
  readonly defaultDomain: string
  readonly tls: TlsDoor | undefined
  readonly roles: Roles
  readonly log: Log
}

/** What is not TCP brings with it. */
export interface Carriage {
  readonly framing: Framing
  /** Undefined in the clear. */
  readonly protection: Protection | undefined
}

/** `isTls`: the next byte is one of a TLS handshake. */
export type Enter = (socket: Pipe, remote: Remote, isTls: boolean, carriage?: Carriage) => void

/** One line for each port: `listening WHAT ADDRESS:PORT`. */
export interface ListeningStream {
  readonly what: 'xmpp' | 'xmpps'
  readonly address: string
  readonly port: number
}

export class StreamService {
  readonly #channels: Channels
  readonly #servers: Server[] = []
  readonly #connections = new Set<Connection>()
  readonly #xml: ConnectionSettings['xml']
  #number = 0
  /** Told to come later, and waiting for them to read it. */
  readonly #refused = new Set<Connection>()
  #whenEmpty: (() => void) | undefined

  constructor(private readonly settings: ServiceSettings) {
    const { limits } = settings
    this.#channels = new Channels(settings.channels)
    this.#xml = {
      strangers: { ...XML_LIMITS, stanzaMaxBytes: limits.strangerStanzaMaxBytes },
      known: { ...XML_LIMITS, stanzaMaxBytes: limits.stanzaMaxBytes },
    }
  }

  /** Rejects where a port cannot be had; nothing listens then. */
  async start(): Promise<readonly ListeningStream[]> {
    if (this.settings.channels === 0) return []
    try {
      return await Promise.all(this.settings.listeners.map((listener) => this.#listen(listener)))
    } catch (cause) {
      await this.stop(0)
      throw cause
    }
  }

  /** Says goodbye to everybody and waits for at most `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    const closed = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)))
    for (const connection of this.#connections) connection.fail(new StreamError('system-shutdown'))
    if (this.#connections.size > 0) await this.#empty(graceMs)
    for (const connection of [...this.#connections, ...this.#refused]) connection.destroy()
    await Promise.all(closed)
  }

  /** Who is connected, for the monitor. */
  get connections(): Iterable<Connection> {
    return this.#connections
  }

  get count(): number {
    return this.#channels.count
  }

  /** From now on; who is connected stays. */
  set channels(most: number) {
    this.#channels.most = most
  }

  /** A door for connections: one per listener, and one for each carrier that is no TCP port. */
  door(restrictions: Restrictions): Enter {
    const admission = new Admission(restrictions, this.#channels)
    const welcome = this.#settingsFor((connection) => {
      admission.left(connection.remote.address)
      this.#connections.delete(connection)
      if (this.#connections.size === 0) this.#whenEmpty?.()
    })
    const refused = this.#settingsFor((connection) => this.#refused.delete(connection))
    return (socket, remote, isTls, carriage) => {
      const verdict = admission.arrived(remote.address)
      const number = ++this.#number
      if (verdict === 'welcome') {
        const connection = new Connection(socket, number, remote, welcome, carriage?.framing)
        this.#connections.add(connection)
        connection.log.lowLevel({ what: 'connected', tls: isTls })
        if (isTls) connection.beginSecure()
        else connection.begin(carriage?.protection)
        return
      }
      this.settings.log.tagged(tagOf('XMPPI', number, remote)).problem({ what: 'connection_refused', why: verdict })
      // Neither a handshake nor a word for those who may not come, nor for a crowd that would fill the waiting room.
      if (verdict === 'denied' || isTls || this.#refused.size >= this.settings.limits.refusedWaiting) {
        socket.destroy()
        return
      }
      const connection = new Connection(socket, number, remote, refused, carriage?.framing)
      this.#refused.add(connection)
      connection.begin()
      connection.fail(
        new StreamError('resource-constraint', verdict === 'too many' ? 'Too many connections' : 'Too many connections from your address'),
      )
    }
  }

  #settingsFor(gone: (connection: Connection) => unknown): ConnectionSettings {
    const { limits, log, defaultDomain, tls, roles } = this.settings
    const conversationOn = (connection: Connection) => new Unidentified(connection, roles)
    return { limits, xml: this.#xml, log, defaultDomain, tls, conversationOn, gone }
  }

  async #listen(listener: ListenerSettings): Promise<ListeningStream> {
    const enter = this.door(listener)
    const isTls = listener.tls === true
    const server = createServer({
      // Our closing tag and what waits before it go out after the peer has finished.
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: this.settings.limits.keepAliveSeconds * 1000,
    })
    server.on('connection', (socket: Socket) => {
      const { remoteAddress, remotePort } = socket
      if (remoteAddress !== undefined && remotePort !== undefined) enter(socket, { address: remoteAddress, port: remotePort }, isTls)
      else socket.destroy() // gone already
    })
    this.#servers.push(server)
    await listening(server, listener)
    server.on('error', (error) => this.settings.log.failure({ what: 'listener_failed', error: error.message }))
    const bound = server.address()
    if (bound === null || typeof bound === 'string') throw new Error('a TCP server without an address')
    return { what: isTls ? 'xmpps' : 'xmpp', address: bound.address, port: bound.port }
  }

  async #empty(graceMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
      timer = setTimeout(resolve, graceMs)
    })
    clearTimeout(timer)
  }
}

function listening(server: Server, { port, address }: ListenerSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(address === undefined ? { port } : { port, host: address }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
