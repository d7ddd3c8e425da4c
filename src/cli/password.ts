/** A password from whoever types it, unseen, or from a script through standard input. Never from the command line, which every user of the machine can read. */
import { StringDecoder } from 'node:string_decoder'
import { CommandError, FAILED, INTERRUPTED, MISUSED } from './outcome.ts'
import type { Input, Terminal } from './terminal.ts'

/** Bytes of standard input worth reading for one line. */
const INPUT_MAX_BYTES = 65_536
const TRIES = 3

/** `given`: what stands behind --password; only `-` is meant for it. */
export async function newPassword(terminal: Terminal, of: string, given: string | undefined): Promise<string> {
  if (given !== undefined && given !== '-')
    throw new CommandError(
      'a password does not stand on the command line: leave --password away to be asked, or pipe it in with --password -',
      MISUSED,
    )
  if (given === '-') return fromInput(terminal.stdin)
  if (!terminal.stdin.isTTY)
    throw new CommandError('there is no terminal to ask for the password on: pipe it in with --password -', MISUSED)
  const prompt = new Prompt(terminal)
  try {
    for (let i = 0; i < TRIES; i++) {
      const password = await prompt.unseen(`Password for ${of}: `)
      if (password === (await prompt.unseen('The same once more: '))) return password
      terminal.stderr.write('The two are not the same.\n')
    }
  } finally {
    prompt.end()
  }
  throw new CommandError('no password was set', FAILED)
}

/** One line; what an editor or echo puts behind it is no part of the password. */
async function fromInput(stdin: Input): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stdin) {
    const buffer = Buffer.from(chunk)
    bytes += buffer.length
    if (bytes > INPUT_MAX_BYTES) throw new CommandError('standard input is no password: it is too long', MISUSED)
    chunks.push(buffer)
  }
  const text = Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, '')
  if (text === '') throw new CommandError('there was no password on standard input', MISUSED)
  if (text.includes('\n')) throw new CommandError('standard input is no password: it has several lines', MISUSED)
  return text
}

const ENTER = /[\r\n]/
const ESCAPE_SEQUENCE = /^\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Z]|.)/

/** Reads lines from a terminal that shows nothing. */
class Prompt {
  readonly #terminal: Terminal
  readonly #decoder = new StringDecoder('utf8')
  #typed = ''
  #wake: () => void = () => {}
  #isOver = false

  constructor(terminal: Terminal) {
    this.#terminal = terminal
    terminal.stdin.on('data', this.#arrived)
    terminal.stdin.on('end', this.#over)
    terminal.stdin.setRawMode?.(true)
    terminal.stdin.resume()
  }

  end(): void {
    const { stdin } = this.#terminal
    stdin.setRawMode?.(false)
    stdin.off('data', this.#arrived)
    stdin.off('end', this.#over)
    stdin.pause()
  }

  async unseen(question: string): Promise<string> {
    this.#terminal.stderr.write(question)
    let line = ''
    for (;;) {
      const key = await this.#key()
      if (ENTER.test(key)) break
      if (key === '\x03') {
        this.#terminal.stderr.write('\n')
        throw new CommandError('interrupted; nothing was changed', INTERRUPTED)
      }
      if (key === '\x04') throw new CommandError('no password was given', FAILED)
      if (key === '\x7f' || key === '\b') line = Array.from(line).slice(0, -1).join('')
      else if (key === '\x15') line = ''
      else if (key >= ' ') line += key
    }
    this.#terminal.stderr.write('\n')
    return line
  }

  /** One character, or a whole escape sequence (an arrow key), which is none. */
  async #key(): Promise<string> {
    while (this.#typed === '') {
      if (this.#isOver) return '\x04'
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const sequence = ESCAPE_SEQUENCE.exec(this.#typed)?.[0]
    const key = sequence ?? String.fromCodePoint(this.#typed.codePointAt(0) ?? 0)
    this.#typed = this.#typed.slice(key.length)
    // Pasted with CR LF: one end of line.
    if (key === '\r' && this.#typed.startsWith('\n')) this.#typed = this.#typed.slice(1)
    return sequence === undefined ? key : '\0'
  }

  readonly #arrived = (chunk: Buffer | string): void => {
    this.#typed += typeof chunk === 'string' ? chunk : this.#decoder.write(chunk)
    this.#wake()
  }

  readonly #over = (): void => {
    this.#isOver = true
    this.#wake()
  }
}
