/** The built gateway as its own process, with a configuration, a folder and ports of its own. */
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { Folder } from './folder.ts'
import type { Line } from './phone.ts'
import { type Ending, Program } from './program.ts'
import type { Login } from './xmpp-peer.ts'

const MAIN = fileURLToPath(new URL('../../../dist/main.js', import.meta.url))
const DOMAIN = 'xmpp.example'
const LOCAL = '127.0.0.1'

export interface GatewaySettings {
  /** Who may connect as components. */
  readonly components?: readonly { readonly domain: string; readonly secret: string }[]
  /** SIP's T1, for tests that wait for Timer F (64 times T1). */
  readonly t1?: string
  /** Every signal through its wire form; STOXGATE_LOOPBACK=1 is the same for all. */
  readonly loopback?: boolean
  /** What telephones are challenged with; MD5 alone, as by default. */
  readonly digest?: readonly ('SHA-256' | 'MD5')[]
  /** Where the domain lives, so that accounts are not added here. */
  readonly pbx?: string
  /** The passwords towards it are stored here, and accounts too. */
  readonly storesPasswords?: boolean
  /** Files of authorities that count for TLS peers of SIP. */
  readonly trustedCertificates?: readonly string[]
  readonly telephonesPerAccount?: number
  /** Where that PBX takes SIP over WebSocket; absent: our own stack. */
  readonly websocket?: string
  /** Networks of those whose P-XMPP-Data counts. */
  readonly trusted?: readonly string[]
  /** Keys of the domain, as the configuration writes them. */
  readonly domain?: Readonly<Record<string, unknown>>
  /** The Router's table, as the configuration writes it. */
  readonly routes?: readonly (string | Readonly<Record<string, unknown>>)[]
}

export class Gateway {
  readonly domain = DOMAIN
  readonly #passwords = new Map<string, string>()

  private constructor(
    private program: Program,
    private readonly folder: Folder,
    /** By what the gateway calls them: xmpp, xmpps, sip/udp, sip/tcp. */
    readonly ports: ReadonlyMap<string, number>,
    private readonly settings: GatewaySettings,
  ) {}

  /** Resolves when it has printed `stoxgate ready`. */
  static async start(settings: GatewaySettings = {}): Promise<Gateway> {
    if (!existsSync(MAIN)) throw new Error('there is no dist/main.js: npm run build')
    const folder = await Folder.make('gateway')
    const file = folder.file('stoxgate.yaml')
    await writeFile(file, stringify(configuration(folder, settings)))
    const program = run(file)
    const ports = new Map<string, number>()
    program.lines.listen((line) => {
      const listening = /^listening (\S+) \S+:(\d+)$/.exec(line)
      if (listening) ports.set(listening[1] ?? '', Number(listening[2]))
    })
    await program.line('stoxgate ready', 20_000)
    return new Gateway(program, folder, ports, settings)
  }

  /** As when the power fails: nothing is said to anybody, and nothing is written any more. */
  async kill(): Promise<void> {
    await this.program.stop('SIGKILL')
  }

