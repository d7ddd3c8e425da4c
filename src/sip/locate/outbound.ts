/** Requests to a name: RFC 3263 finds the hops, and where one fails the next one is tried (§4.3). */
import type { SipUri } from '../../address/sip-uri.ts'
import type { Log } from '../../log/log.ts'
import { response, type SipRequest, SipResponse } from '../message.ts'
import { type NextHop, NoResponseError, type SipStack } from '../port.ts'
import { Ailing } from './ailing.ts'
import { LOCATE_DEFAULTS } from './limits.ts'
import type { Locating, Locator } from './locator.ts'

export class Outbound {
  readonly #ailing: Ailing

  constructor(
    readonly stack: SipStack,
    readonly locator: Locator,
    readonly log: Log,
  ) {
    const { limits, now } = locator.locating
    this.#ailing = new Ailing(limits ?? LOCATE_DEFAULTS, now)
  }

  /** Hops that were silent or busy when they were last tried, for metrics. */
  get ailing(): number {
    return this.#ailing.size
  }

  /**
   * Resolves with the final response; 503 only where every hop is overloaded, with Retry-After if they said when. Rejects with NoResponseError
   * where the last one tried gave none, or where there is no hop.
   */
  async send(request: SipRequest, target: SipUri): Promise<SipResponse> {
    return this.sendTo(await this.locator.hopsFor(target), request, target)
  }

  /** The same with the hops found already. `answered` hears which of them had the last word, 503 apart. */
  async sendTo(hops: readonly NextHop[], request: SipRequest, target: SipUri, answered?: (hop: NextHop) => void): Promise<SipResponse> {
    const { limits = LOCATE_DEFAULTS, now }: Locating = this.locator.locating
    const worth = this.#ailing.worthTrying(hops)
    if (worth.length === 0) return response(503, undefined, [['Retry-After', String(this.#ailing.busyFor(hops))]])
    const begun = now()
    let outcome: SipResponse | NoResponseError | undefined
    for (const hop of worth.slice(0, limits.triedMax)) {
      if (outcome && now() - begun >= limits.tryForMs) break
      outcome = await this.#tryAt(hop, request, target)
      if (outcome instanceof NoResponseError || outcome.status === 503) continue
      answered?.(hop)
      return outcome
    }
    if (outcome && !(outcome instanceof NoResponseError)) return outcome
    throw outcome ?? new NoResponseError('transport', `${target.host} has no address`)
  }

  worthTrying(hops: readonly NextHop[]): readonly NextHop[] {
    return this.#ailing.worthTrying(hops)
  }

  noteFailed(hop: NextHop, failure: 'timeout' | 'transport' | SipResponse, target: SipUri): void {
    if (failure instanceof SipResponse) this.#overloaded(hop, failure, target)
    else this.#silent(hop, failure, undefined, target)
  }

  async #tryAt(hop: NextHop, request: SipRequest, target: SipUri): Promise<SipResponse | NoResponseError> {
    try {
      const answer = await this.stack.send(request, hop)
      if (answer.status !== 503) {
        if (this.#ailing.well(hop)) this.log.major({ what: 'hop_back', to: target.toString(), hop: nameOf(hop) })
      } else this.#overloaded(hop, answer, target)
      return answer
    } catch (cause) {
      if (!(cause instanceof NoResponseError)) throw cause
      this.#silent(hop, cause.why, cause.message, target)
      return cause
    }
  }

  #overloaded(hop: NextHop, { headers }: SipResponse, target: SipUri): void {
    const seconds = Number.parseInt(headers.get('Retry-After') ?? '', 10) || 0
    this.#ailing.busy(hop, seconds)
    this.log.problem({ what: 'hop_overloaded', to: target.toString(), hop: nameOf(hop), retryAfterSeconds: seconds })
  }

  /** Told once for each time it goes away, not for each message that meets it. */
  #silent(hop: NextHop, why: string, error: string | undefined, target: SipUri): void {
    if (this.#ailing.silent(hop)) this.log.problem({ what: 'hop_failed', to: target.toString(), hop: nameOf(hop), why, error })
  }
}

const nameOf = ({ transport, host, port }: NextHop): string => `${transport} ${host} ${port}`
