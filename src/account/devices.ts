/** What makes an account available: its sessions that have said so, and devices of other kinds, of which another room says it. */
import { Jid } from '../address/jid.ts'
import type { SipUri } from '../address/sip-uri.ts'
import { uriFor } from '../mapping/address.ts'
import type { Element } from '../xml/element.ts'
import type { Sessions } from './sessions.ts'

/** One resource of an account. */
export interface Device {
  /** The full address. */
  readonly jid: Jid
  readonly uri: SipUri
  /** Its last undirected presence, whole but without addresses; undefined while it is not available. */
  readonly presence: Element | undefined
}

class OtherDevice implements Device {
  constructor(
    readonly jid: Jid,
    readonly uri: SipUri,
    public presence: Element | undefined,
  ) {}
}

const NONE: readonly Device[] = []

export class Devices {
  readonly #others = new Map<string, OtherDevice[]>()

  constructor(readonly sessions: Sessions) {}

  /** Those that are available. */
  availableOf(aor: string): readonly Device[] {
    const sessions = this.sessions.sessionsOf(aor).filter(({ presence }) => presence !== undefined)
    const others = this.#others.get(aor)
    return others ? [...sessions, ...others] : sessions
  }

  /** Those that are no sessions. */
  othersOf(aor: string): readonly Device[] {
    return this.#others.get(aor) ?? NONE
  }

  /** Undefined where neither a session nor another device has this resource. */
  find(jid: Jid, aor: string): Device | undefined {
    const isIt = (device: Device): boolean => device.jid.resource === jid.resource
    return this.sessions.sessionsOf(aor).find(isIt) ?? this.othersOf(aor).find(isIt)
  }

  /** Remembers what such a device is now; undefined where nothing has changed by it. */
  set(account: Jid, resource: string, presence: Element | undefined): Device | undefined {
    const { aor } = uriFor(account.bare)
    const others = this.#others.get(aor) ?? []
    const known = others.find(({ jid }) => jid.resource === resource)
    if (known) {
      known.presence = presence
      if (presence === undefined)
        this.#put(
          aor,
          others.filter((other) => other !== known),
        )
      return known
    }
    if (presence === undefined) return undefined
    const jid = Jid.of(account.local, account.domain, resource)
    const device = new OtherDevice(jid, uriFor(jid), presence)
    this.#put(aor, [...others, device])
    return device
  }

  #put(aor: string, others: OtherDevice[]): void {
    if (others.length === 0) this.#others.delete(aor)
    else this.#others.set(aor, others)
  }
}
