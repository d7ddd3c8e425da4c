/**
 * A whole gateway in memory: clients on pairs of streams, telephones on a network without wires, accounts in a map. What leaves the house is
 * what the protocols say. With STOXGATE_LOOPBACK=1 every signal takes its wire form on the way (`sip.loopback`); with STOXGATE_STACK=drachtio the
 * gateway has no SIP of its own, but a drachtio server's (a double) at the same address.
 */
import { randomBytes } from 'node:crypto'
import { duplexPair } from 'node:stream'
import { deriveCredentials } from '../../src/account/credentials.ts'
import { KEY_BYTES, Keyring } from '../../src/account/secrets/keyring.ts'
import { RecoverablePasswords } from '../../src/account/secrets/recoverable.ts'
import { Jid } from '../../src/address/jid.ts'
import { SipUri } from '../../src/address/sip-uri.ts'
import type { ComponentsHouseSettings } from '../../src/components.ts'
import type { ComposersLimits } from '../../src/core/composers.ts'
import { PBX_DEFAULTS, type PbxLimits } from '../../src/core/pbx/limits.ts'
import { type RouteFields, routeLine, routeRule } from '../../src/core/route-rule.ts'
import { type House, joinRooms } from '../../src/house.ts'
import { type Log, silent } from '../../src/log/log.ts'
import type { Limits } from '../../src/sip/embedded/limits.ts'
import { MemoryNetwork } from '../../src/sip/embedded/memory.ts'
import { type EmbeddedStack, embeddedStack } from '../../src/sip/embedded/stack.ts'
import type { Dns } from '../../src/sip/locate/dns.ts'
import type { Listening, SipStack } from '../../src/sip/port.ts'
import { MemoryStore } from '../../src/store/memory.ts'
import { ClientStream, NEGOTIATION } from '../../src/stream/c2s.ts'
import type { Connection } from '../../src/stream/connection.ts'
import type { Conversation } from '../../src/stream/conversation.ts'
import { GUESS_LIMITS, STREAM_LIMITS } from '../../src/stream/limits.ts'
import { StreamService } from '../../src/stream/listener.ts'
import { NS_COMPONENT } from '../../src/stream/namespaces.ts'
import { Networks } from '../../src/stream/networks.ts'
import { Guesses } from '../../src/stream/sasl/guesses.ts'
import { el } from '../../src/xml/element.ts'
import { Caller, type CallerPlace } from './caller.ts'
import { Client, NS_CLIENT } from './client.ts'
import { QUICK } from './drachtio-place.ts'
import { StackOnDouble } from './drachtio-stack.ts'
import { Phone } from './phone.ts'

export const DOMAIN = 'xmpp.example'
export const PASSWORD = 'r0m30myr0m30'
export const GATEWAY = { host: '192.0.2.1', port: 5_060 } as const
/** Short, so that a silent telephone is known as such in 3.2 s. */
const T1_MS = 50

export interface TownOptions {
  readonly accounts?: readonly string[]
  readonly trusted?: readonly string[]
  readonly pagerType?: 'chat' | 'normal'
  /** Which way presence takes at its PBX. */
  readonly presence?: 'dialog' | 'publish' | 'both'
  /** Which of an account's devices stands for it. */
  readonly aggregate?: 'most-available' | 'busy-wins'
  /** Shorter than RFC 3994 has it, for tests that wait for it. */
  readonly chatStates?: ComposersLimits
  readonly xmppDataToPhones?: boolean
  readonly log?: Log
  readonly t1Ms?: number
  /** The Router's table, as a configuration writes it. */
  readonly routes?: readonly (string | RouteFields)[]
  readonly dns?: Dns
  readonly stack?: 'embedded' | 'drachtio'
  /** What puts its requests on the wire instead of its own stack; not started. */
  readonly through?: SipStack
  readonly limits?: Partial<Limits>
  /** Who may connect as components; see `Town.connect`. */
  readonly components?: ComponentsHouseSettings
  /** The domain lives on a PBX. */
  readonly pbx?: {
    readonly uri: string
    readonly register?: boolean
    /** Those that are stored, by user: its clients log in with the accounts' own. */
    readonly passwords?: Record<string, string>
    readonly limits?: Partial<PbxLimits>
  }
  /** Whether requests are sent again, as where packets may get lost. */
  readonly isLossy?: boolean
  /** SIP on sockets of 127.0.0.1, UDP and TCP, instead of the network without wires: telephones are to be made by `Phone.onLoopback`. */
  readonly hasSockets?: boolean
}

