/** profanity (Debian: profanity), a client for the terminal. It knows SCRAM, chats, and answers and asks versions; its debug log tells what crossed. */
import { X509Certificate } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { Folder } from './folder.ts'
import { isInstalled, MissingProgramError, Program } from './program.ts'
import { Terminal } from './terminal.ts'
import type { Login } from './xmpp-peer.ts'

const SETTINGS = ['[connection]', 'autoping=0', '[logging]', 'chlog=false', '[ui]', 'splash=false', '[carbons]', 'enabled=false', '']

export class Profanity {
  private constructor(
    private readonly folder: Folder,
    private readonly terminal: Terminal,
    /** Its debug log, line by line. */
    private readonly log: Program,
    readonly login: Login,
  ) {}

  static async start(login: Login): Promise<Profanity> {
    if (!isInstalled('profanity')) throw new MissingProgramError('profanity', 'profanity')
    const folder = await Folder.make('profanity')
    for (const kind of ['config', 'data', 'cache']) await mkdir(folder.file(`${kind}/profanity`), { recursive: true })
    await writeFile(folder.file('config/profanity/profrc'), SETTINGS.join('\n'))
    await writeFile(folder.file('data/profanity/tlscerts'), await trustOnly(login.certificate))
    const logFile = folder.file('debug.log')
    await writeFile(logFile, '')
    const log = Program.start({ command: 'tail', args: ['-n', '+1', '-F', logFile], package: 'coreutils', name: 'profanity’s log' })
    const terminal = await Terminal.open({
      command: `exec profanity -l DEBUG -f ${logFile}`,
      env: {
        HOME: folder.path,
        XDG_CONFIG_HOME: folder.file('config'),
        XDG_DATA_HOME: folder.file('data'),
        XDG_CACHE_HOME: folder.file('cache'),
      },
      socket: folder.path.replaceAll(/\W/g, '-'),
    })
    return new Profanity(folder, terminal, log, login)
  }

  /** Resolves with the full address and the SASL mechanism that let it in. */
  async online(): Promise<{ jid: string; mechanism: string }> {
    const { jid, resource, host, port, password } = this.login
    await this.terminal.shows('Profanity')
    await this.terminal.enter(`/connect ${jid}/${resource} server ${host} port ${port} tls force`)
    await this.terminal.shows('Enter password')
    await this.terminal.enter(password)
    const screen = await this.terminal.shows(/logged in successfully|Login failed|Connection to .* failed|verification failed/)
    if (!screen.includes('logged in successfully')) throw new Error(`profanity is not let in:\n${screen.trim()}`)
    const auth = await this.log.line(/SENT: <auth /)
    return { jid: `${jid}/${resource}`, mechanism: /mechanism="([^"]+)"/.exec(auth)?.[1] ?? '' }
  }

  async say(to: string, body: string): Promise<void> {
    await this.terminal.enter(`/msg ${to} ${body}`)
  }

  /** Opens the conversation with that address and resolves when a person in front of the screen reads the text there. */
  async reads(from: string, text: string | RegExp, ms?: number): Promise<string> {
    await this.terminal.enter(`/msg ${from}`)
    return this.terminal.shows(text, ms)
  }

  /** The stanza as it came in. */
  received(match: RegExp, ms?: number): Promise<string> {
    return this.log.lines.take(`RECV with ${match}`, (line) => line.includes('RECV: ') && match.test(line), ms)
  }

  /** A line as its user types it, in the first window. */
  async command(line: string): Promise<void> {
    await this.terminal.enter('/win 1')
    await this.terminal.enter(line)
  }

  /** Resolves with the screen as soon as it shows that. */
  screen(match: string | RegExp, ms?: number): Promise<string> {
    return this.terminal.shows(match, ms)
  }

  /** XEP-0092: asks, and resolves with the screen that names the software. */
  async version(of: string, software: RegExp): Promise<string> {
    await this.terminal.enter('/win 1')
    await this.terminal.enter(`/software ${of}`)
    return this.terminal.shows(software)
  }

  async stop(): Promise<void> {
    await this.terminal.close()
    await this.log.stop()
    await this.folder.remove()
  }
}

/** profanity keeps certificates its user has accepted by their SHA-1 fingerprint. */
async function trustOnly(certificate: string): Promise<string> {
  const { fingerprint, serialNumber, validFrom, validTo } = new X509Certificate(await readFile(certificate))
  const name = fingerprint.replaceAll(':', '').toLowerCase()
  return [`[${name}]`, 'version=3', `serialnumber=${serialNumber}`, `start=${validFrom}`, `end=${validTo}`, ''].join('\n')
}
