/** The events of a socket for the one who owns it: found through the socket, so that no connection needs closures of its own. */
import type { Duplex } from 'node:stream'

export interface SocketOwner {
  received(chunk: Buffer): void
  /** The peer says nothing more. */
  peerEnded(): void
  socketFailed(error: Error): void
  socketClosed(): void
}

const OWNER = Symbol('owner')
interface Owned extends Duplex {
  [OWNER]?: SocketOwner
}

/** Its end and its errors. */
export function watch(socket: Duplex, owner: SocketOwner): void {
  const owned: Owned = socket
  owned[OWNER] = owner
  socket.on('error', onError)
  socket.on('close', onClose)
}

/** What it brings, from now on. */
export function read(socket: Duplex): void {
  socket.on('data', onData)
  socket.on('end', onEnd)
}

/** Leaves what it brings to somebody else. */
export function stopReading(socket: Duplex): void {
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
