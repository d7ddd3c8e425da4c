/** Prosody, with nothing switched on that the gateway does not do in the same load. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, type Ground, storedKeys } from '../ground.ts'
import { findCommand, startProcess, untilStreamAnswers } from './process.ts'
import type { Running, Server } from './server.ts'

export class Prosody implements Server {
  readonly name = 'Prosody'
  #ground: Ground | undefined
  #directory = ''

  constructor(readonly stored: 'hashed' | 'plain') {}

  missing(): string | undefined {
    return findCommand('prosody') === undefined ? 'apt-get install prosody' : undefined
  }

  version(): string {
    const text = execFileSync(findCommand('prosodyctl') ?? 'prosodyctl', ['about'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return /^Prosody (\d[\w.+-]*)/m.exec(text)?.[1] ?? 'unknown'
  }

  async prepare(ground: Ground): Promise<void> {
    this.#ground = ground
    this.#directory = join(ground.directory, 'prosody')
    const accounts = join(this.#directory, 'data', ground.domain.replaceAll('.', '%2e'), 'accounts')
    mkdirSync(accounts, { recursive: true })
    const record = `return {\n${this.#fields(ground.password)}};\n`
    for (let n = 0; n < ground.accounts; n++) writeFileSync(join(accounts, `${ground.user(n)}.dat`), record)
  }

  /** The same salt for all: a server cannot tell, and 2,000 accounts cost one hash. */
  #fields(password: string): string {
    if (this.stored === 'plain') return `\t["password"] = "${password}";\n`
    const salt = 'c1d5b4f0-8a1e-4d36-9a55-4a1f6f0c8a11'
    const keys = storedKeys('sha1', password, Buffer.from(salt), 10_000)
    return [
      `\t["iteration_count"] = ${keys.iterations};\n`,
      `\t["salt"] = "${salt}";\n`,
      `\t["stored_key"] = "${keys.storedKey.toString('hex')}";\n`,
      `\t["server_key"] = "${keys.serverKey.toString('hex')}";\n`,
    ].join('')
  }

  async start(): Promise<Running> {
    const ground = this.#ground
    if (ground === undefined) throw new Error('prepare first')
    const port = await freePort()
    const file = join(this.#directory, 'prosody.cfg.lua')
    writeFileSync(file, this.#configuration(ground, port))
    const started = startProcess(findCommand('prosody') ?? 'prosody', ['-F', '--config', file], {
      cwd: this.#directory,
      output: join(this.#directory, 'output.log'),
    })
    const startMs = await untilStreamAnswers(started, port, ground.domain)
    return { pid: started.pid, port, sipPort: undefined, startMs, stop: started.stop }
  }

  #configuration(ground: Ground, port: number): string {
    return `-- Written by the bench; bench/README.md says why each line is as it is.
run_as_root = true
pidfile = "${join(this.#directory, 'prosody.pid')}"
data_path = "${join(this.#directory, 'data')}"
network_backend = "epoll"
interfaces = { "127.0.0.1" }
c2s_ports = { ${port} }
s2s_ports = { }
http_ports = { }
https_ports = { }
modules_enabled = { "saslauth", "tls" }
modules_disabled = { "s2s", "s2s_auth_certs", "offline" }
gc = { mode = "generational" }
storage = "internal"
authentication = "internal_${this.stored}"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
tcp_backlog = 1024
log = { error = "${join(this.#directory, 'error.log')}" }
VirtualHost "${ground.domain}"
	ssl = { certificate = "${ground.certificate}", key = "${ground.key}" }
`
  }
}
