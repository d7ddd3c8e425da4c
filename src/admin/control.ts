/**
 * What commands tell a gateway that runs: a socket beside its database, open to its user alone. One line of JSON each way, then it closes:
 * `{"command":"account-changed","jid":"juliet@xmpp.example"}` and `{"ok":true}`, or `{"ok":false,"error":"…"}`. It is also what keeps a
 * second gateway off the same database.
 */
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { Jid, JidError } from '../address/jid.ts'
import type { Log } from '../log/log.ts'

export type ControlRequest =
  | { readonly command: 'status' }
  | { readonly command: 'reload' }
  | { readonly command: 'account-changed'; readonly jid: string }

export type ControlReply = { readonly ok: true; readonly result?: unknown } | { readonly ok: false; readonly error: string }

export interface ControlHandlers {
  /** Credentials were replaced, or the account removed: what it has open ends. */
  accountChanged(jid: Jid): void | Promise<void>
  /** Reads the configuration again; throws with a text for who asked. */
  reload(): Promise<unknown>
  status(): unknown
}

/** Not to be had; the message is for the operator. */
export class ControlError extends Error {
  override name = 'ControlError'
}

const LIMITS = {
  requestMaxBytes: 65_536, // an address has 3,071 at most
  idleMs: 10_000, // who connects has something to say at once
  connectionsMax: 16, // commands are typed, or run one after the other
  pathMaxBytes: 100, // sun_path has 104 on some systems, 108 on others
}

const NAME = 'control.sock'

/** Where the gateway of this data directory listens. A socket's path may be short only: then as seen from here. */
export function controlPath(dataDirectory: string): string {
  const absolute = path.join(dataDirectory, NAME)
  if (Buffer.byteLength(absolute) <= LIMITS.pathMaxBytes) return absolute
  const relative = path.relative(process.cwd(), absolute)
  if (Buffer.byteLength(relative) <= LIMITS.pathMaxBytes) return relative
  throw new ControlError(
    `${dataDirectory} is too long a path for the control socket: let store.sqlite name a file in a directory with a shorter one`,
  )
}

export class ControlServer {
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()

  constructor(
    readonly path: string,
    private readonly handlers: ControlHandlers,
    private readonly log: () => Log,
  ) {
    this.#server = net.createServer((socket) => this.#serve(socket))
    this.#server.maxConnections = LIMITS.connectionsMax
  }

  /** Throws ControlError where another gateway listens there already. */
  async listen(): Promise<void> {
    const other = await ask(this.path, { command: 'status' })
    if (other)
      throw new ControlError(
        `another gateway runs with ${path.dirname(this.path)} already${pidOf(other)}: stop it first, or let store.sqlite name another file`,
      )
    // What a gateway left that was killed.
    fs.rmSync(this.path, { force: true })
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      // Made for nobody else from its first moment, not only after a chmod.
      const mask = process.umask(0o177)
      this.#server.listen(this.path, () => {
        this.#server.off('error', reject)
        resolve()
      })
      process.umask(mask)
    })
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      for (const socket of this.#sockets) socket.destroy()
    })
  }

  #serve(socket: net.Socket): void {
    let text = ''
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.setEncoding('utf8')
    socket.setTimeout(LIMITS.idleMs, () => socket.destroy())
    // Whoever went away before the answer needs none.
    socket.on('error', () => socket.destroy())
    const read = (chunk: string): void => {
      text += chunk
      const end = text.indexOf('\n')
      const isTooLong = text.length > LIMITS.requestMaxBytes
      if (end === -1 && !isTooLong) return
      socket.off('data', read)
      socket.pause()
      if (isTooLong) socket.end(`${JSON.stringify({ ok: false, error: 'the request is too long' })}\n`)
      else void this.#answer(text.slice(0, end)).then((reply) => socket.end(`${JSON.stringify(reply)}\n`))
    }
    socket.on('data', read)
  }

  async #answer(line: string): Promise<ControlReply> {
    try {
      const result = await this.#act(requestFrom(line))
      return result === undefined ? { ok: true } : { ok: true, result }
    } catch (cause) {
      if (!(cause instanceof ControlError)) this.log().failure({ what: 'control_failed', cause })
      return { ok: false, error: cause instanceof Error ? cause.message : String(cause) }
    }
  }

  #act(request: ControlRequest): unknown {
    switch (request.command) {
      case 'status':
        return this.handlers.status()
      case 'reload':
        return this.handlers.reload()
      case 'account-changed':
        return this.handlers.accountChanged(Jid.parse(request.jid))
    }
  }
}

function requestFrom(line: string): ControlRequest {
  let request: unknown
  try {
    request = JSON.parse(line)
  } catch {
    throw new ControlError('the request is no JSON')
  }
  if (typeof request === 'object' && request !== null && 'command' in request) {
    const { command } = request
    if (command === 'status' || command === 'reload') return { command }
    if (command === 'account-changed' && 'jid' in request && typeof request.jid === 'string') {
      try {
        return { command, jid: Jid.parse(request.jid).bare.toString() }
      } catch (cause) {
        if (cause instanceof JidError) throw new ControlError(cause.message)
        throw cause
      }
    }
  }
  throw new ControlError('the request is not known')
}

/** Asks the gateway that listens there; undefined where none does. Rejects with ControlError where it does not answer. */
export function ask(socketPath: string, request: ControlRequest, timeoutMs = 10_000): Promise<ControlReply | undefined> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(socketPath)
    let text = ''
    socket.setEncoding('utf8')
    socket.setTimeout(timeoutMs, () => socket.destroy(new ControlError(`the running gateway does not answer on ${socketPath}`)))
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED' || cause.code === 'ENOTDIR') resolve(undefined)
      else if (cause instanceof ControlError) reject(cause)
      else reject(new ControlError(`the running gateway cannot be asked on ${socketPath}: ${cause.message}`))
    })
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`))
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('end', () => {
      try {
        resolve(JSON.parse(text) as ControlReply)
      } catch {
        reject(new ControlError(`the running gateway gave no answer on ${socketPath}`))
      }
    })
  })
}

function pidOf(reply: ControlReply): string {
  if (!reply.ok || typeof reply.result !== 'object' || reply.result === null || !('pid' in reply.result)) return ''
  return ` (process ${String(reply.result.pid)})`
}
