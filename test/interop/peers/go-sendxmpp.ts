/** go-sendxmpp (Debian: go-sendxmpp): one message from the command line, or a listener. The version of Debian 12 knows PLAIN only. */
import { Folder } from './folder.ts'
import { type Ending, type Invocation, Program } from './program.ts'
import type { Login } from './xmpp-peer.ts'

export interface Sent extends Ending {
  readonly lines: readonly string[]
}

/** Sends one message and resolves when the program has ended. */
export async function goSendxmpp(login: Omit<Login, 'resource'>, to: string, body: string, options: readonly string[] = []): Promise<Sent> {
  const home = await Folder.make('go-sendxmpp')
  try {
    const program = Program.start(invocation(login, home, [...options, to]))
    program.write(`${body}\n`)
    program.endInput()
    const ending = await program.end(20_000)
    return { ...ending, lines: program.lines.all }
  } finally {
    await home.remove()
  }
}

/** go-sendxmpp --listen: prints a line for each message it gets. */
export class GoListener {
  private constructor(
    private readonly program: Program,
    private readonly home: Folder,
  ) {}

  static async start(login: Omit<Login, 'resource'>): Promise<GoListener> {
    const home = await Folder.make('go-sendxmpp')
    return new GoListener(Program.start(invocation(login, home, ['--debug', '--listen'])), home)
  }

  /** Its own debug output says when it is bound. */
  async online(): Promise<{ jid: string }> {
    const line = await this.program.line(/<iq [^>]*type='result'.*<jid>/, 20_000)
    return { jid: /<jid>([^<]+)<\/jid>/.exec(line)?.[1] ?? '' }
  }

  /** `2026-01-31T12:00:00Z romeo@xmpp.example: text`. */
  hears(body: string, ms?: number): Promise<string> {
    return this.program.lines.take(`the message "${body}"`, (line) => /^\d{4}-\d\d-\d\dT/.test(line) && line.endsWith(`: ${body}`), ms)
  }

  async stop(): Promise<void> {
    await this.program.stop('SIGINT').catch(() => this.program.stop('SIGKILL'))
    await this.home.remove()
  }
}

function invocation(login: Omit<Login, 'resource'>, home: Folder, args: readonly string[]): Invocation {
  return {
    command: 'go-sendxmpp',
    args: ['-u', login.jid, '-p', login.password, '-j', `${login.host}:${login.port}`, ...args],
    // Go takes its trusted certificates from here, so verification stays on.
    env: { SSL_CERT_FILE: login.certificate, HOME: home.path, XDG_CONFIG_HOME: home.path },
    package: 'go-sendxmpp',
  }
}
