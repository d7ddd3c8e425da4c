/** The rooms between the streams and the wire, joined: what main and the tests build a gateway from. */
import { randomBytes } from 'node:crypto'
import { AccountTarget } from './account/deliver.ts'
import { DomainTarget, HostedDomains } from './account/domain.ts'
import { Features } from './account/feature.ts'
import { joinPresence } from './account/presence-rooms.ts'
import { Sessions } from './account/sessions.ts'
import { unbracketed } from './address/ip-literal.ts'
import { Jid } from './address/jid.ts'
import type { SipUri } from './address/sip-uri.ts'
import { type JoinedComponents, joinComponents } from './components.ts'
import { Authenticator } from './core/authenticator.ts'
import { Calls } from './core/calls.ts'
import { RealTimeCore } from './core/core.ts'
import { FromWire } from './core/from-wire.ts'
import { GruuWay } from './core/gruu-way.ts'
import { KnownHashes } from './core/known-hashes.ts'
import { Registrations } from './core/location.ts'
import { Loopback } from './core/loopback.ts'
import { SeenRequests } from './core/merged.ts'
import { ForkCopies } from './core/pbx/fork-copies.ts'
import { FromPbx } from './core/pbx/from-pbx.ts'
import type { LoginOutcome } from './core/pbx/line.ts'
import type { PbxRooms } from './core/pbx/pbx.ts'
import { Pbxes } from './core/pbx/pbxes.ts'
import { Residents } from './core/pbx/residents.ts'
import type { Core, Delivery, Signal } from './core/port.ts'
import { REGISTRAR_DEFAULTS, Registrar } from './core/registrar.ts'
import { Router } from './core/router.ts'
import { Routes } from './core/routes.ts'
import { TELEPHONE_DEFAULTS, Telephones } from './core/telephones.ts'
import { TemporaryGruus } from './core/temporary-gruu.ts'
import { domainFeatures } from './features/index.ts'
import { type JoinedFederation, joinFederation } from './federation.ts'
import { hasAccount } from './has-account.ts'
import type { HouseSettings } from './house-settings.ts'
import { joinIq } from './iq.ts'
import type { Log } from './log/log.ts'
import { makingFor } from './making.ts'
import { ACCEPTED_TYPES } from './mapping/accept.ts'
import { jidFor, uriFor } from './mapping/address.ts'
import { fitting, remade, STRANGERS, TRUSTED } from './policies.ts'
import { Digest, defaultDigest } from './sip/digest.ts'
import { NodeDns } from './sip/locate/dns.ts'
import { Locator } from './sip/locate/locator.ts'
import { Outbound } from './sip/locate/outbound.ts'
import { Peer } from './sip/locate/peer.ts'
import { reachOf } from './sip/locate/reach.ts'
import type { Received, SipStack } from './sip/port.ts'
import { joinSipChat } from './sip-chat.ts'
import { EVENTS, joinSipPresence, type SipPresence } from './sip-presence.ts'
import type { Store } from './store/port.ts'
import { FromClient } from './stream/from-client.ts'
import { Submission } from './stream/submit.ts'

export interface House {
  readonly core: Core
  readonly sessions: Sessions
  readonly registrations: Registrations
  readonly fromClient: FromClient
  readonly fromWire: FromWire
  readonly routes: Routes
  readonly components: JoinedComponents
  readonly federation: JoinedFederation
  /** For domains whose passwords their PBX checks; undefined for all others. */
  loginElsewhere(domain: string): ((jid: Jid, password: string) => Promise<LoginOutcome>) | undefined
  /** The connection that everything SIP goes through was lost, and is there again. */
  readonly returned: () => void
  /** How it stands with each PBX. */
  pbxStatus(): readonly (readonly [string, string])[]
  /** Takes back what was registered at PBXs; the stack has to be there still. */
  leave(): Promise<void>
  /** Everything an account has open ends: its password was changed, or it is gone. */
  endAccount(jid: Jid): Promise<void>
  /** Takes up what an earlier run left in the store. */
  restore(): Promise<void>
  /** Looks for the next hops of the Router's table; the stack has to be there already. */
  locate(): Promise<void>
  stop(): void
}

/** How often registrations nobody asked for are looked through. */
const SWEEP_MS = 60_000
/** How often the names of next hops are looked up again, so that what comes from their addresses is known. */
const RELOCATE_MS = 60_000
/** How long a start waits for that: DNS may be away, and everything else is not. */
const LOCATE_AT_START_MS = 2_000

