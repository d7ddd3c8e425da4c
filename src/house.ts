/** The rooms between the streams and the wire, joined: what main and the tests build a gateway from. */
import { randomBytes } from 'node:crypto'
import { Asking } from './account/asking.ts'
import { Awaiting } from './account/awaiting.ts'
import { AccountTarget } from './account/deliver.ts'
import { DomainTarget, HostedDomains } from './account/domain.ts'
import { Features } from './account/feature.ts'
import { Sessions } from './account/sessions.ts'
import { Jid } from './address/jid.ts'
import type { SipUri } from './address/sip-uri.ts'
import { ACCEPTED } from './core/answer.ts'
import { Authenticator } from './core/authenticator.ts'
import { RealTimeCore } from './core/core.ts'
import { FromWire } from './core/from-wire.ts'
import { KnownHashes } from './core/known-hashes.ts'
import { Registrations } from './core/location.ts'
import { Loopback } from './core/loopback.ts'
import { SeenRequests } from './core/merged.ts'
import type { Core, HopPolicy } from './core/port.ts'
import { REGISTRAR_DEFAULTS, Registrar, type RegistrarSettings } from './core/registrar.ts'
import { Router } from './core/router.ts'
import { TELEPHONE_DEFAULTS, Telephones } from './core/telephones.ts'
import { accountFeatures, domainFeatures, type Software } from './features/index.ts'
import type { Log } from './log/log.ts'
import { ACCEPTED_TYPES } from './mapping/accept.ts'
import { jidFor, uriFor } from './mapping/address.ts'
import type { Making } from './mapping/making.ts'
import { toSignal } from './mapping/signal.ts'
import { Digest } from './sip/digest.ts'
import { newCallId, newTag } from './sip/identifier.ts'
import type { SipStack } from './sip/port.ts'
import type { Store } from './store/port.ts'
import { FromClient } from './stream/from-client.ts'
import { Submission } from './stream/submit.ts'

export interface HostedDomain {
  /** As XMPP writes it. */
  readonly name: string
  readonly telephones: boolean
  readonly pagerType: 'chat' | 'normal'
}

export interface HouseSettings {
  readonly domains: readonly HostedDomain[]
  readonly software: Software
  readonly trusted: { has(address: string): boolean }
  readonly xmppDataToPhones: boolean
  readonly acceptSips: boolean
  readonly loopback: boolean
  readonly registrar?: RegistrarSettings
}

export interface House {
  readonly core: Core
  readonly sessions: Sessions
  readonly registrations: Registrations
  readonly fromClient: FromClient
  readonly fromWire: FromWire
  /** Everything an account has open ends: its password was changed, or it is gone. */
  endAccount(jid: Jid): Promise<void>
  /** Takes up what an earlier run left in the store. */
  restore(): Promise<void>
  stop(): void
}

/** How often registrations nobody asked for are looked through. */
const SWEEP_MS = 60_000

/** Towards peers that carry our header, and towards those that must not see it. */
const TRUSTED: HopPolicy = {
  xmppData: 'header',
  xmppDataHeaderBytes: 8_000,
  fullXmppData: false,
  fromGruu: true,
  maxMessageBytes: 1_048_576,
}
const STRANGERS: HopPolicy = { ...TRUSTED, xmppData: 'off', fromGruu: false }

export function joinRooms(settings: HouseSettings, store: Store, stack: SipStack, log: Log): House {
  const now = (): number => Date.now()
  const hosts = new Map(settings.domains.map((domain) => [uriFor(Jid.parse(domain.name)).host, domain]))
  const making = makingFor(settings)
  const coreLog = log.tagged('CORE')
  const sipLog = log.tagged('SIP')

  const sessions = new Sessions()
  const registrations = new Registrations(now)
  const telephones = new Telephones(stack, { ...TELEPHONE_DEFAULTS, xmppDataToPhones: settings.xmppDataToPhones }, sipLog)
  const awaiting = new Awaiting()
  // A late answer is a stanza like any other: it goes through the core's door.
  const asking = new Asking(ACCEPTED, (reply) => core.submit(toSignal(reply, making)))

  const accounts = new AccountTarget({
    accounts: store.accounts,
    sessions,
    locations: registrations,
    telephones,
    asking,
    awaiting,
    features: new Features(accountFeatures()),
    making,
    log: coreLog,
  })
  const domain = new DomainTarget(new Features(domainFeatures(settings.software, () => new Date())), making)
  const router = new Router([new HostedDomains(new Set(hosts.keys()), accounts, domain)])
  const direct = new RealTimeCore(router, coreLog)
  const core: Core = settings.loopback ? new Loopback(direct) : direct

  const registrar = new Registrar(registrations, store.bindings, settings.registrar ?? REGISTRAR_DEFAULTS, now, sipLog)
  const hashesOf = async (account: SipUri) => (await store.accounts.find(jidFor(account).bare))?.credentials.sip
  const hashes = new KnownHashes(hashesOf, now)
  const authenticator = new Authenticator(hashes, new Digest(randomBytes(32), now), sipLog)
  const fromWire = new FromWire(
    core,
    authenticator,
    registrar,
    new SeenRequests(),
    {
      domains: hosts,
      trusted: settings.trusted,
      acceptSips: settings.acceptSips,
      accept: ACCEPTED_TYPES.join(', '),
      toTelephone: telephones.policy,
      toStranger: STRANGERS,
      toTrusted: TRUSTED,
    },
    now,
    sipLog,
  )
  const fromClient = new FromClient(new Submission(core, making, coreLog), asking, awaiting, coreLog)
  const sweeping = setInterval(() => registrations.sweep(), SWEEP_MS).unref()

  return {
    core,
    sessions,
    registrations,
    fromClient,
    fromWire,
    restore: () => registrar.restore(),
    async endAccount(jid) {
      const { aor } = uriFor(jid)
      for (const session of [...sessions.sessionsOf(aor)]) session.end('not-authorized', 'The account was changed; log in again')
      hashes.forget(aor)
      registrations.replace(aor, [])
      await store.bindings.replace(aor, [])
    },
    stop() {
      clearInterval(sweeping)
      asking.stop()
      awaiting.stop()
    },
  }
}

function makingFor(settings: HouseSettings): Making {
  const types = new Map(settings.domains.map((domain) => [domain.name, domain.pagerType]))
  return {
    now: () => new Date(),
    tag: newTag,
    callId: newCallId,
    host: settings.domains[0] ? uriFor(Jid.parse(settings.domains[0].name)).host : 'stoxgate.invalid',
    pagerType: (name) => types.get(name) ?? 'chat',
  }
}
