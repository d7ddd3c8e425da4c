/** SIP to a PBX that offers it over WebSocket alone (RFC 7118): we connect, and all accounts of ours are behind the one connection. */
import type { Transport, UserAgentCore } from 'sip.js/lib/core/index.js'
import type { Log } from '../../log/log.ts'
import { parseMessage, SipParseError } from '../codec.ts'
import { type SipRequest, SipResponse } from '../message.ts'
import { type Abilities, type Connection, type Listening, type NextHop, NoResponseError, type Serve, type SipStack } from '../port.ts'
import { SipSyntaxError } from '../syntax-error.ts'
import type { PbxAddress } from './connection.ts'
import { defaultLimits, STACK_LIMITS, type WebSocketLimits } from './limits.ts'
import { Link, type LinkUser } from './link.ts'
import { Registered } from './registered.ts'
import { Requests } from './requests.ts'
import { Serving } from './serving.ts'
import { traceReceived, traceSent } from './trace.ts'
import { newCore, ONE_BYTE } from './user-agent.ts'

export interface WebSocketSettings extends PbxAddress {
  /** Accounts that may be registered at the same time. */
  readonly maxAccounts: number
  readonly timers?: { readonly t1Ms?: number }
  readonly limits?: Partial<WebSocketLimits>
}

/** An INVITE reaches `serve` to be refused there: the extension's telephones go on ringing. */
export const ABILITIES: Abilities = {
  dialogs: 'ours',
  proxy: false,
  serves: new Set(['MESSAGE', 'NOTIFY', 'INFO', 'OPTIONS', 'SUBSCRIBE', 'INVITE']),
}

/** RFC 7118 §5: who has no address of his own says so. The same after every start, so that a contact replaces the one before it. */
const OWN_HOST = 'stoxgate.invalid'
const GRACE_MS = 5_000
const T1_MS = 500

export class WebSocketStack implements SipStack, LinkUser {
  readonly can = ABILITIES
  readonly limits = STACK_LIMITS
  readonly #link: Link
  readonly #core: UserAgentCore
  readonly #requests: Requests
  readonly #limits: WebSocketLimits
  readonly #log: Log
  readonly #registered: Registered
  #serving: Serving | undefined
  #returned: (() => void) | undefined

  constructor(settings: WebSocketSettings, log: Log) {
    const { maxAccounts, timers } = settings
    this.#limits = { ...defaultLimits, ...settings.limits }
    this.#log = log
    this.#link = new Link(settings, this, this.#limits, log)
    const transport: Transport = {
      protocol: this.#link.hop.transport.toUpperCase(),
      send: (text) => this.#send(Buffer.from(text, ONE_BYTE)),
    }
    this.#core = newCore(transport)
    this.#registered = new Registered(maxAccounts, () => Date.now())
    this.#requests = new Requests({
      core: this.#core,
      transport,
      link: this.#link,
      registered: this.#registered,
      viaHost: OWN_HOST,
      giveUpMs: 64 * (timers?.t1Ms ?? T1_MS),
      limits: this.#limits,
      log,
    })
  }

  get connection(): Connection {
    return this.#link.state
  }

  get only(): NextHop {
    return this.#link.hop
  }

  /** What runs: for tests that nothing is left behind. */
  get load(): { readonly serving: number; readonly waiting: number; readonly transactions: number; readonly registered: number } {
    return {
      serving: this.#serving?.servingCount ?? 0,
      waiting: this.#requests.waitingCount,
      transactions: this.#core.userAgentClients.size + this.#core.userAgentServers.size,
      registered: this.#registered.size,
    }
  }

  async start(serve: Serve, returned?: () => void): Promise<readonly Listening[]> {
    this.#returned = returned
    this.#serving = new Serving({
      core: this.#core,
      serve,
      local: this.#local,
      write: (bytes) => {
        traceSent(this.#log, bytes, this.only.host)
        // Where nobody is there to take it, nobody waits for it either.
        this.#send(bytes).catch(() => undefined)
      },
      sends: (bytes) => traceSent(this.#log, bytes, this.only.host),
      limits: this.#limits,
      log: this.#log,
    })
    await this.#link.start()
    return []
  }

  async send(request: SipRequest, hop: NextHop): Promise<SipResponse> {
    this.#mustBeThePbx(hop)
    return this.#requests.send(request)
  }

  localFor(hop: NextHop): NextHop {
    this.#mustBeThePbx(hop)
    return this.#local
  }

  async stop(graceMs: number = GRACE_MS): Promise<void> {
    await this.#drained(graceMs)
    this.#requests.stop()
    this.#link.stop()
    this.#core.reset()
  }

  opened(again: boolean): void {
    if (again) this.#returned?.()
  }

  lost(why: string): void {
    this.#requests.lost(why)
    this.#serving?.lost()
  }

  took(bytes: Buffer): void {
    const from = this.only
    try {
      traceReceived(this.#log, bytes, from.host)
      const message = parseMessage(bytes)
      if (message instanceof SipResponse) this.#requests.received(message)
      // The certificate was shown for that name, or there would be no connection (RFC 5922 §7.1).
      else this.#serving?.take(message, from, from.transport === 'wss' && from.name !== undefined ? [from.name] : undefined)
    } catch (cause) {
      if (cause instanceof SipParseError) this.#serving?.refuseBroken(cause, from)
      else if (cause instanceof SipSyntaxError) this.#log.lowLevel({ what: 'sip_message_dropped', why: cause.message, from: from.host })
      // Our own mistake, or one of sip.js; what somebody sent must not end the process.
      else this.#log.failure({ what: 'sip_receive_failed', cause })
    }
  }

  /** RFC 7118 §5.2.2: `transport=ws` stands in contacts for both kinds. */
  get #local(): NextHop {
    return { transport: 'ws', host: OWN_HOST, port: 0 }
  }

  #mustBeThePbx({ transport, host, port }: NextHop): void {
    const { only } = this
    if (transport === only.transport && port === only.port && (host === only.host || host === only.name)) return
    throw new NoResponseError('transport', `nobody but the PBX at ${only.name}:${only.port} can be reached, by ${only.transport}`)
  }

  async #send(bytes: Buffer): Promise<void> {
    if (!this.#link.open.send(bytes)) throw new NoResponseError('transport', 'the PBX is away')
  }

  #drained(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timeout = setTimeout(resolve, graceMs)
      const look = () => {
        const { serving, waiting } = this.load
        if (serving > 0 || waiting > 0) return
        clearTimeout(timeout)
        resolve()
      }
      this.#requests.drain(look)
      this.#serving?.drain(look)
      look()
    })
  }
}