export interface PhoneOptions {
  readonly registered?: boolean
  readonly transport?: 'udp' | 'tcp'
  /** Undefined: it has none. */
  readonly password?: string | undefined
}

export interface Town {
  readonly house: House
  readonly store: MemoryStore
  readonly network: MemoryNetwork
  /** What speaks SIP at the gateway's address: its own stack, or the double's. */
  readonly stack: EmbeddedStack
  /** The adapter and the double, where that is its stack. */
  readonly drachtio: StackOnDouble | undefined
  /** An open stream on which nobody has logged in yet. */
  stream(): Promise<Client>
  /** A connection that has said nothing yet. */
  connect(): Client
  /** Where it takes SIP. */
  readonly listening: readonly Listening[]
  /** A client that has logged in and is available; it hears nothing of the presence of others. */
  client(local: string, resource?: string): Promise<Client>
  /** The same, but it has not said that it is there. */
  silentClient(local: string, resource?: string): Promise<Client>
  /** A telephone at an address of its own; registered unless told otherwise. */
  phone(local: string, options?: PhoneOptions): Promise<Phone>
  /** A telephone that speaks in bytes, for calls; registered. */
  caller(local: string, place?: Partial<CallerPlace>): Promise<Caller>
  stop(): Promise<void>
}

export async function town(options: TownOptions = {}): Promise<Town> {
  const log = options.log ?? silent
  const store = new MemoryStore()
  for (const account of options.accounts ?? ['juliet', 'romeo', 'nurse']) {
    const jid = Jid.parse(`${account}@${DOMAIN}`)
    store.accounts.add(jid, await deriveCredentials(jid, PASSWORD, { telephones: true, rounds: 4_096 }))
  }
  const network = new MemoryNetwork({ isLossy: options.isLossy ?? false })
  const timers = { t1Ms: options.t1Ms ?? T1_MS }
  const limits = options.limits ?? {}
  const sockets = (['udp', 'tcp'] as const).map((transport) => ({ transport, port: 0, address: '127.0.0.1' }))
  const below = options.hasSockets
    ? embeddedStack({ listeners: sockets, timers, limits }, log)
    : network.join({ ...GATEWAY, timers, limits })
  const isDrachtio = (options.stack ?? process.env.STOXGATE_STACK) === 'drachtio'
  const drachtio = isDrachtio ? new StackOnDouble(below, { timers, limits: QUICK.limits }, {}, log) : undefined
  const stack: SipStack = options.through ?? drachtio ?? below
  const house = joinRooms(
    {
      domains: [
        {
          name: DOMAIN,
          telephones: true,
          pagerType: options.pagerType ?? 'chat',
          presence: options.presence ?? 'dialog',
          aggregate: options.aggregate ?? 'most-available',
        },
      ],
      software: { name: 'Stoxgate', version: 'test' },
      trusted: new Networks(options.trusted ?? []),
      xmppDataToPhones: options.xmppDataToPhones ?? true,
      acceptSips: false,
      digest: ['SHA-256', 'MD5'],
      loopback: process.env.STOXGATE_LOOPBACK === '1',
      routes: (options.routes ?? []).map((route) => routeRule(typeof route === 'string' ? routeLine(route) : route)),
      ...(options.dns === undefined ? {} : { dns: options.dns }),
      ...(options.chatStates === undefined ? {} : { chatStates: options.chatStates }),
      ...(options.components === undefined ? {} : { components: options.components }),
      ...(options.pbx === undefined ? {} : { pbx: pbxOf(options.pbx, store) }),
    },
    store,
    stack,
    log,
  )
  const listening = await stack.start(house.fromWire.serve, house.returned)
  await house.locate()
  const streams = streamsInto(house, store, log)
  const door = streams.door({})
  const phones: Phone[] = []
  let host = 10

  const connect = (): Client => {
    const [ours, theirs] = duplexPair()
    door(ours, { address: '127.0.0.1', port: 1 }, false)
    return Client.over(theirs)
  }

  const stream = async (): Promise<Client> => {
    const client = connect()
    await client.open({ to: DOMAIN })
    return client
  }

  const silentClient = async (local: string, resource = 'balcony'): Promise<Client> => {
    const client = await stream()
    await client.plain(local, PASSWORD)
    await client.restart()
    await client.bind(resource)
    return client
  }

  return {
    house,
    store,
    network,
    stack: below,
    drachtio,
    listening,
    stream,
    connect,
    silentClient,
    async client(local, resource) {
      const client = await silentClient(local, resource)
      client.ignoresPresence = true
      client.send(el('presence', NS_CLIENT))
      // What comes back for a ping has passed the presence on its way in.
      client.send(el('iq', NS_CLIENT, { type: 'get', id: 'there', to: DOMAIN }, el('ping', 'urn:xmpp:ping')))
      await client.receive()
      return client
    },
    async phone(local, phoneOptions = {}) {
      const { registered = true, transport = 'udp' } = phoneOptions
      const password = 'password' in phoneOptions ? phoneOptions.password : PASSWORD
      const phone = await Phone.on(network.join({ host: `192.0.2.${host++}`, timers: { t1Ms: options.t1Ms ?? T1_MS } }), {
        user: local,
        domain: DOMAIN,
        ...(password === undefined ? {} : { password }),
        proxy: { transport, ...GATEWAY },
      })
      phones.push(phone)
      if (registered) await phone.register()
      return phone
    },
    async caller(local, place = {}) {
      const caller = new Caller(network, local, DOMAIN, PASSWORD, { host: `192.0.2.${host++}`, gateway: GATEWAY, ...place })
      await caller.register()
      return caller
    },
    async stop() {
      await Promise.all(phones.map((phone) => phone.stop()))
      await streams.stop(0)
      await house.leave()
      await stack.stop(0)
      house.stop()
    },
  }
}

