/** The gateway itself, as `node dist/main.js start` runs it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort, type Ground } from '../ground.ts'
import { PHONES_DOMAIN } from '../load/watchers.ts'
import { writeAccounts } from './accounts.ts'
import { startProcess } from './process.ts'
import type { Running, Server } from './server.ts'

const readyMs = 60_000

export class Stoxgate implements Server {
  readonly name = 'Stoxgate'
  #directory = ''
  #starts = 0
  #phonesPort = 0

  /** `main`: the compiled program; `nodeArguments`: given to node before it; `loopback`: force every signal through its wire form. */
  constructor(
    readonly main: string,
    readonly nodeArguments: readonly string[],
    readonly loopback: boolean,
  ) {}

  missing(): string | undefined {
    return existsSync(this.main) ? undefined : 'npm run build'
  }

  version(): string {
    const found: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    return typeof found === 'object' && found !== null && 'version' in found ? String(found.version) : 'unknown'
  }

  async prepare(ground: Ground): Promise<void> {
    this.#directory = join(ground.directory, 'stoxgate')
    mkdirSync(this.#directory, { recursive: true })
    this.#phonesPort = await freePort()
    writeFileSync(this.#file, this.#configuration(ground))
    await writeAccounts(ground, join(this.#directory, 'stoxgate.db'))
    // The first start of a new folder makes what is only made once (keys, certificates); it is not what is measured.
    await (await this.start()).stop()
  }

  async start(): Promise<Running> {
    const output = join(this.#directory, `output-${++this.#starts}.log`)
    const started = startProcess(process.execPath, [...this.nodeArguments, this.main, 'start', '-c', this.#file], {
      cwd: this.#directory,
      output: 'pipe',
    })
    const { child } = started
    const said: string[] = []
    const ports = new Map<string, number>()
    child.stderr?.on('data', (chunk: Buffer) => said.push(chunk.toString()))
    const startMs = await new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not ready after ${readyMs} ms: ${said.join('')}`)), readyMs)
      child.once('exit', (code) => {
        writeFileSync(output, said.join('\n'))
        reject(new Error(`the gateway ended with ${code}: ${said.join('\n').slice(-2_000)}`))
      })
      if (!child.stdout) return
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (said.length < 1_000) said.push(line)
        const listening = /^listening (\S+) .*:(\d+)$/.exec(line)
        if (listening?.[1] !== undefined) ports.set(listening[1], Number(listening[2]))
        if (line !== 'stoxgate ready') return
        clearTimeout(timer)
        resolve(performance.now() - started.since)
      })
    })
    const port = ports.get('xmpp')
    if (port === undefined) throw new Error(`the gateway named no xmpp port: ${said.join('\n')}`)
    const kill = async (): Promise<void> => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
    }
    return { pid: started.pid, port, sipPort: ports.get('sip/udp'), startMs, stop: started.stop, kill, phonesPort: this.#phonesPort }
  }

  get #file(): string {
    return join(this.#directory, 'stoxgate.yaml')
  }

  #configuration(ground: Ground): string {
    return `# Written by the bench; bench/README.md says why each line is as it is.
domains:
  - name: ${ground.domain}
    certificate: { cert: "${ground.certificate}", key: "${ground.key}" }
    requireTls: false
receiving:
  logLevel: failures
  listeners: [ { address: 127.0.0.1, port: 0, perAddress: 100000 } ]
  channels: 100000
http: { channels: 100000, listeners: [ { address: 127.0.0.1, port: 0, perAddress: 100000 } ] }
sip:
  embedded: { listeners: [ { transport: udp, address: 127.0.0.1, port: 0 } ] }
  loopback: ${this.loopback}
routes: [ "${PHONES_DOMAIN} = sip:127.0.0.1:${this.#phonesPort}" ]
store: { sqlite: "${join(this.#directory, 'stoxgate.db')}" }
log: { directory: "${join(this.#directory, 'logs')}", format: text }
`
  }
}
