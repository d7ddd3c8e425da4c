/** The events of a socket for the one who owns it: found through the socket, so that no connection needs closures of its own. */

/** What a connection needs of what carries it: a socket has all of it, and so have a WebSocket and the requests of BOSH. */
export interface Pipe {
  readonly writableLength: number
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end' | 'close', listener: () => void): unknown
  off(event: 'data', listener: (chunk: Buffer) => void): unknown
  off(event: 'end', listener: () => void): unknown
  pause(): unknown
  resume(): unknown
  /** `taken`: when whoever is next has it. */
  write(text: string, encoding: 'utf8', taken: (error?: Error | null) => void): unknown
  end(): unknown
  destroy(): unknown
}

export interface SocketOwner {
  received(chunk: Buffer): void
  /** The peer says nothing more. */
  peerEnded(): void
  socketFailed(error: Error): void
  socketClosed(): void
}

const OWNER = Symbol('owner')
interface Owned extends Pipe {
  [OWNER]?: SocketOwner
}

/** Its end and its errors. */
export function watch(socket: Pipe, owner: SocketOwner): void {
  const owned: Owned = socket
  owned[OWNER] = owner
  socket.on('error', onError)
  socket.on('close', onClose)
}

/** What it brings, from now on. */
export function read(socket: Pipe): void {
  socket.on('data', onData)
  socket.on('end', onEnd)
}

/** Leaves what it brings to somebody else. */
export function stopReading(socket: Pipe): void {
  socket.off('data', onData)
  socket.off('end', onEnd)
  socket.pause()
}

function onData(this: Owned, chunk: Buffer): void {
  this[OWNER]?.received(chunk)
}

function onEnd(this: Owned): void {
  this[OWNER]?.peerEnded()
}

function onError(this: Owned, error: Error): void {
  this[OWNER]?.socketFailed(error)
}

function onClose(this: Owned): void {
  this[OWNER]?.socketClosed()
}
