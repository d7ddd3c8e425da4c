/** `stoxgate start`: a gateway from its configuration to its end, with what scripts wait for on standard output. */
import fs from 'node:fs'
import { ControlError, ControlServer, controlPath } from '../admin/control.ts'
import { loadSettings } from '../config/load.ts'
import { mistakeLine } from '../config/mistake.ts'
import { dataDirectory, type Settings } from '../config/settings.ts'
import type { Gateway, Software } from '../gateway.ts'
import { type Log, silent } from '../log/log.ts'
import { type OpenLog, openLog } from '../log/winston.ts'
import { openSqlite } from '../store/sqlite.ts'
import { configured } from './configuration.ts'
import { hostPort } from './host-port.ts'
import { nextSteps } from './next-steps.ts'
import { CommandError, DONE, FAILED } from './outcome.ts'
import { startFailure } from './start-failure.ts'
import type { Terminal } from './terminal.ts'

export type StartGateway = (settings: Settings, software: Software, log: Log) => Promise<Gateway>

/** Of the process, what a gateway listens to. */
export interface Signals {
  on(signal: string, listener: (cause: unknown) => void): unknown
  off(signal: string, listener: (cause: unknown) => void): unknown
}

export interface Starting {
  readonly terminal: Terminal
  readonly signals: Signals
  readonly software: Software
  readonly startGateway: StartGateway
}

/** Resolves with the exit code when the gateway has ended. */
export async function start(file: string | undefined, starting: Starting): Promise<number> {
  const running = new Running(file, await configured(file), starting)
  try {
    await running.begin()
    await running.untilStopped
    return DONE
  } catch (cause) {
    const sentence = startFailure(cause)
    if (sentence === undefined) throw cause
    throw new CommandError(sentence, FAILED)
  } finally {
    await running.end()
  }
}

class Running {
  readonly #file: string | undefined
  readonly #settings: Settings
  readonly #starting: Starting
  readonly #signals: readonly (readonly [string, (cause: unknown) => void])[]
  #stop: () => void = () => {}
  /** SIGTERM or SIGINT came. */
  readonly untilStopped = new Promise<void>((resolve) => {
    this.#stop = resolve
  })
  #log: OpenLog | undefined
  #control: ControlServer | undefined
  #gateway: Gateway | undefined
  /** Reloads one after the other; never rejects. */
  #reloading: Promise<unknown> = Promise.resolve()

  constructor(file: string | undefined, settings: Settings, starting: Starting) {
    this.#file = file
    this.#settings = settings
    this.#starting = starting
    this.#signals = [
      ['SIGTERM', () => this.#stop()],
      ['SIGINT', () => this.#stop()],
      ['SIGHUP', () => void this.#reloadBySignal()],
      ['uncaughtException', (cause) => this.#unexpected(cause)],
      ['unhandledRejection', (cause) => this.#unexpected(cause)],
    ]
  }

  async begin(): Promise<void> {
    const { terminal, signals, software, startGateway } = this.#starting
    const settings = this.#settings
    for (const [name, listener] of this.#signals) signals.on(name, listener)
    fs.mkdirSync(dataDirectory(settings), { recursive: true, mode: 0o700 })
    const control = new ControlServer(controlPath(dataDirectory(settings)), this.#handlers(), () => this.#log?.log ?? silent)
    // First of all: two gateways on one database would undo each other's work.
    await control.listen()
    this.#control = control
    this.#log = openLog({ ...settings.log, console: terminal.stderr.isTTY === true })
    const gateway = await startGateway(settings, software, this.#log.log)
    this.#gateway = gateway
    for (const { what, address, port } of gateway.listening) terminal.stdout.write(`listening ${what} ${hostPort(address, port)}\n`)
    terminal.stdout.write('stoxgate ready\n')
    if (!(await hasAccounts(settings))) terminal.stdout.write(nextSteps(settings, gateway.listening))
  }

  async end(): Promise<void> {
    await this.#reloading
    await this.#control?.close()
    await this.#gateway?.stop()
    await this.#log?.close()
    for (const [name, listener] of this.#signals) this.#starting.signals.off(name, listener)
  }

  #handlers() {
    const running = (): Gateway => {
      if (!this.#gateway) throw new ControlError('the gateway is still starting; try again in a moment')
      return this.#gateway
    }
    return {
      accountChanged: (jid: Parameters<Gateway['accountChanged']>[0]) => running().accountChanged(jid),
      reload: () => {
        running()
        return this.#reload()
      },
      status: () => ({ pid: process.pid, ...this.#gateway?.status() }),
    }
  }

  async #reloadBySignal(): Promise<void> {
    try {
      await this.#reload()
    } catch (cause) {
      // Who sent the signal reads the log; the gateway goes on as it was.
      this.#log?.log.failure({ what: 'reload_failed', why: cause instanceof ControlError ? cause.message : cause })
    }
  }

  #reload(): Promise<readonly string[]> {
    const reloaded = this.#reloading.then(() => this.#reloadNow())
    this.#reloading = reloaded.catch(() => {})
    return reloaded
  }

  /** Throws ControlError with a text for who asked; everything is as it was then. */
  async #reloadNow(): Promise<readonly string[]> {
    if (!this.#gateway) return []
    const { settings, mistakes } = await loadSettings(this.#file)
    if (mistakes) throw new ControlError(mistakes.map(mistakeLine).join('\n'))
    try {
      const needingRestart = await this.#gateway.reload(settings)
      this.#log?.setLevels(settings.log.levels)
      return needingRestart
    } catch (cause) {
      const sentence = startFailure(cause)
      if (sentence === undefined) throw cause
      throw new ControlError(sentence)
    }
  }

  /** A mistake of ours that nobody caught: known once it is in the log. What else runs had no part in it, and goes on. */
  #unexpected(cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error(String(cause))
    if (this.#log && this.#gateway) this.#log.log.failure({ what: 'uncaught_failed', cause: error })
    else this.#starting.terminal.stderr.write(`${error.stack}\n`)
  }
}

async function hasAccounts(settings: Settings): Promise<boolean> {
  const store = openSqlite(settings.store.sqlite)
  try {
    return (await store.accounts.list()).length > 0
  } finally {
    await store.close()
  }
}
