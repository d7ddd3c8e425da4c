/** The gateway as `stoxgate start` builds it, in this process: on free ports of the loopback interface, in a directory that goes with it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deriveCredentials } from '../../src/account/credentials.ts'
import { Jid } from '../../src/address/jid.ts'
import { type Parsed, schema } from '../../src/config/schema.ts'
import { settingsFrom } from '../../src/config/settings.ts'
import { type Gateway, startGateway } from '../../src/gateway.ts'
import type { NextHop, Transport } from '../../src/sip/port.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { el } from '../../src/xml/element.ts'
import { Client, NS_CLIENT } from './client.ts'
import { Heard } from './heard.ts'

export const DOMAIN = 'xmpp.example'
export const PASSWORD = 'r0m30myr0m30'
const HOST = '127.0.0.1'

export interface RunningOptions {
  readonly transports: readonly Transport[]
  /** `sip.trusted`, and certificates in PEM for `sip.trustedCertificates`. */
  readonly trusted?: Parsed['sip']['trusted']
  readonly trustedCertificates?: readonly string[]
}

export interface RunningGateway {
  readonly gateway: Gateway
  readonly heard: Heard
  /** Its self-signed certificate. */
  readonly certificate: string
  hop(transport: Transport): NextHop
  /** Somebody logged in and available. */
  client(local: string): Promise<Client>
  /** The same files, another process as far as telephones can see. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export async function runningGateway(options: RunningOptions): Promise<RunningGateway> {
  const directory = await mkdtemp(join(tmpdir(), 'stoxgate-test-'))
  const files = (options.trustedCertificates ?? []).map((_, i) => `authority-${i}.pem`)
  for (const [i, file] of files.entries()) await writeFile(join(directory, file), options.trustedCertificates?.[i] ?? '')
  const parsed = schema.parse({
    domains: [{ name: DOMAIN }],
    receiving: { listeners: [{ port: 0, address: HOST }] },
    http: { listeners: [] },
    sip: {
      embedded: { listeners: options.transports.map((transport) => ({ transport, port: 0, address: HOST })) },
      trusted: options.trusted ?? [],
      trustedCertificates: files,
      timers: { t1: '50ms' },
    },
    store: { sqlite: 'stoxgate.db' },
    log: { directory: null },
  })
  const settings = settingsFrom(parsed, undefined, directory)
  const store = openSqlite(settings.store.sqlite)
  for (const name of ['juliet', 'romeo']) {
    const jid = Jid.of(name, DOMAIN)
    await store.accounts.add(jid, await deriveCredentials(jid, PASSWORD, { telephones: true, rounds: 4_096 }))
  }
  await store.close()
  const heard = new Heard()
  const start = () => startGateway(settings, { name: 'Stoxgate', version: 'test' }, heard.log)
  let gateway = await start()
  const portOf = (what: string) => gateway.listening.find((one) => one.what === what)?.port ?? 0
  return {
    get gateway() {
      return gateway
    },
    heard,
    certificate: await readFile(join(directory, 'certificates', `${DOMAIN}.crt`), 'utf8'),
    hop: (transport) => ({ transport, host: HOST, port: portOf(`sip/${transport}`), name: DOMAIN }),
    async client(local) {
      const client = await Client.session(portOf('xmpp'), local, DOMAIN, PASSWORD, 'balcony')
      client.ignoresPresence = true
      client.send(el('presence', NS_CLIENT))
      // What comes back for a ping has passed the presence on its way in.
      client.send(el('iq', NS_CLIENT, { type: 'get', id: 'there', to: DOMAIN }, el('ping', 'urn:xmpp:ping')))
      await client.receive()
      return client
    },
    async restart() {
      await gateway.stop()
      gateway = await start()
    },
    async stop() {
      await gateway.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
