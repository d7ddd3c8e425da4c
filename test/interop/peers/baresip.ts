/** baresip (Debian: baresip-core), a telephone: driven over ctrl_tcp by JSON in netstrings, read by its screen and its SIP trace. */
import { existsSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { Arrivals } from './arrivals.ts'
import { Folder } from './folder.ts'
import type { Line, Outcome, Phone } from './phone.ts'
import { freePort } from './ports.ts'
import { MissingProgramError, Program } from './program.ts'
import { SipTrace } from './sip-trace.ts'
import { fillIn } from './template.ts'

const MODULES = ['/usr/lib/baresip/modules', '/usr/lib/x86_64-linux-gnu/baresip/modules', '/usr/lib/aarch64-linux-gnu/baresip/modules']

// `UDP 127.0.0.1:1 -> 127.0.0.1:2` comes before each message, a colour sequence after it.
const TRACE = { before: /^(?:UDP|TCP|TLS) \S+ -> \S+$/, after: /\u001b\[;m$/ }

export interface BaresipLine extends Line {
  /** The URI its messages go to. */
  readonly contact: string
  readonly certificate: string
}

interface ControlEvent {
  readonly event?: boolean
  readonly type?: string
  readonly param?: string
  readonly response?: boolean
  readonly ok?: boolean
  readonly data?: string
}

export class Baresip implements Phone {
  readonly trace: SipTrace
  readonly #events = new Arrivals<ControlEvent>('baresip')

  private constructor(
    private readonly folder: Folder,
    private readonly program: Program,
    private readonly control: Socket,
    readonly port: number,
  ) {
    this.trace = new SipTrace(program, TRACE)
    readNetstrings(control, (text) => this.#events.push(JSON.parse(text) as ControlEvent))
    void program.ended.then(() => this.#events.close('it ended'))
  }

  static async start(line: BaresipLine): Promise<Baresip> {
    const modules = MODULES.find((path) => existsSync(path))
    if (modules === undefined) throw new MissingProgramError('baresip', 'baresip-core')
    const folder = await Folder.make('baresip')
    // Its SIP over TLS takes the port after the one for UDP and TCP.
    const sipPort = await freePort(2)
    const controlPort = await freePort()
    const values = { transport: 'udp', ...line, folder: folder.path, modules, sipPort, controlPort }
    for (const file of ['config', 'accounts', 'contacts']) await fillIn(`baresip/${file}`, folder.file(file), values)
    const args = ['-s', '-f', folder.path]
    const program = Program.start({ command: 'baresip', args, package: 'baresip-core', env: { HOME: folder.path } })
    await program.line('baresip is ready.', 20_000)
    return new Baresip(folder, program, await connected(controlPort), sipPort)
  }

  async registered(): Promise<void> {
    // Its first REGISTER leaves before anybody can connect to ctrl_tcp: what it printed is all there is.
    const line = await this.program.line(/\{\d\/\w+\/v4\} \d{3} |useragents? registered successfully|reg: sip:/, 20_000)
    if (!/ 200 |successfully/.test(line)) throw new Error(`baresip is not registered: ${line}`)
  }

  async say(text: string): Promise<Outcome> {
    await this.#do('message', text)
    const response = await this.trace.response('MESSAGE')
    return { status: response.status, reason: response.reason }
  }

  async hears(text: string, ms?: number): Promise<string> {
    const line = await this.program.lines.take(`the message "${text}"`, (shown) => shown.endsWith(`: "${text}"`), ms)
    return line.slice(0, -`: "${text}"`.length)
  }

  async stop(): Promise<void> {
    if (this.program.isRunning) await this.#do('quit').catch(() => undefined)
    this.control.destroy()
    await this.program.end().catch(() => this.program.stop('SIGKILL'))
    await this.folder.remove()
  }

  async #do(command: string, params = ''): Promise<string> {
    const json = JSON.stringify({ command, params, token: command })
    this.control.write(`${Buffer.byteLength(json)}:${json},`)
    const answer = await this.#events.take(`the answer to ${command}`, ({ response }) => response === true)
    if (answer.ok !== true) throw new Error(`baresip refuses ${command}: ${answer.data ?? ''}`)
    return answer.data ?? ''
  }
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.once('error', reject)
    socket.on('error', () => undefined)
  })
}

/** `<bytes>:<text>,` one after another, cut anywhere. */
function readNetstrings(socket: Socket, take: (text: string) => void): void {
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    for (let colon = rest.indexOf(':'); colon > 0; colon = rest.indexOf(':')) {
      const end = colon + 1 + Number(rest.subarray(0, colon).toString())
      if (rest.length <= end) return
      take(rest.subarray(colon + 1, end).toString())
      rest = rest.subarray(end + 1)
    }
  })
}
