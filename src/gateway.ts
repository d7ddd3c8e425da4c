/** A running gateway: store, house, SIP stack and streams, started in the order in which they need each other. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CREDENTIALS_DEFAULTS } from './account/credentials.ts'
import { openKeyring, renewSeals } from './account/secrets/key-file.ts'
import { RecoverablePasswords } from './account/secrets/recoverable.ts'
import { Jid } from './address/jid.ts'
import { clientCertificatesOf } from './client-authorities.ts'
import type { ComponentsHouseSettings } from './components.ts'
import { isNetwork } from './config/fields.ts'
import { checkedByPbx, conferenceOf, type DomainSettings, dataDirectory, keepsPasswords, type Settings } from './config/settings.ts'
import type { PbxSettings } from './core/pbx/pbx.ts'
import { REGISTRAR_DEFAULTS } from './core/registrar.ts'
import { Scanners } from './core/scanners.ts'
import { TrustedPeers } from './core/trusted-peers.ts'
import { type House, joinRooms } from './house.ts'
import type { Log } from './log/log.ts'
import { uriFor } from './mapping/address.ts'
import type { PublicWeb } from './public-web.ts'
import { authoritiesIn, sendingOf } from './sending.ts'
import { TlsContexts } from './sip/embedded/tls-contexts.ts'
import { NodeDns } from './sip/locate/dns.ts'
import type { Listening } from './sip/port.ts'
import { connectionLine, sipStackFor } from './sip-stack.ts'
import { NS_CLIENT } from './stanza/stanza.ts'
import type { Store } from './store/port.ts'
import { openSqlite } from './store/sqlite.ts'
import { ClientStream, type HostedDomain, NEGOTIATION } from './stream/c2s.ts'
import { type Identity, loadIdentity, selfSigned } from './stream/certificate.ts'
import type { Connection } from './stream/connection.ts'
import type { Conversation } from './stream/conversation.ts'
import { GUESS_LIMITS, STREAM_LIMITS } from './stream/limits.ts'
import { StreamService } from './stream/listener.ts'
import { NS_COMPONENT, NS_SERVER } from './stream/namespaces.ts'
import { Networks, placeOf } from './stream/networks.ts'
import { Guesses } from './stream/sasl/guesses.ts'
import { named } from './stream/sasl/mechanisms.ts'
import { CIPHERS, TlsDoor } from './stream/tls.ts'

export interface Gateway {
  readonly listening: readonly Listening[]
  /**
   * Certificates and the settings that may change while it runs; resolves with the keys that changed and need a restart. Rejects where something
   * cannot be had; everything stays as it was then.
   */
  reload(settings: Settings): Promise<readonly string[]>
  /** An account was changed or removed from outside: its sessions and registrations end. */
  accountChanged(jid: Jid): Promise<void>
  /** What it does now, in numbers. */
  status(): Readonly<Record<string, number | string>>
  stop(): Promise<void>
}

export interface Software {
  readonly name: string
  readonly version: string
}

/** What running conversations get to end by themselves. */
const GRACE_MS = 5_000
const CERTIFICATES = 'certificates'

