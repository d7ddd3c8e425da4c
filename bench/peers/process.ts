/** Starting a server's process, waiting until it serves, and ending it by its own process id. */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, openSync } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

export interface Started {
  readonly pid: number
  readonly child: ChildProcess
  /** performance.now() just before the process was made. */
  readonly since: number
  stop(): Promise<void>
}

/** Open files a server may have: 2,500 sessions and what it needs itself. */
const openFiles = 16_384
/** How long a server may take to end after SIGTERM before SIGKILL. */
const endMs = 15_000

/** Where a command lies, looked for in PATH and where Debian keeps daemons. */
export function findCommand(name: string): string | undefined {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not here: the next folder.
    }
  }
  return undefined
}

/** The shell only raises the limit of open files and is then replaced: the pid is the server's own. */
export function startProcess(
  command: string,
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv; output: string | 'pipe' },
): Started {
  const raise = `ulimit -S -n ${openFiles} 2>/dev/null || ulimit -S -n "$(ulimit -H -n)"; exec "$@"`
  const sink = options.output === 'pipe' ? 'pipe' : openSync(options.output, 'a')
  const since = performance.now()
  const child = spawn('/bin/sh', ['-c', raise, 'sh', command, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', sink, sink],
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`${command} did not start`)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), endMs)
    await ended
    clearTimeout(timer)
  }
  return { pid, child, since, stop }
}

/** Resolves when a stream opening is answered with features; rejects when the process ends first or takes too long. */
export async function untilStreamAnswers(started: Started, port: number, domain: string, limitMs = 60_000): Promise<number> {
  while (performance.now() - started.since < limitMs) {
    if (started.child.exitCode !== null) throw new Error(`ended with ${started.child.exitCode} before it served`)
    if (await streamAnswers(port, domain)) return performance.now() - started.since
    await pause(10)
  }
  throw new Error(`does not serve after ${limitMs} ms`)
}

function streamAnswers(port: number, domain: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const end = (answered: boolean): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('error', () => end(false))
    socket.once('close', () => end(false))
    socket.setTimeout(2_000, () => end(false))
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (text.includes('</stream:features>')) end(true)
    })
    socket.write(`<stream:stream to='${domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`)
  })
}
