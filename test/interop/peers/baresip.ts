/** baresip (Debian: baresip-core), a telephone: driven over ctrl_tcp by JSON in netstrings, read by its screen and its SIP trace. */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { Arrivals } from './arrivals.ts'
import { Folder } from './folder.ts'
import type { Line, Outcome, Phone } from './phone.ts'
import { freePort } from './ports.ts'
import { MissingProgramError, Program } from './program.ts'
import { SipTrace, type Traced } from './sip-trace.ts'
import { fillIn } from './template.ts'

const MODULES = ['/usr/lib/baresip/modules', '/usr/lib/x86_64-linux-gnu/baresip/modules', '/usr/lib/aarch64-linux-gnu/baresip/modules']

// `UDP 127.0.0.1:1 -> 127.0.0.1:2` comes before each message, a colour sequence after it.
const TRACE = { before: /^(?:UDP|TCP|TLS) \S+ -> \S+$/, after: /\u001b\[;m$/ }

export interface BaresipLine extends Line {
  /** The URI its messages go to. */
  readonly contact: string
  readonly certificate: string
  /** It asks for the presence of its contact (a dialog of its own for each: `p2p`). */
  readonly watches?: boolean
  /** It publishes its presence to where it is registered (RFC 3903). */
  readonly publishes?: boolean
}

interface ControlEvent {
  readonly event?: boolean
  readonly type?: string
  readonly param?: string
  readonly peeruri?: string
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

  static async start({ watches = false, publishes = false, ...line }: BaresipLine): Promise<Baresip> {
    const modules = MODULES.find((path) => existsSync(path))
    if (modules === undefined) throw new MissingProgramError('baresip', 'baresip-core')
    const folder = await Folder.make('baresip')
    // Its SIP over TLS takes the port after the one for UDP and TCP.
    const sipPort = await freePort(2)
    const controlPort = await freePort()
    const presence = { watching: watches ? ';presence=p2p' : '', publishing: publishes ? ';pubint=600' : '' }
    const values = { transport: 'udp', ...line, ...presence, folder: folder.path, modules, sipPort, controlPort }
    for (const file of ['config', 'accounts', 'contacts']) await fillIn(`baresip/${file}`, folder.file(file), values)
    await writeFile(folder.file('in.wav'), silence(8_000))
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

  /** What it says of itself from now on, to those who watch it and to where it publishes; it begins with `offline`. */
  async isThere(isThere: boolean): Promise<void> {
    await this.#do(isThere ? 'presence_online' : 'presence_offline')
  }

  /** Its contact is that, or has become it. It says only of changes, so that it is asked after each NOTIFY. */
  async sees(status: 'Online' | 'Offline' | 'Busy' | 'Unknown', ms = 10_000): Promise<void> {
    const deadline = Date.now() + ms
    while (!(await this.#do('contacts')).includes(status)) await this.trace.request('NOTIFY', deadline - Date.now())
  }

  /** A NOTIFY tells it that it may not see its contact (RFC 6665 §4.1.3). */
  async isRejected(): Promise<void> {
    const rejects = ({ method, status, text }: Traced): boolean =>
      method === 'NOTIFY' && status === 0 && /^Subscription-State: *terminated;reason=rejected/im.test(text)
    await this.trace.messages.take('a NOTIFY that rejects it', rejects)
  }

  async call(uri: string): Promise<void> {
    await this.#do('dial', uri)
  }

  /** Resolves with who calls. */
  async rings(): Promise<string> {
    return (await this.#call('CALL_INCOMING')).peeruri ?? ''
  }

  /** The other side rings. */
  async hearsRinging(): Promise<void> {
    await this.#call('CALL_RINGING')
  }

  async accept(): Promise<void> {
    await this.#do('accept')
  }

  async talks(): Promise<void> {
    await this.#call('CALL_ESTABLISHED')
  }

  async hangUp(): Promise<void> {
    await this.#do('hangup')
  }

  /** Resolves with the reason, when its call is over. */
  async ended(): Promise<string> {
    return (await this.#call('CALL_CLOSED')).param ?? ''
  }

  #call(type: string): Promise<ControlEvent> {
    return this.#events.take(type, (event) => event.type === type)
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

/** What its microphone hears: so many samples of nothing, as a WAV file of 8,000 a second. */
function silence(samples: number): Buffer {
  const bytes = Buffer.alloc(44 + samples * 2)
  bytes.write('RIFF', 0)
  bytes.writeUInt32LE(36 + samples * 2, 4)
  bytes.write('WAVEfmt ', 8)
  bytes.writeUInt32LE(16, 16)
  bytes.writeUInt16LE(1, 20) // PCM
  bytes.writeUInt16LE(1, 22) // one channel
  bytes.writeUInt32LE(8_000, 24)
  bytes.writeUInt32LE(16_000, 28)
  bytes.writeUInt16LE(2, 32)
  bytes.writeUInt16LE(16, 34)
  bytes.write('data', 36)
  bytes.writeUInt32LE(samples * 2, 40)
  return bytes
}
