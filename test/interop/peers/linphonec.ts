/** linphonec (Debian: linphone-cli), a telephone driven by lines on standard input and read by its debug log. */
import { mkdir } from 'node:fs/promises'
import { Folder } from './folder.ts'
import type { Line, Outcome, Phone } from './phone.ts'
import { freePort } from './ports.ts'
import { isInstalled, MissingProgramError, Program } from './program.ts'
import { SipTrace, type Traced } from './sip-trace.ts'
import { fillIn } from './template.ts'

const LOG_LINE = /^\d{4}-\d\d-\d\d \d\d:.*/
const TRACE = { before: /^\d{4}-.*belle-sip-message-channel .*(?:message sent to|new bytes from) \[/, after: LOG_LINE }

export interface LinphoneLine extends Line {
  /** The URI its messages go to. */
  readonly contact: string
  /** It asks for the presence of its contact. */
  readonly watches?: boolean
  /** It publishes its presence to where it is registered (RFC 3903). */
  readonly publishes?: boolean
  /** It wraps its texts in message/cpim and asks for receipts. */
  readonly wraps?: boolean
}

export class Linphonec implements Phone {
  readonly trace: SipTrace

  private constructor(
    private readonly folder: Folder,
    private readonly program: Program,
    private readonly contact: string,
    readonly port: number,
  ) {
    this.trace = new SipTrace(program, TRACE)
  }

  static async start({ watches = false, publishes = false, wraps = false, ...line }: LinphoneLine): Promise<Linphonec> {
    if (!isInstalled('linphonec')) throw new MissingProgramError('linphonec', 'linphone-cli')
    const folder = await Folder.make('linphonec')
    // Without this folder it dies of a segmentation fault at the first message.
    await mkdir(folder.file('.local/share/linphone'), { recursive: true })
    const sipPort = await freePort()
    await fillIn('linphonec/linphonerc', folder.file('linphonerc'), {
      transport: 'udp',
      ...line,
      friends: watches ? `[friend_0]\nurl=<${line.contact}>\npol=accept\nsubscribe=1\n` : '',
      publish: publishes ? 1 : 0,
      wraps: wraps ? 1 : 0,
      sipPort,
    })
    const env = { HOME: folder.path, XDG_DATA_HOME: undefined, XDG_CONFIG_HOME: undefined }
    const args = ['-c', folder.file('linphonerc'), '-d', '6']
    const program = Program.start({ command: 'linphonec', args, env, package: 'linphone-cli' })
    return new Linphonec(folder, program, line.contact, sipPort)
  }

  async registered(): Promise<void> {
    const line = await this.program.line(/to \[LinphoneRegistration(?:Ok|Failed)\]/, 20_000)
    if (!line.includes('RegistrationOk')) throw new Error('linphonec is not registered')
  }

  async say(text: string): Promise<Outcome> {
    this.program.write(`chat ${this.contact} ${text}\n`)
    const response = await this.trace.response('MESSAGE')
    return { status: response.status, reason: response.reason }
  }

  async hears(text: string, ms?: number): Promise<string> {
    const line = await this.program.lines.take(
      `the message "${text}"`,
      (shown) => /^(?:linphonec> )?Message received from/.test(shown) && shown.endsWith(`: ${text}`),
      ms,
    )
    return /Message received from ([^ ]+): /.exec(line)?.[1] ?? ''
  }

  /** Its contact has become that, in its own words. */
  async sees(status: 'Online' | 'Offline' | 'Busy' | 'Away', ms?: number): Promise<void> {
    await this.program.line(new RegExp(`Friend .+ is ${status}\\s*$`), ms)
  }

  /** A NOTIFY tells it that it may not see its contact (RFC 6665 §4.1.3). */
  async isRejected(): Promise<void> {
    const rejects = ({ method, status, text }: Traced): boolean =>
      method === 'NOTIFY' && status === 0 && /^Subscription-State: *terminated;reason=rejected/im.test(text)
    await this.trace.messages.take('a NOTIFY that rejects it', rejects)
  }

  async stop(): Promise<void> {
    if (this.program.isRunning) this.program.write('quit\n')
    await this.program.end().catch(() => this.program.stop('SIGKILL'))
    await this.folder.remove()
  }
}
