/**
 * A drachtio server for tests: its admin protocol over TCP on one side, SIP by our embedded stack on the other. It has the limits and the habits that were
 * measured on a real one (0.9.10). What would have corrupted the stream of a real server is a fault here, and stops the connection.
 */
import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { EmbeddedStack } from '../../src/sip/embedded/stack.ts'
import { response, type SipRequest, type SipResponse } from '../../src/sip/message.ts'
import { tagOf } from '../../src/sip/name-addr.ts'
import { type Listening, type NextHop, NoResponseError, type Received } from '../../src/sip/port.ts'
import { DrachtioApplication, type Pending } from './drachtio-double-application.ts'
import { Dialogs } from './drachtio-double-dialogs.ts'
import { timeNow } from './drachtio-double-frames.ts'
import { hasLongLine, textOf } from './drachtio-double-sip.ts'

export interface DoubleOptions {
  readonly secret?: string
  readonly version?: string
  /** Until a request that the application does not answer gets 408. */
  readonly answerMs?: number
}

/** Emits `application` (DrachtioApplication) when one has proved itself, `refused` when one could not, `gone` when one left, and `fault` (string). */
export class DrachtioDouble extends EventEmitter {
  readonly secret: string
  readonly version: string
  readonly dialogs = new Dialogs()
  readonly applications = new Set<DrachtioApplication>()
  /** What a real server would not have survived. */
  readonly faults: string[] = []
  /** What the applications sent: kind of frame, bytes, and the URI of the next hop. The last hundred. */
  readonly seen: { readonly kind: string; readonly bytes: number; readonly route: string }[] = []
  /** Final responses are never passed on, as for what was under way when a connection broke. */
  isForgetful = false
  /** No frame is answered, and nothing is passed on. */
  isMute = false
  readonly stack: EmbeddedStack
  readonly #answerMs: number
  #server: Server | undefined
  #port = 0
  #sockets: readonly NextHop[] = []
  #turn = 0

  private constructor(stack: EmbeddedStack, options: DoubleOptions) {
    super()
    this.stack = stack
    this.secret = options.secret ?? 'cymru'
    this.version = options.version ?? 'v0.9.10'
    this.#answerMs = options.answerMs ?? 32_000
  }

  /** On a stack that is not started yet. */
  static async over(stack: EmbeddedStack, options: DoubleOptions = {}): Promise<DrachtioDouble> {
    const double = new DrachtioDouble(stack, options)
    const listening = await stack.start((received) => double.#take(received))
    double.#sockets = listening.map(socketOf)
    await double.appear()
    return double
  }

  /** Of the admin protocol, on 127.0.0.1. */
  get port(): number {
    return this.#port
  }

  get sockets(): readonly NextHop[] {
    return this.#sockets
  }

  get hostPorts(): string {
    return this.#sockets.map(({ transport, host, port }) => `${transport}/${host.includes(':') ? `[${host}]` : host}:${port}`).join(',')
  }

  /** Applications may connect, at the same port as before. */
  async appear(): Promise<void> {
    const server = createServer((socket) => this.#welcome(socket))
    this.#server = server
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address !== null && typeof address === 'object') this.#port = address.port
  }

  /** Nobody is at the port any more; SIP is still spoken. */
  async vanish(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    this.cut()
    if (!server) return
    server.close()
    await once(server, 'close')
  }

  /** Breaks every connection to an application. */
  cut(): void {
    for (const application of this.applications) application.socket.destroy()
  }

  async stop(): Promise<void> {
    await this.vanish()
    await this.stack.stop(0)
  }

  /** For the application: one request, and what becomes of it. */
  carry(application: DrachtioApplication, request: SipRequest, hop: NextHop, transaction: string, dialogId: string): void {
    this.stack.send(request, hop).then(
      (final) => {
        const id = this.dialogs.made(application, request, final, hop) ?? dialogId
        if (!hasLongLine(final)) this.#passResponse(application, final, hop, transaction, id)
      },
      (cause: unknown) => {
        // The server's own answers come from nowhere.
        const isTimeout = cause instanceof NoResponseError && cause.why === 'timeout'
        const made = response(isTimeout ? 408 : 503, undefined, vitalsOf(request))
        this.#passResponse(application, made, { transport: hop.transport, host: '', port: 0 }, transaction, dialogId)
      },
    )
  }

  fault(why: string): void {
    this.faults.push(why)
    this.emit('fault', why)
  }

  #welcome(socket: Socket): void {
    socket.setNoDelay(true)
    const application = new DrachtioApplication(this, socket)
    this.applications.add(application)
    socket.on('error', () => {}) // close tells
    socket.on('close', () => {
      this.applications.delete(application)
      application.left()
      this.emit('gone', application)
    })
  }

