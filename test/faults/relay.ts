/** A wire between two TCP parties that can be cut, and refuses everybody until it is mended. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

export class Relay {
  #server: Server | undefined
  #port = 0
  readonly #sockets = new Set<Socket>()

  private constructor(
    readonly toHost: string,
    readonly toPort: number,
  ) {}

  static async to(host: string, port: number): Promise<Relay> {
    const relay = new Relay(host, port)
    await relay.mend()
    return relay
  }

  /** On 127.0.0.1. */
  get port(): number {
    return this.#port
  }

  async mend(): Promise<void> {
    const server = createServer((near) => {
      const far = connect({ host: this.toHost, port: this.toPort })
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one)
        one.setNoDelay(true)
        one.on('error', () => other.destroy())
        one.on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
        one.pipe(other)
      }
    })
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#server = server
    const address = server.address()
    if (address !== null && typeof address === 'object') this.#port = address.port
  }

  /** In the middle of whatever is said. */
  async cut(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#sockets) socket.destroy()
    if (!server) return
    server.close()
    await once(server, 'close')
  }
}
