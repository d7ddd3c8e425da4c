/** Kamailio (Debian: kamailio) as the PBX of pbx.example, with a registrar of its own. */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
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

export class Kamailio {
  #program: Program | undefined

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
    const folder = await Folder.make('kamailio')
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
