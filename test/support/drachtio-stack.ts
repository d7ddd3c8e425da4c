/** The drachtio adapter and the double it is connected to, as one stack: what the contract and the town take. */
import { type Log, silent } from '../../src/log/log.ts'
import { STACK_LIMITS } from '../../src/sip/drachtio/limits.ts'
import { ABILITIES, type DrachtioSettings, DrachtioStack } from '../../src/sip/drachtio/stack.ts'
import type { EmbeddedStack } from '../../src/sip/embedded/stack.ts'
import type { SipRequest, SipResponse } from '../../src/sip/message.ts'
import type { Connection, Listening, NextHop, Serve, SipStack } from '../../src/sip/port.ts'
import { type DoubleOptions, DrachtioDouble } from './drachtio-double.ts'

export class StackOnDouble implements SipStack {
  readonly can = ABILITIES
  readonly limits = STACK_LIMITS
  readonly #below: EmbeddedStack
  readonly #settings: Partial<DrachtioSettings>
  readonly #options: DoubleOptions
  readonly #log: Log
  #double: DrachtioDouble | undefined
  #adapter: DrachtioStack | undefined

  /** `below` is not started yet, and the double's from now on. */
  constructor(below: EmbeddedStack, settings: Partial<DrachtioSettings> = {}, options: DoubleOptions = {}, log: Log = silent) {
    this.#below = below
    this.#settings = settings
    this.#options = options
    this.#log = log
  }

  get double(): DrachtioDouble {
    if (!this.#double) throw new Error('it is not started')
    return this.#double
  }

  get adapter(): DrachtioStack {
    if (!this.#adapter) throw new Error('it is not started')
    return this.#adapter
  }

  get connection(): Connection {
    return this.adapter.connection
  }

  async start(serve: Serve): Promise<readonly Listening[]> {
    const double = await DrachtioDouble.over(this.#below, this.#options)
    this.#double = double
    this.#adapter = new DrachtioStack({ host: '127.0.0.1', port: double.port, secret: double.secret, ...this.#settings }, this.#log)
    return this.#adapter.start(serve)
  }

  send(request: SipRequest, hop: NextHop): Promise<SipResponse> {
    return this.adapter.send(request, hop)
  }

  localFor(hop: NextHop): NextHop {
    return this.adapter.localFor(hop)
  }

  async stop(graceMs?: number): Promise<void> {
    await this.#adapter?.stop(graceMs)
    await this.#double?.stop()
  }
}