/** Throws what keeps it from starting; nothing runs then. */
export async function startGateway(settings: Settings, software: Software, log: Log): Promise<Gateway> {
  const begun = performance.now()
  const closing: (() => Promise<unknown> | unknown)[] = []
  const close = async (): Promise<void> => {
    for (const end of closing.toReversed()) await end()
  }
  try {
    const store = openSqlite(settings.store.sqlite)
    closing.push(() => store.close())
    const keyring = await openKeyring(settings.secretsKeyFile, store.sealed)
    const resealed = await renewSeals(settings.secretsKeyFile, keyring, store.sealed)
    if (resealed > 0) log.major({ what: 'passwords_resealed', passwords: resealed })
    const passwords = new RecoverablePasswords(store.sealed, keyring)
    await forgetPasswords(settings, store, log)
    const certificates = await identities(settings, log)
    const sending = await sendingOf(settings, certificates)
    const tls = new TlsDoor(certificates, STREAM_LIMITS.handshakeSeconds, sending.authorities)
    const sipAuthorities = await authoritiesIn(settings.sip.trustedCertificates)
    const sipTls = new TlsContexts({
      identities: certificates,
      ciphers: CIPHERS,
      asksClients: settings.sip.trusted.some((one) => !isNetwork(one)),
      ...(sipAuthorities === undefined ? {} : { authorities: sipAuthorities }),
    })
    const trusted = trustedPeers(settings)
    const scanners = new Scanners({ exempt: trusted, placeOf, now: () => Date.now(), log: log.tagged('SIP') })
    const stack = await sipStackFor(settings, sipTls, scanners, await store.secret('record-route'), log.tagged('SIP'))
    const house = joinRooms(
      {
        ...(await houseSettings(settings, software, store, passwords)),
        federation: { sending, secret: await store.secret('dialback') },
        trusted,
        scanners,
      },
      store,
      stack,
      log,
    )
    closing.push(() => house.stop())
    await house.restore()
    const domains = hosted(settings)
    const streams = await streamService(settings, domains, house, store, passwords, tls, log)
    const web = await webFor(settings, certificates, streams, log)
    // After the streams it carries have said goodbye.
    if (web) closing.push(() => web.server.stop())
    const listening: Listening[] = [...(await streams.start())]
    closing.push(() => streams.stop(GRACE_MS))
    if (web) listening.push(...(await web.server.start()))
    listening.push(...(await stack.start(house.fromWire.serve, house.returned)))
    closing.push(() => stack.stop(GRACE_MS))
    closing.push(() => house.leave())
    await house.locate()
    log.major({ what: 'started', version: software.version, ms: Math.round(performance.now() - begun) })

    return {
      listening,
      async reload(next) {
        const certificates = await identities(next, log)
        const sending = await sendingOf(next, certificates)
        tls.reload(certificates)
        sipTls.reload(certificates)
        web?.reload(certificates)
        for (const [name, domain] of hosted(next)) if (domains.has(name)) domains.set(name, domain)
        await forgetPasswords(next, store, log)
        streams.channels = next.receiving.channels
        await house.routes.change(next.routes)
        house.components.change(componentSettings(next))
        house.federation.change(sending)
        const restart = needingRestart(settings, next)
        log.major({ what: 'reloaded', needingRestart: restart.join(', ') || undefined })
        return restart
      },
      accountChanged: (jid) => house.endAccount(jid),
      status() {
        const line = connectionLine(stack)
        return {
          version: software.version,
          connections: streams.count,
          webConnections: web?.server.count ?? 0,
          sessions: house.sessions.size,
          accountsWithTelephones: house.registrations.size,
          requestsOfScanners: scanners.dropped,
          ...Object.fromEntries([...house.pbxStatus(), ...house.components.domains.status, ...house.federation.status]),
          ...(line === undefined ? {} : { [settings.sip.stack]: line }),
        }
      },
      async stop() {
        log.major({ what: 'stopping' })
        await close()
        log.major({ what: 'stopped' })
      },
    }
  } catch (cause) {
    await close()
    throw cause
  }
}

/** Its framework is loaded only where there is something to listen on. */
async function webFor(
  settings: Settings,
  identities: readonly Identity[],
  streams: StreamService,
  log: Log,
): Promise<PublicWeb | undefined> {
  if (settings.http.listeners.length === 0) return undefined
  return (await import('./public-web.ts')).publicWeb(settings, identities, streams, log)
}

/** What a reload does not touch: sockets, the names of the domains, and everything SIP. Named as in the configuration. */
function needingRestart(now: Settings, next: Settings): string[] {
  const differ = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b)
  const names = ({ domains }: Settings) =>
    domains.map(({ name, telephones, pagerType, aggregate, presence, scramRounds, pbx }) => ({
      ...{ name, telephones, pagerType, aggregate, presence, scramRounds },
      pbx: pbx && { ...pbx, uri: pbx.uri.toString() },
    }))
  const changed = {
    domains: differ(names(now), names(next)),
    'receiving.listeners': differ(now.receiving.listeners, next.receiving.listeners),
    // Towards others they count at once; of others they are asked by what listens.
    'sending.trustedCertificates': differ(now.sending.trustedCertificates, next.sending.trustedCertificates),
    sip: differ(now.sip, next.sip),
    http: differ(now.http, next.http),
    dns: differ(now.dns, next.dns),
    secretsKeyFile: now.secretsKeyFile !== next.secretsKeyFile,
    'store.sqlite': now.store.sqlite !== next.store.sqlite,
    'log.directory': now.log.directory !== next.log.directory,
  }
  return Object.entries(changed).flatMap(([key, is]) => (is ? [key] : []))
}

