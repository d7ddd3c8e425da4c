/** A real program that a test starts, talks to by lines, and ends by its process id. */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { Arrivals } from './arrivals.ts'

export interface Invocation {
  readonly command: string
  readonly args?: readonly string[]
  /** Added to our own environment; undefined removes a name. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** The Debian package that has it. */
  readonly package: string
  /** What the reports call it; the command's name otherwise. */
  readonly name?: string
}

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A test that needs a missing program fails with this sentence, or is skipped where STOXGATE_INTEROP_SKIP_MISSING=1. */
export class MissingProgramError extends Error {
  constructor(command: string, debianPackage: string) {
    super(`${command} is not installed: apt-get install --no-install-recommends ${debianPackage}`)
    this.name = 'MissingProgramError'
  }
}

// One that outlived its test must not outlive the test run.
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export class Program {
  /** Its lines, of standard output and standard error alike, in the order they came. */
  readonly lines: Arrivals<string>
  readonly ended: Promise<Ending>
  readonly #child: ChildProcess

  private constructor(
    child: ChildProcess,
    readonly name: string,
  ) {
    this.#child = child
    this.lines = new Arrivals(name)
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.lines.push(line))
    }
    // A program that has ended no longer reads: its exit is the news, not our EPIPE.
    child.stdin?.on('error', () => undefined)
    this.ended = new Promise((resolve) => {
      child.on('close', (code, signal) => {
        running.delete(child)
        this.lines.close(`it ended (${signal ?? `exit ${code}`})`)
        resolve({ code, signal })
      })
    })
  }

  static start(invocation: Invocation): Program {
    const { command, args = [], env = {}, cwd } = invocation
    if (!isInstalled(command)) throw new MissingProgramError(command, invocation.package)
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
    running.add(child)
    return new Program(child, invocation.name ?? command)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  write(text: string): void {
    this.#child.stdin?.write(text)
  }

  endInput(): void {
    this.#child.stdin?.end()
  }

  line(match: RegExp | string, ms?: number): Promise<string> {
    const matches = typeof match === 'string' ? (line: string) => line.includes(match) : (line: string) => match.test(line)
    return this.lines.take(`a line with ${match}`, matches, ms)
  }

  /** Resolves when it has ended by itself; a program that does not is killed and reported. */
  async end(ms = 10_000): Promise<Ending> {
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.#child.kill('SIGKILL')
    }, ms)
    const ending = await this.ended
    clearTimeout(timer)
    if (late)
      throw new Error(`${this.name} had not ended after ${ms} ms and was killed; it last said: ${this.lines.all.slice(-5).join(' | ')}`)
    return ending
  }

  stop(signal: NodeJS.Signals = 'SIGTERM', ms = 10_000): Promise<Ending> {
    if (this.isRunning) this.#child.kill(signal)
    return this.end(ms)
  }
}

export function isInstalled(command: string): boolean {
  if (command.includes('/')) return isExecutable(command)
  return (process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, command)))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
