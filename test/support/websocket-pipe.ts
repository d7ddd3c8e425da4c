/** What lies between two SIP stacks that only connect: whatever one says, the other hears, byte for byte. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

export class WebSocketPipe {
  /** In the order in which they came. */
  readonly ends: WebSocket[] = []

  private constructor(readonly server: WebSocketServer) {
    server.on('connection', (socket) => {
      this.ends.push(socket)
      socket.on('message', (data, isBinary) => {
        for (const end of this.ends) if (end !== socket) end.send(data, { binary: isBinary })
      })
    })
  }

  static async open(port = 0): Promise<WebSocketPipe> {
    const server = new WebSocketServer({ host: '127.0.0.1', port, handleProtocols: (offered) => (offered.has('sip') ? 'sip' : false) })
    await once(server, 'listening')
    return new WebSocketPipe(server)
  }

  get port(): number {
    const address: AddressInfo | string | null = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('it listens to no port')
    return address.port
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`
  }

  /** Everybody is cut off in the middle of a word, and nobody comes in again. */
  async close(): Promise<void> {
    const closed = once(this.server, 'close')
    this.server.close()
    for (const end of this.ends.splice(0)) end.terminate()
    await closed
  }
}
