/** The writing half of a connection: text collects, one write takes it, and whoever asks learns when the kernel has it. */
import type { Pipe } from './socket-events.ts'
import { flushAfterTurn, type Outgoing } from './turn.ts'
import { Written } from './written.ts'

const DONE = Promise.resolve()
/** Waiting text that goes to the kernel within the turn, so that one long answer does not look like a slow reader. */
const EARLY_FLUSH_LENGTH = 65_536

export class Outlet implements Outgoing {
  #pending = ''
  #isListed = false
  #writes = 0
  #taken = 0
  #ended: Error | undefined
  // Made when first needed: most connections are idle.
  #written: Written | undefined
  #onTaken: ((error?: Error | null) => void) | undefined

  constructor(
    private socket: Pipe,
    private readonly pendingMaxBytes: number,
  ) {}

  /** Goes on through another socket around the same connection. */
  use(socket: Pipe): void {
    this.socket = socket
  }

  /** Characters that the kernel has not taken. */
  get waiting(): number {
    return this.#pending.length + this.socket.writableLength
  }

  /** False where too much waits already. */
  write(text: string): boolean {
    if (this.#ended) return true
    this.#pending += text
    const { length } = this.#pending
    if (length + this.socket.writableLength > this.pendingMaxBytes) return false
    if (length > EARLY_FLUSH_LENGTH) this.flush()
    else if (!this.#isListed) {
      this.#isListed = true
      flushAfterTurn(this)
    }
    return true
  }

  flush(): void {
    this.#isListed = false
    if (this.#pending === '') return
    const text = this.#pending
    this.#pending = ''
    this.#writes++
    this.#onTaken ??= (error) => this.#kernelTook(error)
    this.socket.write(text, 'utf8', this.#onTaken)
  }

  /** As Session.written. */
  written(): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended)
    const last = this.#pending === '' ? this.#writes : this.#writes + 1
    if (last === this.#taken) return DONE
    this.#written ??= new Written()
    return this.#written.until(last)
  }

  /** Gives up what no write has taken yet. */
  drop(why: Error): void {
    this.#pending = ''
    this.#written?.lost(why)
  }

  /** The last words, then our half of the connection ends. */
  end(text: string): void {
    this.#pending += text
    this.flush()
    this.#ended = new Error('the stream has ended')
    this.socket.end()
  }

  /** Nothing will be taken any more. */
  lost(): void {
    this.#ended ??= new Error('the connection has ended')
    this.drop(this.#ended)
  }

  #kernelTook(error: Error | null | undefined): void {
    if (error) return this.#written?.lost(error)
    this.#taken++
    this.#written?.taken(this.#taken)
  }
}