function pbxOf({ uri, register = true, passwords, limits }: NonNullable<TownOptions['pbx']>, store: MemoryStore) {
  const credentials = passwords ? ('stored' as const) : ('login' as const)
  return {
    domains: [{ host: DOMAIN, uri: SipUri.parse(uri), register, credentials }],
    secret: store.secret('contacts at a PBX'),
    passwordOf: async ({ local = '' }: Jid) => passwords?.[local],
    limits: { ...PBX_DEFAULTS, goodbyeMs: 100, ...limits },
  }
}

function streamsInto(house: House, store: MemoryStore, log: Log): StreamService {
  const guesses = new Guesses(GUESS_LIMITS)
  const rooms = {
    domains: new Map([[DOMAIN, { name: DOMAIN, mechanisms: ['PLAIN'], requireTls: false }]]),
    logins: {
      accounts: store.accounts,
      guesses,
      passwords: new RecoverablePasswords(store.sealed, new Keyring([randomBytes(KEY_BYTES)])),
      fakeSecret: store.secret('made-up keys'),
      roundsOf: () => 4_096,
      loginElsewhere: (domain: string) => house.loginElsewhere(domain),
    },
    sessions: house.sessions,
    fromClient: house.fromClient,
    limits: STREAM_LIMITS,
    negotiation: NEGOTIATION,
  }
  return new StreamService({
    listeners: [],
    channels: 1_000,
    limits: STREAM_LIMITS,
    defaultDomain: DOMAIN,
    tls: undefined,
    roles: new Map<string, (connection: Connection) => Conversation>([
      [NS_CLIENT, (connection) => new ClientStream(connection, rooms)],
      [NS_COMPONENT, house.components.roleOf(guesses)],
    ]),
    log,
  })
}
