/** SIPp (Debian: sip-tester) runs one of the scenarios in sip-fixtures/sipp; what it sent and received comes back as lines. */
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { Folder } from './folder.ts'
import type { Line } from './phone.ts'
import { boundUdp, freePort } from './ports.ts'
import { type Ending, Program } from './program.ts'
import { SipTrace } from './sip-trace.ts'
import { FIXTURES } from './template.ts'

// -trace_msg: a rule with the time, then a line that says which way and how long, then the message.
const RULE = /^-{40,}.*$/
const TRACE = { before: /^(?:UDP|TCP) message (?:sent|received) /, after: RULE }

/** It binds two ports for sound, sent or not, and looks for them among the same hundred in every process. Below the range of freePort. */
const mediaPort = (port: number): number => 10_000 + ((port * 4) % 10_000)

export interface Scenario {
  /** Values of [keywords] in the scenario. */
  readonly keys?: Readonly<Record<string, string | number>>
  /** Answer with this status line's end instead of 200 OK. SIPp takes no keyword in its place. */
  readonly status?: `${number} ${string}`
  /** Where the gateway listens; absent for a scenario that only waits. */
  readonly gatewayPort?: number
  readonly gatewayHost?: string
  /** Our own address; that of this machine alone, where the gateway is there too. */
  readonly localHost?: string
  readonly transport?: 'udp' | 'tcp'
  readonly port?: number
  /** Calls, and how many a second; a scenario that only waits takes as many as come where this is undefined. */
  readonly calls?: number
  readonly rate?: number
  readonly credentials?: { readonly user: string; readonly password: string; readonly uri: string }
  readonly seconds?: number
  /** Take a repeated answer for one more answer, instead of repeating what it answers. */
  readonly withoutRepeats?: boolean
  /** One of very many: what it sends and receives is not written down. */
  readonly withoutTrace?: boolean
}

export class Sipp {
  readonly trace: SipTrace

  private constructor(
    private readonly program: Program,
    /** What it writes into its files, as lines: messages, errors, and what a scenario logs. Without a trace: what it prints. */
    private readonly files: Program,
    private readonly folder: Folder,
    readonly port: number,
  ) {
    this.trace = new SipTrace(files, TRACE)
  }

  /** Resolves when it listens and the scenario runs. */
  static async start(name: string, scenario: Scenario): Promise<Sipp> {
    const { keys = {}, gatewayPort, transport = 'udp', calls, rate = 10, credentials, seconds = 60, withoutTrace = false } = scenario
    const { gatewayHost = '127.0.0.1', localHost = '127.0.0.1' } = scenario
    const port = scenario.port ?? (await freePort())
    const folder = await Folder.make('sipp')
    for (const file of ['messages', 'errors', 'logs']) await writeFile(folder.file(file), '')
    const script = await readFile(`${FIXTURES}sipp/${name}.xml`, 'utf8')
    await writeFile(
      folder.file('scenario.xml'),
      scenario.status === undefined ? script : script.replace('SIP/2.0 200 OK', `SIP/2.0 ${scenario.status}`),
    )
    const args = ['-sf', 'scenario.xml', '-nostdin', '-i', localHost, '-p', `${port}`, '-t', transport === 'udp' ? 'u1' : 't1']
    args.push('-mp', `${mediaPort(port)}`)
    if (!withoutTrace)
      args.push('-trace_msg', '-message_file', 'messages', '-trace_err', '-error_file', 'errors', '-trace_logs', '-log_file', 'logs')
    for (const [key, value] of Object.entries(keys)) args.push('-key', key, `${value}`)
    if (calls !== undefined) args.push('-m', `${calls}`, '-r', `${rate}`)
    args.push('-timeout', `${seconds}s`, '-timeout_error')
    if (scenario.withoutRepeats === true) args.push('-nr')
    if (credentials) args.push('-au', credentials.user, '-ap', credentials.password, '-auth_uri', credentials.uri)
    if (gatewayPort !== undefined) args.push(`${gatewayHost}:${gatewayPort}`)
    const program = Program.start({ command: 'sipp', args, cwd: folder.path, package: 'sip-tester', name: `sipp ${name}` })
    // tail ends when SIPp has ended, and not before it has read everything.
    const watch = ['-q', '-n', '+1', '-s', '0.1', `--pid=${program.pid}`, '-f', 'messages', 'errors', 'logs']
    const files = withoutTrace
      ? program
      : Program.start({ command: 'tail', args: watch, cwd: folder.path, package: 'coreutils', name: `sipp ${name}` })
    const sipp = new Sipp(program, files, folder, port)
    // It says nothing when its socket is open: a scenario that waits is ready when the kernel knows its port.
    if (gatewayPort === undefined) {
      await boundUdp(port, () => program.isRunning).catch((cause: Error) => {
        throw new Error(`${program.name}: ${cause.message}; it said: ${program.lines.all.slice(-3).join(' | ')}`)
      })
    }
    return sipp
  }

