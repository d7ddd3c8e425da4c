/** The front end alone, for tests of streams: real ports, real TLS, accounts in memory, and a core that carries stanzas from one session to the other. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { deriveCredentials, digestMd5 } from '../../src/account/credentials.ts'
import { KEY_BYTES, Keyring } from '../../src/account/secrets/keyring.ts'
import { RecoverablePasswords } from '../../src/account/secrets/recoverable.ts'
import { type Session, Sessions } from '../../src/account/sessions.ts'
import { Jid } from '../../src/address/jid.ts'
import type { Fact, Level, Log } from '../../src/log/log.ts'
import { uriFor } from '../../src/mapping/address.ts'
import { MemoryStore } from '../../src/store/memory.ts'
import type { Credentials } from '../../src/store/port.ts'
import { type ClientRooms, type ClientStanzas, ClientStream, type HostedDomain, NEGOTIATION } from '../../src/stream/c2s.ts'
import { type Identity, loadIdentity, selfSigned } from '../../src/stream/certificate.ts'
import { GUESS_LIMITS, type GuessLimits, STREAM_LIMITS, type StreamLimits } from '../../src/stream/limits.ts'
import { type ListenerSettings, type ListeningStream, StreamService } from '../../src/stream/listener.ts'
import { Guesses } from '../../src/stream/sasl/guesses.ts'
import { TlsDoor } from '../../src/stream/tls.ts'
import type { Element } from '../../src/xml/element.ts'
import { Client } from './client.ts'

export const DOMAIN = 'xmpp.example'
export const OTHER_DOMAIN = 'other.example'
export const PASSWORD = 'r0m30myr0m30'
const MECHANISMS = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1', 'PLAIN']

export interface Record_ extends Fact {
  readonly tag: string
  readonly level: Level
}

/** Keeps what is said. */
export class LogBook implements Log {
  readonly wants = { failures: true, major: true, problems: true, 'low-level': true, all: true }

  constructor(
    readonly records: Record_[] = [],
    readonly tag = '',
  ) {}

  failure = (fact: Fact) => this.#keep('failures', fact)
  major = (fact: Fact) => this.#keep('major', fact)
  problem = (fact: Fact) => this.#keep('problems', fact)
  lowLevel = (fact: Fact) => this.#keep('low-level', fact)
  all = (fact: Fact) => this.#keep('all', fact)

  tagged(tag: string): Log {
    return new LogBook(this.records, tag)
  }

  of(what: string): readonly Record_[] {
    return this.records.filter((record) => record.what === what)
  }

  #keep(level: Level, fact: Fact): void {
    this.records.push({ ...fact, tag: this.tag, level })
  }
}

/** Carries each stanza to the sessions of its addressee; what the real core does beyond that is tested where it lives. */
class Carrier implements ClientStanzas {
  readonly ended_: string[] = []
  constructor(private readonly sessions: Sessions) {}

  take(session: Session, xml: Element): void {
    const to = Jid.parse(xml.attr('to') ?? session.jid.bare.toString())
    const stanza = xml.withAttr('from', session.jid.toString())
    const targets = this.sessions.sessionsOf(uriFor(to).aor).filter(({ jid }) => to.resource === undefined || jid.resource === to.resource)
    for (const target of targets) target.deliver(stanza)
  }

  available(): void {}
  unavailable(): void {}

  ended(session: Session): void {
    this.ended_.push(session.jid.toString())
  }
}

export interface HouseOptions {
  readonly domains?: readonly (Partial<HostedDomain> & { name: string })[]
  readonly listeners?: readonly ListenerSettings[]
  readonly channels?: number
  readonly limits?: Partial<StreamLimits>
  readonly guesses?: Partial<GuessLimits>
  readonly accounts?: readonly string[]
}

export interface StreamHouse {
  readonly service: StreamService
  readonly sessions: Sessions
  readonly log: LogBook
  readonly store: MemoryStore
  readonly tls: TlsDoor
  readonly identities: readonly Identity[]
  readonly ports: readonly ListeningStream[]
  /** The first port. */
  readonly port: number
  readonly ended: readonly string[]
  /** A client in the same process, without a port. */
  inMemory(): Client
  stop(): Promise<void>
}

let keys: Promise<Credentials> | undefined
let identities: Promise<Identity[]> | undefined

export async function streamHouse(options: HouseOptions = {}): Promise<StreamHouse> {
  const log = new LogBook()
  const domains = (options.domains ?? [{ name: DOMAIN }]).map((domain) => ({ mechanisms: MECHANISMS, requireTls: true, ...domain }))
  identities ??= certificates()
  const certificated = await identities
  const limits = { ...STREAM_LIMITS, ...options.limits }
  const tls = new TlsDoor(certificated, limits.handshakeSeconds)
  const store = new MemoryStore()
  keys ??= deriveCredentials(Jid.parse(`juliet@${DOMAIN}`), PASSWORD, { telephones: false, rounds: 4096 })
  const keyring = new Keyring([randomBytes(KEY_BYTES)])
  const passwords = new RecoverablePasswords(store.sealed, keyring)
  for (const account of options.accounts ?? [`juliet@${DOMAIN}`, `romeo@${DOMAIN}`]) {
    const jid = Jid.parse(account)
    const digest = { digestMd5: digestMd5(jid, PASSWORD) }
    store.accounts.add(jid, { ...(await keys), ...digest }, keyring.seal(jid, 'login', PASSWORD))
  }
  const sessions = new Sessions()
  const carrier = new Carrier(sessions)
  const rooms: ClientRooms = {
    domains: new Map(domains.map((domain) => [domain.name, domain])),
    logins: {
      accounts: store.accounts,
      passwords,
      guesses: new Guesses({ ...GUESS_LIMITS, ...options.guesses }),
      fakeSecret: store.secret('fake keys'),
      roundsOf: () => 4096,
    },
    sessions,
    fromClient: carrier,
    limits,
    negotiation: NEGOTIATION,
  }
  const service = new StreamService({
    listeners: options.listeners ?? [{ port: 0, address: '127.0.0.1' }],
    channels: options.channels ?? 100,
    limits,
    defaultDomain: domains[0]?.name ?? DOMAIN,
    tls,
    roles: new Map([['jabber:client', (connection) => new ClientStream(connection, rooms)]]),
    log,
  })
  const ports = await service.start()
  const door = service.door({})
  return {
    service,
    sessions,
    log,
    store,
    tls,
    identities: certificated,
    ports,
    port: ports[0]?.port ?? 0,
    ended: carrier.ended_,
    inMemory() {
      const [ours, theirs] = duplexPair()
      door(ours, { address: '127.0.0.1', port: 1 }, false)
      return Client.over(theirs)
    },
    stop: () => service.stop(0),
  }
}

/** Made once for all tests of a file. */
async function certificates(): Promise<Identity[]> {
  const directory = await mkdtemp(join(tmpdir(), 'stoxgate-'))
  const log = new LogBook()
  try {
    return await Promise.all(
      [DOMAIN, OTHER_DOMAIN].map(async (domain) => loadIdentity(domain, await selfSigned(domain, directory, log), log)),
    )
  } finally {
    await rm(directory, { recursive: true })
  }
}
