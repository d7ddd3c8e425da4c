/** Gateways of several domains that find each other in DNS, on the loopback interface: each as `stoxgate start` builds it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deriveCredentials } from '../../src/account/credentials.ts'
import { Jid } from '../../src/address/jid.ts'
import { schema } from '../../src/config/schema.ts'
import { settingsFrom } from '../../src/config/settings.ts'
import { type Gateway, startGateway } from '../../src/gateway.ts'
import { embeddedStack } from '../../src/sip/embedded/stack.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { type Element, el } from '../../src/xml/element.ts'
import { Client, NS_CLIENT } from './client.ts'
import { a, DnsServer, srv, type Zone } from './dns-server.ts'
import { Heard } from './heard.ts'
import { Phone } from './phone.ts'

export const PASSWORD = 'r0m30myr0m30'
const HOST = '127.0.0.1'

export interface MemberOptions {
  readonly accounts: readonly string[]
  /** As in a configuration. */
  readonly sending?: Record<string, unknown>
  readonly routes?: readonly (string | Record<string, unknown>)[]
  /** Another stack than the embedded one, as in a configuration. */
  readonly sip?: Record<string, unknown>
  /** Of one domain: PEM, and of the authorities it believes. */
  readonly certificate?: { readonly cert: string; readonly key: string }
  readonly authorities?: readonly string[]
  readonly assignedAddresses?: readonly string[]
}

export interface Member {
  readonly domain: string
  readonly gateway: Gateway
  readonly heard: Heard
  readonly port: number
  client(local: string): Promise<Client>
  phone(local: string): Promise<Phone>
  /** What it shows of its queue to this domain. */
  queue(domain: string): string | undefined
  stop(): Promise<void>
}

/** A world with a DNS of its own; whatever is in it ends with it. */
export class World {
  readonly #closing: (() => Promise<unknown>)[] = []

  private constructor(
    readonly dns: DnsServer,
    readonly zone: Record<string, readonly Buffer[] | 'SERVFAIL'>,
  ) {}

  static async begin(): Promise<World> {
    const zone: Record<string, readonly Buffer[] | 'SERVFAIL'> = { 'A host.example': [a(HOST)] }
    return new World(await DnsServer.start(zone as Zone), zone)
  }

  /** Where the servers of a domain are. */
  publish(domain: string, port: number, service = '_xmpp-server'): void {
    this.zone[`SRV ${service}._tcp.${domain}`] = [srv(0, 0, port, 'host.example')]
  }

  async member(domain: string, options: MemberOptions): Promise<Member> {
    const directory = await mkdtemp(join(tmpdir(), 'stoxgate-test-'))
    const put = async (name: string, text: string): Promise<string> => {
      await writeFile(join(directory, name), text)
      return name
    }
    const { certificate, authorities = [], routes = [], assignedAddresses = [] } = options
    const trustedCertificates = await Promise.all(authorities.map((pem, i) => put(`authority-${i}.pem`, pem)))
    const own = certificate && { cert: await put('own.crt', certificate.cert), key: await put('own.key', certificate.key) }
    const parsed = schema.parse({
      domains: [{ name: domain, assignedAddresses, ...(own ? { certificate: own } : {}) }],
      receiving: { listeners: [{ port: 0, address: HOST }] },
      sending: { trustedCertificates, ...options.sending },
      sip: options.sip ?? { embedded: { listeners: [{ transport: 'udp', port: 0, address: HOST }] }, timers: { t1: '50ms' } },
      http: { listeners: [] },
      routes,
      dns: { servers: [this.dns.address] },
      store: { sqlite: 'stoxgate.db' },
      log: { directory: null },
    })
    const settings = settingsFrom(parsed, undefined, directory)
    const store = openSqlite(settings.store.sqlite)
    for (const name of options.accounts) {
      const jid = Jid.of(name, domain)
      await store.accounts.add(jid, await deriveCredentials(jid, PASSWORD, { telephones: true, rounds: 4_096 }))
    }
    await store.close()
    const heard = new Heard()
    const gateway = await startGateway(settings, { name: 'Stoxgate', version: 'test' }, heard.log)
    const portOf = (what: string) => gateway.listening.find((one) => one.what === what)?.port ?? 0
    this.publish(domain, portOf('xmpp'))
    let isStopped = false
    const stop = async (): Promise<void> => {
      if (isStopped) return
      isStopped = true
      await gateway.stop()
      await rm(directory, { recursive: true, force: true })
    }
    this.#closing.push(stop)
    return {
      domain,
      gateway,
      heard,
      port: portOf('xmpp'),
      client: (local) => client(portOf('xmpp'), local, domain),
      phone: async (local) => {
        const stack = embeddedStack({ listeners: [{ transport: 'udp', port: 0, address: HOST }], timers: { t1Ms: 50 } }, heard.log)
        const phone = await Phone.on(stack, {
          ...{ user: local, domain, password: PASSWORD },
          proxy: { transport: 'udp', host: HOST, port: portOf('sip/udp') },
        })
        this.#closing.push(() => phone.stop())
        await phone.register()
        return phone
      },
      queue: (other) => {
        const found = gateway.status()[`queue ${domain} > ${other}`]
        return found === undefined ? undefined : String(found)
      },
      stop,
    }
  }

  async end(): Promise<void> {
    for (const close of this.#closing.splice(0).toReversed()) await close()
    await this.dns.stop()
  }
}

/** Logged in and available; it hears nothing of who is there and who is not. */
async function client(port: number, local: string, domain: string): Promise<Client> {
  const made = await Client.session(port, local, domain, PASSWORD, 'balcony')
  made.ignoresPresence = true
  made.send(el('presence', NS_CLIENT))
  // What comes back for a ping has passed the presence on its way in.
  made.send(el('iq', NS_CLIENT, { type: 'get', id: 'there', to: domain }, el('ping', 'urn:xmpp:ping')))
  await made.receive()
  return made
}

export const chat = (to: string, body: string, id?: string): Element =>
  el('message', NS_CLIENT, { to, type: 'chat', id }, el('body', NS_CLIENT, {}, body))
export const bodyOf = (message: Element): string => message.child('body')?.text() ?? ''