  /** The same files at the same ports, after `kill`. */
  async return(): Promise<void> {
    await writeFile(this.#configuration, stringify(configuration(this.folder, this.settings, (what) => this.port(what))))
    this.program = run(this.#configuration)
    await this.program.line('stoxgate ready', 20_000)
  }

  /** By the command line, while it runs. */
  async add(...users: readonly string[]): Promise<void> {
    for (const user of users) await this.addWithPassword(user, `${user.replaceAll(/\W/g, '')}-s3cret`)
  }

  async addWithPassword(user: string, password: string): Promise<void> {
    await this.#account('add', user, password)
    this.#passwords.set(user, password)
  }

  /** Its password towards the PBX, where that is stored. */
  hasAtPbx(user: string, password: string): Promise<void> {
    return this.#account('pbx-password', user, password)
  }

  async #account(what: string, user: string, password: string): Promise<void> {
    const jid = `${user}@${DOMAIN}`
    const args = [MAIN, 'account', what, jid, '-c', this.#configuration, '--password', '-']
    const command = Program.start({ command: process.execPath, args, package: 'nodejs', name: 'stoxgate account' })
    command.write(`${password}\n`)
    command.endInput()
    const { code } = await command.end()
    if (code !== 0) throw new Error(`account ${what} ${jid}: exit ${code}, ${command.lines.all.join(' ')}`)
  }

  /** An account that is not ours: whoever has it knows the password. */
  hasElsewhere(user: string, password: string): void {
    this.#passwords.set(user, password)
  }

  /** How an XMPP client logs in as that user. */
  login(user: string, resource: string, port = this.port('xmpp')): Login {
    return { jid: `${user}@${DOMAIN}`, password: this.#password(user), resource, host: LOCAL, port, certificate: this.certificate }
  }

  /** How a telephone registers as that user. */
  line(user: string, transport: 'udp' | 'tcp' | 'tls' = 'udp'): Line {
    return { user, domain: DOMAIN, password: this.#password(user), gatewayPort: this.port(`sip/${transport}`), transport }
  }

  port(what: string): number {
    const port = this.ports.get(what)
    if (port === undefined) throw new Error(`the gateway printed no line "listening ${what} …"`)
    return port
  }

  /** The certificate it made at its first start. */
  get certificate(): string {
    return this.folder.file(`data/certificates/${DOMAIN}.crt`)
  }

  /** Everything it has logged so far. */
  async log(): Promise<string> {
    const directory = this.folder.file('logs')
    const files = await readdir(directory)
    return (await Promise.all(files.map((file) => readFile(`${directory}/${file}`, 'utf8')))).join('\n')
  }

  /** What its process has cost so far, as Linux counts it. */
  async usage(): Promise<{ readonly residentBytes: number; readonly cpuSeconds: number }> {
    const [stat, status] = await Promise.all(['stat', 'status'].map((file) => readFile(`/proc/${this.program.pid}/${file}`, 'utf8')))
    // The name in parentheses may hold anything; utime and stime are the 12th and 13th field behind it, in ticks of 10 ms.
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? []
    const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status ?? '')?.[1])
    return { residentBytes: kilobytes * 1_024, cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100 }
  }

  /** SIGTERM ends it with 0, and nothing in its log was a bug of its own. */
  async stop(): Promise<void> {
    const ending: Ending = await this.program.stop('SIGTERM', 20_000)
    const log = await this.log()
    await this.folder.remove()
    if (ending.code !== 0)
      throw new Error(
        `the gateway ended with ${ending.signal ?? ending.code}: ${this.program.lines.all.slice(-5).join(' | ')}\n${log.slice(-4_000)}`,
      )
    const failures = log.split('\n').filter((line) => /^\S+ FAILURES /.test(line))
    if (failures.length > 0) throw new Error(`the gateway logged failures of its own:\n${failures.slice(0, 5).join('\n')}`)
  }

  get #configuration(): string {
    return this.folder.file('stoxgate.yaml')
  }

  #password(user: string): string {
    const password = this.#passwords.get(user)
    if (password === undefined) throw new Error(`${user} has no account yet`)
    return password
  }
}

const run = (file: string): Program =>
  Program.start({ command: process.execPath, args: [MAIN, 'start', '-c', file], package: 'nodejs', name: 'stoxgate' })

function configuration(folder: Folder, settings: GatewaySettings, portOf: (what: string) => number = () => 0) {
  const {
    t1 = '500ms',
    loopback = false,
    digest = ['MD5'],
    telephonesPerAccount = 10,
    routes = [],
    trustedCertificates = [],
    pbx,
    websocket,
    trusted = [],
  } = settings
  const credentials = settings.storesPasswords === true ? 'stored' : 'login'
  const at = (what: string) => ({ port: portOf(what), address: LOCAL })
  return {
    domains: [{ name: DOMAIN, ...settings.domain, ...(pbx === undefined ? {} : { pbx: { uri: pbx, credentials } }) }],
    receiving: { logLevel: 'low-level', listeners: [at('xmpp'), { ...at('xmpps'), tls: true }], components: settings.components ?? [] },
    http: { listeners: [at('http'), { ...at('https'), tls: true }] },
    sip: {
      logLevel: 'low-level',
      ...(websocket === undefined ? {} : { stack: 'websocket', websocket: { url: websocket } }),
      trusted,
      embedded: {
        listeners: [
          { transport: 'udp', ...at('sip/udp') },
          { transport: 'tcp', ...at('sip/tcp') },
          { transport: 'tls', ...at('sip/tls') },
        ],
      },
      timers: { t1 },
      digest,
      telephonesPerAccount,
      trustedCertificates,
      loopback,
    },
    routes,
    store: { sqlite: folder.file('data/stoxgate.db') },
    log: { directory: folder.file('logs'), level: 'low-level' },
  }
}
