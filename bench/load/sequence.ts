/** Reads numbered chat messages out of a session's text: each must follow the one before. */
import type { Client } from './client.ts'

export class Sequence {
  received = 0
  problem: string | undefined
  #rest = ''

  /** `arrived` is told how many came in one chunk. */
  constructor(
    client: Client,
    readonly arrived: (count: number) => void,
  ) {
    client.onText = (text) => this.#read(text)
    client.onEnd = () => {
      this.problem ??= 'the connection ended'
    }
  }

  #read(chunk: string): void {
    const text = this.#rest === '' ? chunk : this.#rest + chunk
    let from = 0
    let count = 0
    for (;;) {
      const end = text.indexOf('</message>', from)
      if (end < 0) break
      const body = text.indexOf('<body>', from)
      const number = body < 0 || body > end ? Number.NaN : Number.parseInt(text.slice(body + 6, body + 18), 10)
      if (number !== this.received + 1) this.problem ??= `expected message ${this.received + 1}, got ${text.slice(from, end + 10)}`
      this.received++
      count++
      from = end + 10
    }
    this.#rest = from === text.length ? '' : text.slice(from)
    if (count > 0) this.arrived(count)
  }
}

const words = 'But, soft! what light through yonder window breaks? It is the east'

/** The body that a Sequence, or a telephone, expects: the number first. */
export function body(number: number): string {
  return `${number} ${words}`
}

export function message(to: string, number: number): string {
  return `<message to='${to}' type='chat' id='m${number}'><body>${body(number)}</body></message>`
}