  /** Resolves with the whole scenario's exit code: 0 when every call went as the scenario says. */
  async end(ms = 60_000): Promise<Ending & { readonly lines: readonly string[] }> {
    const ending = await this.program.end(ms)
    await this.files.end()
    await this.folder.remove()
    return { ...ending, lines: this.files.lines.all }
  }

  /** Resolves when every call went as the scenario says; throws with SIPp's own words where one did not. */
  async endsWell(): Promise<readonly string[]> {
    const { code, lines } = await this.end()
    if (code === 0) return lines
    const errors = lines.filter((line) => /Aborting|unexpected|error|Retransmission|timeout|must use/i.test(line)).slice(-5)
    throw new Error(`${this.program.name} ended with ${code}: ${errors.join(' | ')}`)
  }

  async stop(): Promise<void> {
    // SIGUSR1, its own way to end, waits for calls that a silent telephone never ends.
    await this.program.stop('SIGTERM').catch(() => this.program.stop('SIGKILL'))
    await this.files.end().catch(() => undefined)
    await this.folder.remove()
  }
}

/** Runs a scenario to its end; throws with SIPp's own words where it did not go as written. Resolves with all it printed. */
export async function sipp(name: string, scenario: Scenario): Promise<readonly string[]> {
  const run = await Sipp.start(name, { calls: 1, ...scenario })
  return run.endsWell()
}

/** Registers 127.0.0.1:port for the line, by MD5; `username` where digest knows the line by another name than its URI. */
export async function registerBySipp(line: Line, port: number, seconds = 600, username = line.user): Promise<void> {
  const credentials = { user: username, password: line.password, uri: line.domain }
  await sipp('register', { ...at(line), port, keys: { ...who(line), expires: seconds }, credentials })
}

/** RFC 8760 with SHA-256: SIPp asks for the challenge, we compute, SIPp carries the answer. */
export async function registerBySha256(line: Line, port: number, seconds = 600): Promise<string> {
  const lines = await sipp('register-challenge', { ...at(line), port, keys: who(line) })
  const challenge = lines.find((text) => /^WWW-Authenticate: *Digest .*algorithm=SHA-256(?:,|$)/i.test(text))
  if (challenge === undefined)
    throw new Error(`no challenge for SHA-256 among: ${lines.filter((text) => /^WWW-Auth/i.test(text)).join(' | ')}`)
  const parameter = (name: string): string => new RegExp(`[ ,]${name}="?([^",]*)`, 'i').exec(challenge)?.[1] ?? ''
  const uri = `sip:${line.domain}`
  const [realm, nonce, cnonce, nc] = [parameter('realm'), parameter('nonce'), '0a4f113b', '00000001']
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
  const hasQop = /[ ,]qop=/i.test(challenge)
  const middle = hasQop ? `${nonce}:${nc}:${cnonce}:auth` : nonce
  const response = hash(`${hash(`${line.user}:${realm}:${line.password}`)}:${middle}:${hash(`REGISTER:${uri}`)}`)
  const qop = hasQop ? `, qop=auth, nc=${nc}, cnonce="${cnonce}"` : ''
  const opaque = /[ ,]opaque=/i.test(challenge) ? `, opaque="${parameter('opaque')}"` : ''
  const credentials = `Digest username="${line.user}", realm="${realm}", nonce="${nonce}", uri="${uri}", algorithm=SHA-256, response="${response}"${qop}${opaque}`
  await sipp('register-credentials', { ...at(line), port, keys: { ...who(line), expires: seconds, credentials } })
  return credentials
}

/** Sends one MESSAGE with digest and resolves with the status of its final response. */
export async function sendBySipp(line: Line, to: string, text: string, { username = line.user } = {}): Promise<number> {
  const credentials = { user: username, password: line.password, uri: to }
  const scenario = { ...at(line), keys: { ...who(line), to, text }, credentials }
  const lines = await sipp('send-message', scenario)
  const final = lines.find((printed) => /^final \d{3}$/.test(printed))
  return Number(final?.slice('final '.length) ?? Number.NaN)
}

export function at(line: Line): { gatewayPort: number; transport: 'udp' | 'tcp' } {
  return { gatewayPort: line.gatewayPort, transport: line.transport === 'tcp' ? 'tcp' : 'udp' }
}

export function who(line: Line): { domain: string; user: string } {
  return { domain: line.domain, user: line.user }
}
