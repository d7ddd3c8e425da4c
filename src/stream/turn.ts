/** One write per socket per turn of the event loop: what waits to be written goes out together when all sockets that had something have been read. */

export interface Outgoing {
  /** Hands what waits to the socket. Throws nothing. */
  flush(): void
}

let waiting: Outgoing[] = []

/** In pairs of clients as cheap as process.nextTick for each socket; where many write to one, as in a room, their stanzas share a write. */
export function flushAfterTurn(outgoing: Outgoing): void {
  if (waiting.push(outgoing) === 1) setImmediate(flushAll)
}

function flushAll(): void {
  const now = waiting
  waiting = []
  for (const outgoing of now) outgoing.flush()
}
