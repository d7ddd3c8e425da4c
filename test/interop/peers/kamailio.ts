/** Kamailio (Debian: kamailio) as the PBX of pbx.example, with a registrar of its own. */
import { readFile, writeFile } from 'node:fs/promises'
import { Folder } from './folder.ts'
import type { Line } from './phone.ts'
import { boundUdp } from './ports.ts'
import { Program } from './program.ts'
import { FIXTURES } from './template.ts'

export class Kamailio {
  #program: Program | undefined

  private constructor(
    private readonly folder: Folder,
    readonly port: number,
  ) {}

  /** `gatewayPort`: where our gateway takes TCP; `config`: which of sip-fixtures/pbx. */
  static async start(port: number, gatewayPort: number, config = 'kamailio.cfg'): Promise<Kamailio> {
    const folder = await Folder.make('kamailio')
    const text = await readFile(`${FIXTURES}pbx/${config}`, 'utf8')
    await writeFile(folder.file('kamailio.cfg'), text.replaceAll('{{port}}', String(port)).replaceAll('{{gateway}}', String(gatewayPort)))
    const kamailio = new Kamailio(folder, port)
    await kamailio.begin()
    return kamailio
  }

  /** Also after `halt`, with nobody registered. */
  async begin(): Promise<void> {
    const args = ['-DD', '-E', '-f', this.folder.file('kamailio.cfg'), '-w', this.folder.path, '-Y', this.folder.path]
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

  /** How a telephone registers there: it asks for no password. */
  line(user: string, transport: 'udp' | 'tcp' = 'udp'): Line {
    return { user, domain: 'pbx.example', password: 'unasked', gatewayPort: this.port, transport }
  }

  /** An extension of xmpp.example, with the password it has there (kamailio-extensions.cfg). */
  extension(user: string, transport: 'udp' | 'tcp' = 'udp'): Line {
    return { user, domain: 'xmpp.example', password: `${user}-s3cret`, gatewayPort: this.port, transport }
  }

  async stop(): Promise<void> {
    await this.halt()
    await this.folder.remove()
  }
}
