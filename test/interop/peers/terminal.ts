/** A program that wants a terminal: it runs in tmux, whose control mode tells us by lines when the screen changes. */
import { basename } from 'node:path'
import { Program } from './program.ts'

export interface Seat {
  /** One shell command line. */
  readonly command: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** A name for the tmux socket that nobody else has. */
  readonly socket: string
}

export class Terminal {
  readonly #tmux: Program
  readonly #changed: (() => void)[] = []
  #answer: string[] | undefined
  readonly #reply: { resolve(lines: string[]): void; reject(error: Error): void }[] = []
  #ended = false

  private constructor(tmux: Program) {
    this.#tmux = tmux
    tmux.lines.listen((line) => this.#line(line))
    void tmux.ended.then(() => this.#end())
  }

  static async open({ command, env, socket }: Seat): Promise<Terminal> {
    // -f /dev/null: nobody's own configuration; TMUX is unset, so that a test can run inside somebody's tmux.
    // Its server is another process: told to end when nobody is attached, it cannot outlive a test that died.
    const endWithUs = ['set-option', '-s', 'exit-unattached', 'on', ';', 'set-option', '-g', 'destroy-unattached', 'on']
    const args = ['-L', socket, '-f', '/dev/null', '-C', 'new-session', '-x', '200', '-y', '50', command, ';', ...endWithUs]
    const settings = { TERM: 'screen-256color', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', TMUX: undefined, ...env }
    const terminal = new Terminal(
      Program.start({ command: 'tmux', args, env: settings, package: 'tmux', name: `tmux: ${basename(socket)}` }),
    )
    await terminal.#started
    return terminal
  }

  /** Types a line and presses Enter. */
  async enter(text: string): Promise<void> {
    await this.#command(`send-keys -l ${quoted(text)}`)
    await this.#command('send-keys Enter')
  }

  async screen(): Promise<string> {
    return (await this.#command('capture-pane -p -J')).join('\n')
  }

  /** Resolves with the screen as soon as it shows that. */
  async shows(match: RegExp | string, ms = 15_000): Promise<string> {
    const deadline = Date.now() + ms
    while (true) {
      const change = new Promise<void>((resolve) => this.#changed.push(resolve))
      const screen = await this.screen()
      if (typeof match === 'string' ? screen.includes(match) : match.test(screen)) return screen
      const left = deadline - Date.now()
      if (left <= 0 || this.#ended)
        throw new Error(`${this.#tmux.name} did not show ${match} within ${ms} ms; its screen:\n${screen.trim()}`)
      await Promise.race([change, new Promise<void>((resolve) => setTimeout(resolve, left).unref())])
    }
  }

  async close(): Promise<void> {
    if (this.#tmux.isRunning) this.#tmux.write('kill-server\n')
    await this.#tmux.end()
  }

  // tmux answers its own new-session first, and that answer is nobody's.
  readonly #started = new Promise<string[]>((resolve, reject) => this.#reply.push({ resolve, reject }))

  #command(line: string): Promise<string[]> {
    return new Promise((resolve, reject) => {
      if (this.#ended) reject(new Error(`${this.#tmux.name} has ended`))
      this.#reply.push({ resolve, reject })
      this.#tmux.write(`${line}\n`)
    })
  }

  /** tmux(1), CONTROL MODE: answers stand between %begin and %end, everything else is a notice. */
  #line(line: string): void {
    if (line.startsWith('%begin ')) this.#answer = []
    else if (this.#answer && line.startsWith('%end ')) {
      this.#reply.shift()?.resolve(this.#answer)
      this.#answer = undefined
    } else if (this.#answer && line.startsWith('%error ')) {
      this.#reply.shift()?.reject(new Error(`tmux: ${this.#answer.join(' ')}`))
      this.#answer = undefined
    } else if (this.#answer) this.#answer.push(line)
    else if (line.startsWith('%output ')) for (const changed of this.#changed.splice(0)) changed()
  }

  #end(): void {
    this.#ended = true
    for (const reply of this.#reply.splice(0)) reply.reject(new Error(`${this.#tmux.name} ended`))
    for (const changed of this.#changed.splice(0)) changed()
  }
}

function quoted(text: string): string {
  return `"${text.replaceAll(/[\\"$~]/g, '\\$&')}"`
}