export function joinRooms(settings: HouseSettings, store: Store, stack: SipStack, log: Log): House {
  const now = (): number => Date.now()
  const hosts = new Map(settings.domains.map((domain) => [uriFor(Jid.parse(domain.name)).host, domain]))
  const coreLog = log.tagged('CORE')
  const sipLog = log.tagged('SIP')

  const door: Pick<Core, 'submit'> = { submit: (signal) => core.submit(signal) }

  const sessions = new Sessions(
    (account) => pbxes.emptied(account),
    (account) => pbxes.arrived(account),
  )
  const registrations = new Registrations(now, settings.gruuKey)
  const chat = joinSipChat(makingFor(settings.domains), registrations, (signal) => core.submit(signal), settings.chatStates, sipLog)
  const { making, courtesy } = chat
  const { xmppDataToPhones } = settings
  const telephones = new Telephones(stack, { ...fitting(TELEPHONE_DEFAULTS, stack), xmppDataToPhones }, sipLog, courtesy)

  const presence = joinPresence({
    store: store.rosters,
    sessions,
    making,
    core: door,
    watchers: { arrived: (stanza) => sipPresence.arrived(stanza) },
  })

  const later = () => ({ routes, pbxes, presence: sipPresence })
  const iq = joinIq({ core: door, sessions, telephones, own: presence, later, manners: chat.manners, making })
  const accounts = new AccountTarget({
    // Who is logged in to a PBX has no row of his own here.
    accounts: { exists: (jid) => pbxes.knows(uriFor(jid)) || store.accounts.exists(jid) },
    sessions,
    locations: registrations,
    telephones,
    iq: iq.delivery,
    presence,
    watchers: {
      subscribe: (signal) => sipPresence.watching.subscribe(signal),
      publish: (signal) => sipPresence.watching.publish(signal),
    },
    making,
    chatting: chat.chatting,
    log: coreLog,
  })
  const components = joinComponents({ settings, core: door, own: presence, sessions, store, later, making, log: coreLog })
  const dns = settings.dns ?? new NodeDns([])
  const rest = { core: door, later, making, log }
  const federation = joinFederation({ settings: settings.federation, dns, hosts, components: components.domains, ...rest })
  const domain = new DomainTarget(new Features(domainFeatures(settings.software, () => new Date(), components.itemsOf)), making)
  const locator = new Locator({ dns, reach: reachOf(stack), now, random: Math.random })
  const outbound = new Outbound(stack, locator, sipLog)
  const strangers = fitting(STRANGERS, stack)
  const presenceElsewhere = (signal: Signal): Delivery =>
    signal.method === 'INFO' ? iq.elsewhere(signal) : sipPresence.foreign.deliver(signal)
  const residents = new Residents(store.kept('residents'))
  const pbxRooms: PbxRooms = {
    peer: (uri) => new Peer(uri, outbound),
    localFor: (hop) => stack.localFor(hop),
    secret: settings.pbx?.secret ?? randomBytes(32),
    policy: strangers,
    remake: (signal) => remade(signal, making),
    presence: presenceElsewhere,
    courtesy,
    hasSessions: (aor) => sessions.sessionsOf(aor).length > 0,
    refused: (aor) => endSessions(aor, 'The PBX takes your password no longer; log in again'),
    passwordOf: async (account) => settings.pbx?.passwordOf?.(jidFor(account)),
    random: Math.random,
    log: sipLog,
    ...(settings.pbx?.limits === undefined ? {} : { limits: settings.pbx.limits }),
  }
  const pbxes = new Pbxes(settings.pbx?.domains ?? [], pbxRooms, residents)
  const ways = [components.domains, pbxes, new HostedDomains(new Set(hosts.keys()), accounts, domain), federation.way]
  const routes = new Routes(settings.routes ?? [], {
    peer: (uri) => new Peer(uri, outbound),
    hosted: hosts,
    onward: new Router(ways),
    limits: stack.limits,
    remake: (signal) => remade(signal, making),
    presence: presenceElsewhere,
    courtesy,
    log: coreLog,
  })
  const gruus = new TemporaryGruus(settings.gruuKey ?? randomBytes(32), registrations)
  const router = new Router([new GruuWay(gruus, new Router(ways)), routes, ...ways])
  const direct = new RealTimeCore(router, coreLog)
  const core: Core = settings.loopback ? new Loopback(direct) : direct

  const registrar = new Registrar(
    registrations,
    store.bindings,
    settings.registrar ?? REGISTRAR_DEFAULTS,
    now,
    sipLog,
    stack.watchFlow && { watchFlow: (hop, silentMs, lifeMs, ended) => stack.watchFlow?.(hop, silentMs, lifeMs, ended) },
    gruus,
  )
  const hashesOf = async (account: SipUri) => (await store.accounts.find(jidFor(account).bare))?.credentials.sip
  const hashes = new KnownHashes(hashesOf, now)
  const authenticator = new Authenticator(
    hashes,
    new Digest(randomBytes(32), now, { ...defaultDigest, algorithms: settings.digest }),
    sipLog,
  )
  const isAccount = (address: SipUri) => hasAccount(store, address)
  const calls = new Calls({
    locations: registrations,
    domains: hosts,
    routes: { wayFor: (signal) => pbxes.wayFor(signal, routes.wayFor(signal)) },
    isAccount,
    events: EVENTS,
    gruus,
    followsRedirects: settings.followsRedirects ?? true,
    flowEnded: (binding) => registrar.flowEnded(binding),
  })
  const senderOf = (received: Received) => routes.senderOf(received) ?? pbxes.senderOf(received)
  const sipPresence: SipPresence = joinSipPresence({
    store,
    stack,
    outbound,
    routes,
    pbxes,
    locations: registrations,
    own: presence,
    core,
    hosts,
    isAccount,
    authenticator,
    isKnown: (received) => senderOf(received) !== undefined || settings.trusted.has(unbracketed(received.from.host), received.identity),
    making,
    log: sipLog,
  })
  const trusted = fitting(TRUSTED, stack)
  const believing = { trusted: settings.trusted, toTrusted: trusted, toStranger: strangers }
  const fromWire = new FromWire(
    core,
    authenticator,
    iq.listening(registrar),
    new SeenRequests(),
    stack.can.proxy ? calls : undefined,
    {
      domains: hosts,
      ...believing,
      gruus,
      presence: components.notifying(sipPresence),
      routes: {
        senderOf,
        takes: (received) => routes.takes(received),
      },
      pbx: new FromPbx(core, pbxes, new ForkCopies(now), believing),
      scanners: settings.scanners,
      acceptSips: settings.acceptSips,
      accept: ACCEPTED_TYPES.join(', '),
      toTelephone: telephones.policy,
    },
    now,
    sipLog,
  )
  const fromClient = new FromClient(new Submission(core, making, coreLog), iq.delivery.asking, iq.delivery.awaiting, presence, coreLog)
  const sweeping = setInterval(() => registrations.sweep(), SWEEP_MS).unref()
  const locate = (): Promise<unknown> => Promise.all([routes.locate(), pbxes.locate()])
  const relocating = setInterval(() => void locate(), RELOCATE_MS).unref()
  const endSessions = (aor: string, text: string): void => {
    for (const session of [...sessions.sessionsOf(aor)]) session.end('not-authorized', text)
  }

  return {
    core,
    sessions,
    registrations,
    fromClient,
    fromWire,
    routes,
    components,
    federation,
    async restore() {
      await residents.restore(now())
      for (const { hop } of await registrar.restore()) settings.scanners?.proved(hop.host)
      await sipPresence.restore()
    },
    async locate() {
      await Promise.race([locate(), new Promise((resolve) => setTimeout(resolve, LOCATE_AT_START_MS).unref())])
    },
    loginElsewhere(domain) {
      const host = settings.pbx === undefined ? undefined : uriFor(Jid.parse(domain)).host
      if (host === undefined || !pbxes.checksPasswords(host)) return undefined
      return (jid, password) => pbxes.login(uriFor(jid.bare), password)
    },
    returned: () => pbxes.returned(),
    pbxStatus: () => pbxes.status,
    async leave() {
      await sipPresence.leave()
      await pbxes.stop()
    },
    async endAccount(jid) {
      const account = uriFor(jid)
      const { aor } = account
      endSessions(aor, 'The account was changed; log in again')
      await pbxes.end(account)
      hashes.forget(aor)
      presence.rosters.forget(jid)
      // Who may see whom is the account's own, whatever its password is.
      if (await store.accounts.exists(jid)) sipPresence.signedOut(jid)
      else sipPresence.forget(jid)
      registrations.replace(aor, [])
      await store.bindings.replace(aor, [])
    },
    stop() {
      clearInterval(sweeping)
      clearInterval(relocating)
      sipPresence.stop()
      components.stop()
      federation.stop()
      chat.stop()
      iq.stop()
    },
  }
}