  #passResponse(application: DrachtioApplication, final: SipResponse, from: NextHop, transaction: string, dialogId: string): void {
    if (this.isForgetful) return
    const text = textOf(final)
    const { transport, host, port } = from
    application.write(
      `sip|network|${host === '' ? 0 : text.length}|${transport}|${host}|${port}|${timeNow()}|${transaction}|${dialogId}|\r\n${text}`,
    )
  }

  #take(received: Received): SipResponse | Promise<SipResponse> {
    const { request, from, local } = received
    if (hasLongLine(request)) return response(400, 'Bad Request')
    if (request.method === 'REFER') return new Promise(() => {})
    if (request.method === 'UPDATE') return response(481)
    const dialog = this.dialogs.of(request)
    const hasToTag = tagOf(request.headers.get('to') ?? '') !== undefined
    // A NOTIFY may come before the 2xx that makes its dialog.
    if (hasToTag && !dialog && request.method !== 'NOTIFY') return response(481)
    const application = dialog?.application ?? this.#next(request.method)
    if (dialog && !dialog.application.isThere) return response(481)
    if (!application) return response(503)
    if (this.isMute) return new Promise(() => {})
    const transaction = randomUUID()
    const text = textOf(request)
    const where = `${text.length}|${from.transport}|${from.host}|${from.port}|${timeNow()}|${transaction}`
    const frame = dialog ? `${where}|${dialog.id}|` : `${where}||${local.host}|${local.port}|`
    return new Promise((resolve) => {
      const timer = setTimeout(() => application.answers.get(transaction)?.resolve(response(408)), this.#answerMs)
      const pending: Pending = {
        received,
        resolve: (final) => {
          clearTimeout(timer)
          application.answers.delete(transaction)
          resolve(this.#onTheWire(application, received, dialog !== undefined, final))
        },
      }
      application.answers.set(transaction, pending)
      application.write(`sip|network|${frame}\r\n${text}`)
    })
  }

  #onTheWire(application: DrachtioApplication, received: Received, isInDialog: boolean, final: SipResponse): SipResponse {
    const { request } = received
    // A provisional response breaks what is no INVITE.
    if (final.status < 200) return response(500)
    if (isInDialog && request.method === 'NOTIFY' && /^\s*terminated/i.test(request.headers.get('Subscription-State') ?? '')) {
      this.dialogs.end(request)
      return response(500)
    }
    if (!isInDialog) this.dialogs.accepted(application, received, final)
    return final
  }

  /** Applications take turns. */
  #next(method: string): DrachtioApplication | undefined {
    const routed = [...this.applications].filter(({ routes }) => routes.has(method.toLowerCase()))
    return routed[this.#turn++ % Math.max(1, routed.length)]
  }
}

function socketOf({ what, address, port }: Listening): NextHop {
  return { transport: what === 'sip/tcp' ? 'tcp' : 'udp', host: address, port }
}

function vitalsOf({ headers }: SipRequest): [string, string][] {
  return ['Via', 'From', 'To', 'Call-ID', 'CSeq'].flatMap((name) => headers.all(name).map((value): [string, string] => [name, value]))
}
