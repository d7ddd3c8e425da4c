/** All calls somebody watches. Without a listener there are none, and nothing of a call is kept. */
import type { Log } from '../../log/log.ts'
import { Headers, SipRequest, type SipResponse } from '../message.ts'
import { tagOf } from '../name-addr.ts'
import { type AccountCall, type CallWatch, type Forward, type NextHop, NoResponseError, type Received } from '../port.ts'
import type { ClientTransactions } from './client.ts'
import type { Limits } from './limits.ts'
import { setRoutes } from './proxy-copy.ts'
import { Seldom } from './seldom.ts'
import { WatchedCall, type Watching } from './watched-call.ts'

const NO_BODY = Buffer.alloc(0)

export class CallWatches implements Watching {
  readonly #client: ClientTransactions
  readonly #limits: Limits
  readonly #log: Log
  /** Where a request goes that is meant for this address on that side; undefined: nowhere. */
  readonly #hopTo: (side: NextHop, uri: string) => NextHop | undefined
  /** By Call-ID and the tag of who called. */
  readonly #calls = new Map<string, WatchedCall>()
  readonly #full = new Seldom()
  #watch: CallWatch | undefined

  constructor(client: ClientTransactions, limits: Limits, log: Log, hopTo: (side: NextHop, uri: string) => NextHop | undefined) {
    this.#client = client
    this.#limits = limits
    this.#log = log
    this.#hopTo = hopTo
  }

  get probeMs(): number {
    return this.#limits.probeMs
  }

  get size(): number {
    return this.#calls.size
  }

  listen(watch: CallWatch): void {
    this.#watch = watch
  }

  /** Whether this call concerns an account of ours, and somebody wants to know. */
  concerns({ request, branches, callerAor }: Forward): boolean {
    if (!this.#watch || request.method !== 'INVITE' || tagOf(request.headers.get('to') ?? '') !== undefined) return false
    return callerAor !== undefined || branches.some(({ aor }) => aor !== undefined)
  }

  begin(forward: Forward, received: Received): WatchedCall | undefined {
    if (this.#calls.size >= this.#limits.watchedMax) {
      if (this.#full.mayTell()) this.#log.problem({ what: 'calls_unwatched', watched: this.#calls.size })
      return undefined
    }
    const call = new WatchedCall(this, forward, received)
    const key = keyOf(call.callId, call.callerTag)
    // The same call by another road (§16.3 step 4): one telling is enough.
    if (this.#calls.has(key)) return undefined
    this.#calls.set(key, call)
    return call
  }

  /** The call that a request of a dialog belongs to. */
  of({ headers }: SipRequest): WatchedCall | undefined {
    if (this.#calls.size === 0) return undefined
    const callId = headers.get('call-id') ?? ''
    return (
      this.#calls.get(keyOf(callId, tagOf(headers.get('from') ?? '') ?? '')) ??
      this.#calls.get(keyOf(callId, tagOf(headers.get('to') ?? '') ?? ''))
    )
  }

  tell(call: AccountCall): void {
    try {
      this.#watch?.changed(call)
    } catch (cause) {
      // A mistake of who listens must not end a call.
      this.#log.failure({ what: 'call_watch_failed', cause })
    }
  }

  forget({ callId, callerTag }: WatchedCall): void {
    this.#calls.delete(keyOf(callId, callerTag))
  }

  start(call: WatchedCall, ms: number): void {
    this.#client.wheel.start(call, ms)
  }

  stop(call: WatchedCall): void {
    this.#client.wheel.stop(call)
  }

  probe(call: WatchedCall): void {
    Promise.all(call.ends.map((one) => this.#isThere(call, one))).then(
      (there) => (there.every(Boolean) ? call.isThere() : call.isGone()),
      (cause: unknown) => {
        this.#log.failure({ what: 'call_probe_failed', cause })
        call.isGone()
      },
    )
  }

  close(): void {
    for (const call of this.#calls.values()) call.drop()
    this.#calls.clear()
  }

  /** OPTIONS in its dialog; whoever still has that says anything but that he has not (RFC 5057 §5.1). */
  async #isThere(call: WatchedCall, { end, from, to, sequence }: WatchedCall['ends'][number]): Promise<boolean> {
    const hop = this.#hopTo(end.hop, end.routes[0] ?? end.uri)
    if (!hop) return false
    const headers = new Headers()
    headers.append('Max-Forwards', '70')
    headers.append('From', from)
    headers.append('To', to)
    headers.append('Call-ID', call.callId)
    headers.append('CSeq', `${sequence} OPTIONS`)
    setRoutes(headers, end.routes)
    let said: SipResponse
    try {
      said = await this.#client.send(new SipRequest('OPTIONS', end.uri, headers, NO_BODY), hop)
    } catch (cause) {
      if (cause instanceof NoResponseError) return false
      throw cause
    }
    return said.status !== 481 && said.status !== 408
  }
}

const keyOf = (callId: string, tag: string): string => `${callId}\n${tag}`
