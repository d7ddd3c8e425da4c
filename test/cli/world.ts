/** A command line without a process: what is typed goes in, what is printed is kept. */
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { run, type World } from '../../src/cli/program.ts'
import type { StartGateway } from '../../src/cli/start.ts'

export class Printed {
  text = ''
  #waiting: (() => void)[] = []

  constructor(readonly isTTY = false) {}

  write(text: string): void {
    this.text += text
    for (const wake of this.#waiting.splice(0)) wake()
  }

  async until(part: string): Promise<void> {
    while (!this.text.includes(part))
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
  }
}

/** Standard input; with `isTTY` it can be told to show nothing, as a terminal can. */
export class Typed extends PassThrough {
  isRaw = false

  constructor(readonly isTTY = false) {
    super()
  }

  setRawMode(raw: boolean): void {
    this.isRaw = raw
  }
}

export class TestWorld implements World {
  readonly stdin: Typed
  readonly stdout = new Printed()
  readonly stderr: Printed
  readonly signals = new EventEmitter()
  startGateway: StartGateway = () => Promise.reject(new Error('nobody starts a gateway here'))

  constructor({ isTTY = false }: { isTTY?: boolean } = {}) {
    this.stdin = new Typed(isTTY)
    this.stderr = new Printed(isTTY)
  }

  get terminal() {
    return { stdin: this.stdin, stdout: this.stdout, stderr: this.stderr }
  }

  run(...words: string[]): Promise<number> {
    return run(words, this)
  }
}
