/** The SIP messages a program prints as it sends and receives them. */
import { Arrivals } from './arrivals.ts'
import type { Program } from './program.ts'

export interface Traced {
  /** 0 for a request. */
  readonly status: number
  readonly reason: string
  /** The method: a request's own, or that of a response's CSeq. */
  readonly method: string
  readonly text: string
}

/** How a program prints: the line before each message, and the line after it (or the end of its last one). */
export interface TraceStyle {
  readonly before: RegExp
  readonly after: RegExp
}

export class SipTrace {
  readonly messages: Arrivals<Traced>
  readonly #style: TraceStyle
  #block: string[] | undefined

  constructor(program: Program, style: TraceStyle) {
    this.#style = style
    this.messages = new Arrivals<Traced>(`${program.name}’s SIP trace`, ({ text }) => text.split('\n', 1)[0] ?? '')
    program.lines.listen((line) => this.#line(line))
    void program.ended.then(() => this.messages.close('it ended'))
  }

  /** A final response to that method, except the challenges that digest answers. */
  response(method: string, ms?: number): Promise<Traced> {
    const isFinal = ({ status }: Traced): boolean => status >= 200 && status !== 401 && status !== 407
    return this.messages.take(`a final response to ${method}`, (message) => message.method === method && isFinal(message), ms)
  }

  request(method: string, ms?: number): Promise<Traced> {
    return this.messages.take(`a ${method}`, (message) => message.method === method && message.status === 0, ms)
  }

  #line(line: string): void {
    const { before, after } = this.#style
    if (this.#block && after.test(line)) {
      this.messages.push(traced([...this.#block, line.replace(after, '')]))
      this.#block = undefined
    }
    if (before.test(line)) this.#block = []
    else this.#block?.push(line)
  }
}

function traced(lines: readonly string[]): Traced {
  const text = lines.join('\n').trimStart()
  const response = /^SIP\/2\.0 (\d{3}) ?(.*)/.exec(text)
  const method = response ? /^CSeq: \d+ (\w+)/im.exec(text)?.[1] : /^\w+/.exec(text)?.[0]
  return { status: Number(response?.[1] ?? 0), reason: response?.[2] ?? '', method: method ?? '', text }
}