async function streamService(
  settings: Settings,
  domains: ReadonlyMap<string, HostedDomain>,
  house: House,
  store: Store,
  passwords: RecoverablePasswords,
  tls: TlsDoor,
  log: Log,
): Promise<StreamService> {
  const guesses = new Guesses(GUESS_LIMITS)
  const rounds = new Map(settings.domains.map((domain) => [Jid.parse(domain.name).domain, domain.scramRounds]))
  const rooms = {
    domains,
    logins: {
      accounts: store.accounts,
      passwords,
      guesses,
      fakeSecret: await store.secret('made-up keys'),
      loginElsewhere: (domain: string) => house.loginElsewhere(domain),
      roundsOf: (domain: string) => rounds.get(domain) ?? CREDENTIALS_DEFAULTS.rounds,
    },
    sessions: house.sessions,
    fromClient: house.fromClient,
    limits: STREAM_LIMITS,
    negotiation: NEGOTIATION,
  }
  return new StreamService({
    listeners: settings.receiving.listeners,
    channels: settings.receiving.channels,
    limits: STREAM_LIMITS,
    defaultDomain: settings.domains[0]?.name ?? '',
    tls,
    roles: new Map<string, (connection: Connection) => Conversation>([
      [NS_CLIENT, (connection) => new ClientStream(connection, rooms)],
      [NS_COMPONENT, house.components.roleOf(guesses)],
      ...(house.federation.role ? [[NS_SERVER, house.federation.role] as const] : []),
    ]),
    log,
  })
}

function hosted(settings: Settings): Map<string, HostedDomain> {
  return new Map(
    settings.domains.map((one) => {
      const { domain } = Jid.parse(one.name)
      // SCRAM never shows a password, and the PBX can check nothing else.
      return [
        domain,
        {
          name: domain,
          mechanisms: checkedByPbx(one) ? one.mechanisms.filter(showsPassword) : one.mechanisms,
          requireTls: one.requireTls,
          legacyLogin: one.legacyLogin,
          clientCertificates: clientCertificatesOf(one),
        },
      ]
    }),
  )
}

const showsPassword = (mechanism: string): boolean => named(mechanism)?.plain === true

/** A domain that needs no recoverable passwords any more keeps none, not even old ones. */
async function forgetPasswords(settings: Settings, store: Store, log: Log): Promise<void> {
  for (const one of settings.domains) {
    if (keepsPasswords(one)) continue
    const passwords = await store.sealed.removeAll(Jid.parse(one.name).domain, 'login')
    if (passwords > 0) log.major({ what: 'recoverable_passwords_removed', domain: one.name, passwords })
  }
}

function componentSettings({ receiving, domains }: Settings): ComponentsHouseSettings {
  const { components, componentPassword, discoItems } = receiving
  return { components, password: componentPassword ?? undefined, discoItems, reserved: domains.map(({ name }) => conferenceOf(name)) }
}

function pbxDomains({ domains }: Settings): PbxSettings[] {
  return domains.flatMap(({ name, pbx }) => (pbx ? [{ host: uriFor(Jid.parse(name)).host, ...pbx }] : []))
}

async function houseSettings(settings: Settings, software: Software, store: Store, passwords: RecoverablePasswords) {
  const { xmppDataToPhones, telephonesPerAccount, acceptSips, digest, loopback } = settings.sip
  return {
    // Telephones of a domain that lives on a PBX register there.
    domains: settings.domains.map((domain) => (domain.pbx ? { ...domain, telephones: false } : domain)),
    software,
    xmppDataToPhones,
    registrar: { ...REGISTRAR_DEFAULTS, contactsMax: telephonesPerAccount },
    acceptSips,
    digest,
    loopback,
    routes: settings.routes,
    components: componentSettings(settings),
    dns: new NodeDns(settings.dns.servers),
    gruuKey: await store.secret('temporary GRUUs'),
    followsRedirects: settings.sip.followRedirects,
    pbx: {
      domains: pbxDomains(settings),
      secret: await store.secret('contacts at a PBX'),
      passwordOf: (jid: Jid) => passwords.forPbx(jid),
    },
  }
}

/** Networks and names stand in one list. */
function trustedPeers({ sip }: Settings): TrustedPeers {
  return new TrustedPeers(
    new Networks(sip.trusted.filter(isNetwork)),
    sip.trusted.filter((one) => !isNetwork(one)),
  )
}

/** The certificate of each domain: its own files, or self-signed ones beside the database. */
async function identities(settings: Settings, log: Log): Promise<readonly Identity[]> {
  const directory = join(dataDirectory(settings), CERTIFICATES)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  return Promise.all(settings.domains.map((domain) => identityOf(domain, directory, log)))
}

async function identityOf(domain: DomainSettings, directory: string, log: Log): Promise<Identity> {
  const host = uriFor(Jid.parse(domain.name)).host
  return loadIdentity(host, domain.certificate ?? (await selfSigned(host, directory, log)), log)
}
