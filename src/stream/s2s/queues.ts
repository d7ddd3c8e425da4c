/** The queues of all pairs of domains: made when something is to be said, forgotten when nothing was for a while. */
import { StanzaError } from '../../stanza/error.ts'
import type { Pair } from './dialback.ts'
import type { Relay } from './places.ts'
import { Queue, type QueueRooms } from './queue.ts'
import { Waits } from './waits.ts'

const SWEEP_MS = 30_000
/** Queues named one by one to who asks how it stands. */
const SHOWN_MAX = 50

export class Queues {
  readonly #queues = new Map<string, Queue>()
  readonly #rooms: QueueRooms
  readonly #sweeping: NodeJS.Timeout

  constructor(rooms: Omit<QueueRooms, 'waits'>) {
    this.#rooms = { ...rooms, waits: new Waits(rooms.limits) }
    this.#sweeping = setInterval(() => this.sweep(), SWEEP_MS).unref()
  }

  get size(): number {
    return this.#queues.size
  }

  /** Throws StanzaError where there are too many. */
  of(pair: Pair, relay: Relay | undefined): Queue {
    const target = relay?.domain ?? pair.to
    const key = relay ? `${pair.from} ${target} ${relay.host}:${relay.port}` : `${pair.from} ${target}`
    const known = this.#queues.get(key)
    if (known) return known
    if (this.#queues.size >= this.#rooms.limits.queuesMax) this.sweep()
    if (this.#queues.size >= this.#rooms.limits.queuesMax)
      throw new StanzaError('wait', 'resource-constraint', 'Too many other servers are being talked to')
    const queue = new Queue({ from: pair.from, to: target }, relay, this.#rooms)
    this.#queues.set(key, queue)
    return queue
  }

  sweep(): void {
    for (const [key, queue] of this.#queues) if (queue.isForgettable) this.#queues.delete(key)
  }

  /** How it stands with each of those something is said on. */
  get status(): readonly (readonly [string, string])[] {
    const queues = [...this.#queues.values()]
    const shown = queues.filter((one) => one.waiting > 0 || !one.status.startsWith('closed'))
    return [
      ['queues', String(queues.length)],
      ...shown.slice(0, SHOWN_MAX).map((one) => [`queue ${one.pair.from} > ${one.pair.to}`, one.status] as const),
    ]
  }

  stop(): void {
    clearInterval(this.#sweeping)
    for (const queue of this.#queues.values()) queue.stop()
    this.#rooms.waits.stop()
  }
}
