/** What a gateway's rooms are built from: main makes it of the configuration, tests of what they need. */
import type { Jid } from './address/jid.ts'
import type { ComponentsHouseSettings } from './components.ts'
import type { ComposersLimits } from './core/composers.ts'
import type { PbxLimits } from './core/pbx/limits.ts'
import type { PbxSettings } from './core/pbx/pbx.ts'
import type { RegistrarSettings } from './core/registrar.ts'
import type { RouteRule } from './core/route-rule.ts'
import type { Scanners } from './core/scanners.ts'
import type { Software } from './features/index.ts'
import type { FederationSettings } from './federation.ts'
import type { DigestAlgorithm } from './sip/digest-hash.ts'
import type { Dns } from './sip/locate/dns.ts'
import type { PresenceSettings } from './sip-presence.ts'

export interface HostedDomain extends PresenceSettings {
  readonly telephones: boolean
  readonly pagerType: 'chat' | 'normal'
}

export interface HouseSettings {
  readonly domains: readonly HostedDomain[]
  readonly software: Software
  readonly trusted: { has(address: string, identity?: readonly string[]): boolean }
  /** Absent: nobody is ignored. */
  readonly scanners?: Scanners
  readonly xmppDataToPhones: boolean
  readonly acceptSips: boolean
  /** What telephones are challenged with, in this order. */
  readonly digest: readonly DigestAlgorithm[]
  readonly loopback: boolean
  readonly registrar?: RegistrarSettings
  /** How long who types is said to type; absent: as RFC 3994 has it. */
  readonly chatStates?: ComposersLimits
  /** What seals temporary GRUUs; absent: a new one with each start, which ends them all. */
  readonly gruuKey?: Buffer
  /** Whether a 3xx is followed for who calls; absent: yes. */
  readonly followsRedirects?: boolean
  /** The Router's table; absent: it is empty. */
  readonly routes?: readonly RouteRule[]
  /** Absent: none may connect. */
  readonly components?: ComponentsHouseSettings
  /** Absent: other servers are neither spoken to nor heard. */
  readonly federation?: FederationSettings
  /** Absent: what the system asks. */
  readonly dns?: Dns
  /** The domains that live on a PBX; `secret` makes their contacts. */
  readonly pbx?: {
    readonly domains: readonly PbxSettings[]
    readonly secret: Buffer
    /** Where a domain's passwords towards its PBX are stored. */
    readonly passwordOf?: (jid: Jid) => Promise<string | undefined>
    readonly limits?: PbxLimits
  }
}
