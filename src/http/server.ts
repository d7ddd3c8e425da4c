/** The public web server: its ports, TLS, who may connect, and the ways in that are mounted on it. Not the administrator's, which is apart. */
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { type FastifyError, type FastifyInstance, fastify } from 'fastify'
import type { Log } from '../log/log.ts'
import { Admission, Channels, type Restrictions } from '../stream/admission.ts'
import type { Enter } from '../stream/listener.ts'
import { Networks } from '../stream/networks.ts'
import type { TlsDoor } from '../stream/tls.ts'
import { type Arrival, type Caller, Callers } from './caller.ts'
import type { HttpLimits } from './limits.ts'

export interface HttpListener extends Restrictions {
  /** 0: any free one. */
  readonly port: number
  readonly address?: string | undefined
  readonly tls?: boolean
}

export interface WebServerSettings {
  readonly listeners: readonly HttpListener[]
  /** Connections at a time, over all listeners. */
  readonly channels: number
  /** Networks of proxies whose X-Forwarded-For and X-Forwarded-Proto count. */
  readonly trustedProxies: readonly string[]
  readonly limits: HttpLimits
  readonly tls: TlsDoor
  readonly log: Log
  /** The way of streams into the house, for each listener. */
  door(restrictions: Restrictions): Enter
}

export interface ListeningWeb {
  readonly what: 'http' | 'https'
  readonly address: string
  readonly port: number
}

/** Takes a connection that a request to one path wants to turn into something else. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer, caller: Caller) => void

export class WebServer {
  readonly app: FastifyInstance
  readonly #callers: Callers
  readonly #channels: Channels
  readonly #ports: TcpServer[] = []
  readonly #sockets = new Set<Socket>()
  readonly #upgrades = new Map<string, Upgrade>()
  #http: Server

  constructor(private readonly settings: WebServerSettings) {
    const { limits, log } = settings
    this.#callers = new Callers(new Networks(settings.trustedProxies))
    this.#channels = new Channels(settings.channels)
    this.#http = createServer()
    this.app = fastify({
      bodyLimit: limits.bodyMaxBytes,
      serverFactory: (handler) => {
        this.#http = createServer(
          {
            maxHeaderSize: limits.headMaxBytes,
            headersTimeout: limits.headSeconds * 1000,
            requestTimeout: limits.requestSeconds * 1000,
            connectionsCheckingInterval: limits.lateCheckSeconds * 1000,
            keepAliveTimeout: limits.keepAliveSeconds * 1000,
          },
          (request, response) => handler(request, response),
        )
        this.#http.timeout = limits.silenceSeconds * 1000
        return this.#http
      },
    })
    this.app.setNotFoundHandler((_request, reply) => reply.code(404).type('text/plain').send('There is nothing here\n'))
    this.app.setErrorHandler((error: FastifyError, _request, reply) => {
      const status = error.statusCode ?? 500
      if (status >= 500) log.failure({ what: 'request_failed', error: error.stack })
      return reply
        .code(status)
        .type('text/plain')
        .send(`${status < 500 ? error.message : 'Something went wrong here; it is not your fault'}\n`)
    })
    this.#http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head))
    this.#http.on('clientError', (cause: NodeJS.ErrnoException, socket: Duplex) => refuse(socket, statusOf(cause)))
  }

  /** Before it starts. */
  onUpgrade(path: string, upgrade: Upgrade): void {
    this.#upgrades.set(path, upgrade)
  }

  callerOf(request: IncomingMessage): Caller {
    return this.#callers.of(request)
  }

  get count(): number {
    return this.#channels.count
  }

  /** Rejects where a port cannot be had; nothing listens then. */
  async start(): Promise<readonly ListeningWeb[]> {
    await this.app.ready()
    // It never listens itself, as connections are looked at before they reach it; but only when it does, Node begins to watch for late requests.
    this.#http.emit('listening')
    try {
      return await Promise.all(this.settings.listeners.map((listener) => this.#listen(listener)))
    } catch (cause) {
      await this.stop()
      throw cause
    }
  }

  /** Takes nobody any more, waits for nobody: streams have been told to end before. */
  async stop(): Promise<void> {
    const closed = this.#ports.map((server) => new Promise((resolve) => server.close(resolve)))
    this.#http.close()
    await this.app.close()
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(closed)
  }

  async #listen(listener: HttpListener): Promise<ListeningWeb> {
    const { allow, deny, perAddress, tls: isTls = false, port, address } = listener
    const lists = { ...(allow && { allow }), ...(deny && { deny }) }
    const each = perAddress === undefined ? {} : { perAddress }
    const strangers = new Admission({ ...lists, ...each }, this.#channels)
    const proxies = new Admission(lists, this.#channels)
    // Whom a proxy names did not connect to us: `allow` says nothing about him.
    const enter = this.settings.door({ ...(deny && { deny }), ...each })
    const { log } = this.settings
    const server = createTcpServer({ noDelay: true, keepAlive: true })
    server.on('connection', (socket) => {
      const { remoteAddress, remotePort } = socket
      if (remoteAddress === undefined || remotePort === undefined) return void socket.destroy() // gone already
      const remote = { address: remoteAddress, port: remotePort }
      const isProxy = this.#callers.isProxy(remoteAddress)
      const admission = isProxy ? proxies : strangers
      const verdict = admission.arrived(remoteAddress)
      if (verdict !== 'welcome') {
        log.problem({ what: 'connection_refused', why: verdict, from: remoteAddress })
        return void socket.destroy()
      }
      this.#sockets.add(socket)
      socket.once('close', () => {
        this.#sockets.delete(socket)
        admission.left(remoteAddress)
      })
      const arrived = { remote, enter, isProxy }
      if (isTls) this.#secure(socket, arrived)
      else this.#serve(socket, { ...arrived, isTls })
    })
    this.#ports.push(server)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(address === undefined ? { port } : { port, host: address }, () => {
        server.off('error', reject)
        resolve()
      })
    })
    server.on('error', (error) => log.failure({ what: 'listener_failed', error: error.message }))
    const bound = server.address()
    if (bound === null || typeof bound === 'string') throw new Error('a TCP server without an address')
    return { what: isTls ? 'https' : 'http', address: bound.address, port: bound.port }
  }

  #secure(socket: Socket, arrived: Omit<Arrival, 'isTls'>): void {
    const { tls, log } = this.settings
    socket.on('error', () => {}) // 'close' follows
    const handshake = tls.secure(socket, undefined, {
      secured: (carrier) => this.#serve(carrier, { ...arrived, isTls: true }),
      notSecured: (why) => {
        log.lowLevel({ what: 'tls_failed', why: why.message, from: arrived.remote.address })
        socket.destroy()
      },
    })
    socket.once('close', () => tls.abandon(handshake))
  }

  #serve(carrier: Duplex, arrival: Arrival): void {
    this.#callers.arrived(carrier, arrival)
    this.#http.emit('connection', carrier)
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {}) // 'close' follows
    const upgrade = this.#upgrades.get(pathOf(request.url))
    if (upgrade) upgrade(request, socket, head, this.callerOf(request))
    else refuse(socket, 404)
  }
}

const pathOf = (url: string | undefined): string => (url ?? '').split('?', 1)[0] ?? ''

/** Of what Node's parser could not read. */
function statusOf({ code }: NodeJS.ErrnoException): number {
  if (code === 'HPE_HEADER_OVERFLOW') return 431
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
}

/** To whom no more is said. */
export function refuse(socket: Duplex, status: number): void {
  if (!socket.writable) return void socket.destroy()
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
