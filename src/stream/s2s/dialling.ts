/** From a pair of domains to a stream: the places of the target one after the other, each as encrypted as the operator wants it, with what was learned of it before. */
import { isIP } from 'node:net'
import { toAscii } from '../../address/idna.ts'
import type { Log } from '../../log/log.ts'
import type { XmlLimits } from '../../xml/limits.ts'
import { isFor } from './certificate-names.ts'
import type { DialbackKeys, Pair } from './dialback.ts'
import type { EncryptionPolicy, WithoutTls } from './encryption.ts'
import type { ServerLimits } from './limits.ts'
import type { Attempt, Failure, TlsWish } from './out-stream.ts'
import { type Names, NoServer, type Place, placesFor, type Relay, relayPlace } from './places.ts'

/** What an operator may change while we run. */
export interface SendingSettings {
  readonly idleMs: number
  readonly policy: EncryptionPolicy
  /** Whether the CN of a certificate without other names says whose it is. */
  readonly commonNames: boolean
  /** Undefined: those of the system. */
  readonly authorities: readonly string[] | undefined
  /** Undefined: whichever the system takes. */
  sourceAddressFor(domain: string): string | undefined
  /** The certificate of one of our domains. */
  identityFor(domain: string): { readonly cert: string; readonly key: string } | undefined
}

export interface DiallingRooms {
  readonly names: Names
  readonly keys: DialbackKeys
  readonly withoutTls: WithoutTls
  readonly limits: ServerLimits
  readonly xml: XmlLimits
  settings(): SendingSettings
  /** A log for one connection. */
  logFor(place: Place): Log
  readonly log: Log
}

/** Makes a stream of it, or says why not. */
export type Try = (attempt: Attempt) => Promise<Failure | undefined>

/** Undefined where a stream is there; else the failure that says most. */
export async function dial(pair: Pair, relay: Relay | undefined, rooms: DiallingRooms, tryIt: Try): Promise<Failure | undefined> {
  const domain = toAscii(pair.to) ?? pair.to
  let places: readonly Place[]
  try {
    places = relay ? [relayPlace(relay)] : await placesFor(domain, rooms.names, rooms.limits)
  } catch (cause) {
    if (cause instanceof NoServer) return { kind: 'refused', why: cause.message }
    return { kind: 'elsewhere', why: `${pair.to} cannot be looked up: ${cause instanceof Error ? cause.message : String(cause)}` }
  }
  const until = performance.now() + rooms.limits.attemptSeconds * 1_000
  let worst: Failure | undefined
  for (const place of places) {
    const failure = await new AtPlace(pair, domain, place, rooms, tryIt).dial()
    if (failure === undefined || failure.kind === 'idle') return failure
    rooms.log.problem({ what: 'stream_not_opened', from: pair.from, to: pair.to, host: place.host, port: place.port, why: failure.why })
    // That one place could not be reached says less than what another one has answered.
    if (worst === undefined || worst.kind === 'elsewhere') worst = failure
    if (performance.now() > until) break
  }
  return worst ?? { kind: 'refused', why: `${pair.to} has no server that may be used` }
}

class AtPlace {
  constructor(
    readonly pair: Pair,
    /** As A-labels. */
    readonly domain: string,
    readonly place: Place,
    readonly rooms: DiallingRooms,
    readonly tryIt: Try,
  ) {}

  async dial(): Promise<Failure | undefined> {
    const wish = this.#wish()
    const { isDirectTls, host } = this.place
    if (isDirectTls && wish === 'no') return { kind: 'elsewhere', why: 'TLS from the first byte is not wanted there' }
    let failure = await this.tryIt(this.#attempt(wish, false))
    if (failure?.kind === 'external') failure = await this.tryIt(this.#attempt(wish, true))
    if (failure?.kind !== 'tls') return failure
    if (wish === 'must') return { kind: 'refused', why: `TLS failed: ${failure.why}` }
    this.rooms.withoutTls.add(this.domain, this.#key())
    this.rooms.log.problem({ what: 'tls_given_up', to: this.pair.to, host, why: failure.why })
    if (isDirectTls) return { kind: 'elsewhere', why: `TLS failed: ${failure.why}` }
    const plain = await this.tryIt(this.#attempt('no', false))
    if (plain?.kind === 'refused')
      this.rooms.log.failure({
        what: 'plain_stream_refused',
        to: this.pair.to,
        host,
        why: plain.why,
        cure: `if its TLS is broken for good, list "!${this.domain}" in sending.encrypted.domains`,
      })
    return plain
  }

  #wish(): TlsWish {
    switch (this.rooms.settings().policy.for(this.domain)) {
      case 'required':
        return 'must'
      case 'possible':
        return this.rooms.withoutTls.has(this.domain, this.#key()) ? 'no' : 'try'
      default:
        return 'no'
    }
  }

  #key(): string {
    return this.place.isDirectTls ? `${this.place.host}:${this.place.port}` : this.place.host
  }

  #attempt(wish: TlsWish, withoutExternal: boolean): Attempt {
    const { pair, domain, place } = this
    const { names, keys, limits, xml } = this.rooms
    const settings = this.rooms.settings()
    const bare = place.host.replace(/^\[(.*)\]$/, '$1')
    return {
      pair,
      wish,
      withoutExternal,
      keys,
      limits,
      xml,
      dial: {
        host: place.host,
        port: place.port,
        localAddress: settings.sourceAddressFor(pair.from),
        addresses: (name) => names.addresses(name),
      },
      tls: {
        servername: isIP(domain) === 0 ? domain : undefined,
        identity: settings.identityFor(pair.from),
        authorities: settings.authorities,
        isDirect: place.isDirectTls,
      },
      proves: (certificate) =>
        isFor(certificate, domain, settings.commonNames) ||
        (place.isRelay &&
          (isFor(certificate, bare, settings.commonNames) || (isIP(bare) !== 0 && certificate.checkIP(bare) !== undefined))),
      log: this.rooms.logFor(place),
    }
  }
}
