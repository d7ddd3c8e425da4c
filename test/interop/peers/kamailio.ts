/** Kamailio (Debian: kamailio) as the PBX of pbx.example, with a registrar of its own. */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import Database from 'libsql'
import { certificateFor } from '../../support/certificates.ts'
import { Folder } from './folder.ts'
import type { Line } from './phone.ts'
import { boundUdp } from './ports.ts'
import { MissingProgramError, Program } from './program.ts'
import { FIXTURES } from './template.ts'

const MODULES = ['/usr/lib/x86_64-linux-gnu/kamailio/modules', '/usr/lib/aarch64-linux-gnu/kamailio/modules']

/** A package of its own: kamailio-websocket-modules. */
export const hasWebSocketModule = (): boolean => MODULES.some((path) => existsSync(`${path}/websocket.so`))
/** A package of its own: kamailio-tls-modules. */
export const hasTlsModule = (): boolean => MODULES.some((path) => existsSync(`${path}/tls.so`))

/** Packages of their own: kamailio-presence-modules and kamailio-sqlite-modules. */
export const hasPresenceModules = (): boolean =>
  MODULES.some((path) => existsSync(`${path}/presence_xml.so`)) && MODULES.some((path) => existsSync(`${path}/db_sqlite.so`))

const TABLES = '/usr/share/kamailio/db_sqlite/'
/** As presence_xml knows documents of OMA XDM. */
const PRES_RULES = 2

export class Kamailio {
  #program: Program | undefined
  #rules = 0

  private constructor(
    private readonly folder: Folder,
    readonly port: number,
    private readonly hasTls: boolean,
  ) {}

  /** `gatewayPort`: where our gateway takes TCP; `config`: which of sip-fixtures/pbx; `hasTls`: it takes TLS at the next port. */
  static async start(port: number, gatewayPort: number, config = 'kamailio.cfg', hasTls = false): Promise<Kamailio> {
    if (hasTls && !hasTlsModule()) throw new MissingProgramError('Kamailio’s TLS module', 'kamailio-tls-modules')
    if (config.includes('websocket') && !hasWebSocketModule())
      throw new MissingProgramError("Kamailio's websocket module", 'kamailio-websocket-modules')
    if (config.includes('presence') && !hasPresenceModules())
      throw new MissingProgramError('Kamailio’s presence server', 'kamailio-presence-modules kamailio-sqlite-modules')
    const folder = await Folder.make('kamailio')
    if (config.includes('presence')) await makeTables(folder.file('kamailio.sqlite'))
    const text = await readFile(`${FIXTURES}pbx/${config}`, 'utf8')
    await writeFile(
      folder.file('kamailio.cfg'),
      text
        .replaceAll('{{port}}', String(port))
        .replaceAll('{{gateway}}', String(gatewayPort))
        .replaceAll('{{folder}}', folder.path)
        .replaceAll('{{tlsPort}}', String(port + 1)),
    )
    const { cert, key } = await certificateFor('127.0.0.1')
    await writeFile(folder.file('kamailio.crt'), cert)
    await writeFile(folder.file('kamailio.key'), key, { mode: 0o600 })
    const kamailio = new Kamailio(folder, port, hasTls)
    await kamailio.begin()
    return kamailio
  }

  /** Also after `halt`, with nobody registered. */
  async begin(): Promise<void> {
    const tls = this.hasTls ? ['-A', 'WITH_TLS'] : []
    const args = [...tls, '-DD', '-E', '-f', this.folder.file('kamailio.cfg'), '-w', this.folder.path, '-Y', this.folder.path]
    const program = Program.start({ command: '/usr/sbin/kamailio', args, package: 'kamailio', name: 'kamailio' })
    this.#program = program
    await boundUdp(this.port, () => program.isRunning)
  }

  /** Resolves when somebody has registered as that extension since it began. */
  async hasRegistered(user: string): Promise<void> {
    await this.#program?.line(`registered: ${user}`, 30_000)
  }

  /** Who may see that user of its presence server: whoever stands in neither list waits. */
  async rules(user: string, { allow = [], block = [] }: { allow?: readonly string[]; block?: readonly string[] }): Promise<void> {
    const rule = (id: string, watchers: readonly string[]): string =>
      watchers.length === 0
        ? ''
        : `<cr:rule id="${id}"><cr:conditions><cr:identity>${watchers.map((uri) => `<cr:one id="${uri}"/>`).join('')}</cr:identity></cr:conditions>
<cr:actions><pr:sub-handling>${id}</pr:sub-handling></cr:actions><cr:transformations/></cr:rule>`
    const ruleset = `<?xml version="1.0" encoding="UTF-8"?>
<cr:ruleset xmlns:cr="urn:ietf:params:xml:ns:common-policy" xmlns:pr="urn:ietf:params:xml:ns:pres-rules">${rule('allow', allow)}${rule('block', block)}</cr:ruleset>`
    const database = new Database(this.folder.file('kamailio.sqlite'))
    database
      .prepare(
        `INSERT OR REPLACE INTO xcap (username, domain, doc, doc_type, etag, source, doc_uri, port) VALUES (?, 'pbx.example', ?, ${PRES_RULES}, ?, 0, ?, 0)`,
      )
      .run(user, ruleset, String(++this.#rules), `${user}/pres-rules`)
    database.close()
    const args = ['-s', `unix:${this.folder.file('ctl.sock')}`, 'presence.refreshWatchers', `sip:${user}@pbx.example`, 'presence', '0']
    const { code } = await Program.start({ command: '/usr/sbin/kamcmd', args, package: 'kamailio', name: 'kamcmd' }).end()
    if (code !== 0) throw new Error(`kamcmd ${args.join(' ')}: exit ${code}`)
  }

  /** Resolves when somebody has asked its presence server for that user, for so many seconds. */
  async isAsked(user: string, seconds: number | string = '[1-9]\\d*'): Promise<void> {
    await this.#program?.line(new RegExp(`watched: ${user} by \\S+ for ${seconds}$`), 10_000)
  }

  async halt(): Promise<void> {
    await this.#program?.stop()
    this.#program = undefined
  }

  /** It and its children, without a word to anybody. */
  async kill(): Promise<void> {
    const program = this.#program
    if (program?.pid === undefined) return
    this.#program = undefined
    const children = (await readFile(`/proc/${program.pid}/task/${program.pid}/children`, 'utf8')).trim().split(' ').map(Number)
    const ended = program.stop('SIGKILL')
    for (const child of children) process.kill(child, 'SIGKILL')
    await ended
  }

  /** How a telephone registers there: it asks for no password. */
  line(user: string, transport: 'udp' | 'tcp' = 'udp'): Line {
    return { user, domain: 'pbx.example', password: 'unasked', gatewayPort: this.port, transport }
  }

  /** What it shows under TLS, for 127.0.0.1. */
  get certificate(): string {
    return this.folder.file('kamailio.crt')
  }

  /** An extension of xmpp.example, with the password it has there (kamailio-extensions.cfg). */
  extension(user: string, transport: 'udp' | 'tcp' | 'tls' = 'udp'): Line {
    const gatewayPort = transport === 'tls' ? this.port + 1 : this.port
    return { user, domain: 'xmpp.example', password: `${user}-s3cret`, gatewayPort, transport }
  }

  async stop(): Promise<void> {
    await this.halt()
    await this.folder.remove()
  }
}

async function makeTables(file: string): Promise<void> {
  const database = new Database(file)
  for (const tables of ['standard', 'presence']) database.exec(await readFile(`${TABLES}${tables}-create.sql`, 'utf8'))
  database.close()
}
