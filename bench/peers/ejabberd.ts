/** ejabberd, with nothing switched on that the gateway does not do in the same load. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort, type Ground } from '../ground.ts'
import { findCommand, startProcess, untilStreamAnswers } from './process.ts'
import type { Running, Server } from './server.ts'

/** Of the Erlang node, as Debian's ejabberdctl gives them, and busy waiting off: spinning schedulers would be counted as work. */
const nodeArguments = ['+K', 'true', '+P', '250000', '+sbwt', 'none', '+sbwtdcpu', 'none', '+sbwtdio', 'none']
/** How long the first start may take to write the accounts. */
const accountsMs = 120_000

export class Ejabberd implements Server {
  readonly name = 'ejabberd'
  #ground: Ground | undefined
  #directory = ''

  constructor(readonly stored: 'hashed' | 'plain') {}

  missing(): string | undefined {
    return findCommand('ejabberdctl') === undefined || findCommand('erl') === undefined ? 'apt-get install ejabberd' : undefined
  }

  version(): string {
    const text = execFileSync('sh', ['-c', 'ls -d /usr/lib/*/ejabberd-*'], { encoding: 'utf8' })
    return /ejabberd-([\d.]+)/.exec(text)?.[1] ?? 'unknown'
  }

  /** Starts it once to make the accounts: one is registered, its record is copied under the other names. */
  async prepare(ground: Ground): Promise<void> {
    this.#ground = ground
    this.#directory = join(ground.directory, 'ejabberd')
    mkdirSync(join(this.#directory, 'mnesia'), { recursive: true })
    writeFileSync(join(this.#directory, 'bench.pem'), `${readFileSync(ground.certificate, 'utf8')}\n${readFileSync(ground.key, 'utf8')}`, {
      mode: 0o600,
    })
    const done = join(this.#directory, 'accounts.done')
    const names = `lists:seq(1, ${ground.accounts - 1})`
    const steps = [
      `S = <<"${ground.domain}">>`,
      `ok = ejabberd_auth:try_register(<<"${ground.user(0)}">>, S, <<"${ground.password}">>)`,
      'Records = [R || K <- mnesia:dirty_all_keys(passwd), R <- mnesia:dirty_read(passwd, K)]',
      'Key = fun({_, _}, U) -> {U, S}; ({_, _, H}, U) -> {U, S, H} end',
      `[mnesia:dirty_write(passwd, setelement(2, R, Key(element(2, R), iolist_to_binary(io_lib:format("u~b", [N]))))) || R <- Records, N <- ${names}]`,
      'mnesia:sync_log()',
      `file:write_file("${done}", integer_to_list(mnesia:table_info(passwd, size)))`,
    ]
    const running = await this.#start(['-eval', `${steps.join(', ')}.`])
    try {
      const until = performance.now() + accountsMs
      for (;;) {
        try {
          if (Number(readFileSync(done, 'utf8')) >= ground.accounts) return
        } catch {
          // Not written yet.
        }
        if (performance.now() > until) throw new Error(`ejabberd did not write its accounts; see ${this.#directory}`)
        await pause(100)
      }
    } finally {
      await running.stop()
    }
  }

  start(): Promise<Running> {
    return this.#start([])
  }

  async #start(extra: readonly string[]): Promise<Running> {
    const ground = this.#ground
    if (ground === undefined) throw new Error('prepare first')
    const port = await freePort()
    const directory = this.#directory
    writeFileSync(join(directory, 'ejabberd.yml'), this.#configuration(ground, port))
    writeFileSync(join(directory, 'inetrc'), '{lookup, ["file", "native"]}.\n')
    // erl itself rather than ejabberdctl: no second user, no 1,024 open files, no node name and so no port mapper left behind.
    const args = [
      ...nodeArguments,
      '-noinput',
      '-mnesia',
      'dir',
      `"${join(directory, 'mnesia')}"`,
      '-ejabberd',
      'quiet',
      'true',
      '-s',
      'ejabberd',
      ...extra,
    ]
    const libraries = execFileSync('sh', ['-c', 'ls -d /usr/lib/*/ejabberd-* | head -n 1'], { encoding: 'utf8' }).trim()
    const started = startProcess(findCommand('erl') ?? 'erl', args, {
      cwd: directory,
      output: join(directory, 'output.log'),
      env: {
        ERL_LIBS: join(libraries, '..'),
        ERL_MAX_PORTS: '32000',
        ERL_MAX_ETS_TABLES: '1400',
        ERL_CRASH_DUMP: '/dev/null',
        ERL_INETRC: join(directory, 'inetrc'),
        EJABBERD_CONFIG_PATH: join(directory, 'ejabberd.yml'),
        EJABBERD_LOG_PATH: join(directory, 'ejabberd.log'),
        HOME: directory,
      },
    })
    const startMs = await untilStreamAnswers(started, port, ground.domain)
    return { pid: started.pid, port, sipPort: undefined, startMs, stop: started.stop }
  }

  #configuration(ground: Ground, port: number): string {
    return `# Written by the bench; bench/README.md says why each line is as it is.
loglevel: error
hosts: [ ${ground.domain} ]
certfiles: [ "${join(this.#directory, 'bench.pem')}" ]
auth_method: internal
auth_password_format: ${this.stored === 'hashed' ? 'scram' : 'plain'}
acme: { auto: false }
listen:
  -
    port: ${port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 262144
    shaper: none
    access: all
    starttls: true
    starttls_required: false
    backlog: 1024
modules: {}
`
  }
}
