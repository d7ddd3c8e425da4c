/** SIP through a drachtio server, to which we connect: it has the transports, the transactions and the dialogs, we have what they are for. */
import type { Log } from '../../log/log.ts'
import type { SipRequest, SipResponse } from '../message.ts'
import type { Abilities, Connection, Listening, NextHop, Serve, SipStack } from '../port.ts'
import type { AdminConnection, Server } from './admin-connection.ts'
import { type DrachtioLimits, defaultLimits, STACK_LIMITS } from './limits.ts'
import { Link, type LinkUser } from './link.ts'
import { Requests } from './requests.ts'
import { Serving } from './serving.ts'
import type { SrfAnswer, SrfRequest } from './srf.ts'

export interface DrachtioSettings extends Server {
  readonly timers?: { readonly t1Ms?: number }
  readonly limits?: Partial<DrachtioLimits>
}

/** Without UPDATE, which the server answers itself, and REFER, which it drops. */
export const ABILITIES: Abilities = {
  dialogs: 'stack',
  proxy: false,
  serves: new Set(['REGISTER', 'MESSAGE', 'OPTIONS', 'INFO', 'SUBSCRIBE', 'NOTIFY', 'PUBLISH', 'INVITE']),
}

const GRACE_MS = 5_000
const T1_MS = 500

export class DrachtioStack implements SipStack, LinkUser {
  readonly can = ABILITIES
  readonly limits = STACK_LIMITS
  readonly methods = ABILITIES.serves
  readonly #link: Link
  readonly #requests: Requests
  readonly #limits: DrachtioLimits
  readonly #log: Log
  #serving: Serving | undefined

  constructor(settings: DrachtioSettings, log: Log) {
    const { host, port, secret } = settings
    this.#limits = { ...defaultLimits, ...settings.limits }
    this.#log = log
    this.#link = new Link({ host, port, secret }, this, this.#limits, log)
    this.#requests = new Requests(this.#link, 64 * (settings.timers?.t1Ms ?? T1_MS), this.#limits, log)
  }

  get connection(): Connection {
    return this.#link.state
  }

  /** What runs: for tests that nothing is left behind. */
  get load(): { readonly serving: number; readonly waiting: number } {
    return { serving: this.#serving?.servingCount ?? 0, waiting: this.#requests.waitingCount }
  }

  async start(serve: Serve): Promise<readonly Listening[]> {
    this.#serving = new Serving(serve, this.#limits, this.#log)
    await this.#link.start()
    return this.#link.sockets.listening
  }

  send(request: SipRequest, hop: NextHop): Promise<SipResponse> {
    return this.#requests.send(request, hop)
  }

  localFor(hop: NextHop): NextHop {
    return this.#link.sockets.towards(hop)
  }

  async stop(graceMs: number = GRACE_MS): Promise<void> {
    await this.#drained(graceMs)
    this.#requests.stop()
    this.#link.stop()
  }

  lost(connection: AdminConnection, why: string): void {
    this.#requests.lost(connection, why)
    this.#serving?.lost(connection)
  }

  took(connection: AdminConnection, request: SrfRequest, answer: SrfAnswer): void {
    try {
      this.#serving?.take(connection, request, answer)
    } catch (cause) {
      // Our own mistake; what a stranger sent must not end the process.
      this.#log.failure({ what: 'sip_receive_failed', cause })
    }
  }

  #drained(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timeout = setTimeout(resolve, graceMs)
      const look = () => {
        if (this.load.serving > 0 || this.load.waiting > 0) return
        clearTimeout(timeout)
        resolve()
      }
      this.#requests.drain(look)
      this.#serving?.drain(look)
      look()
    })
  }
}
