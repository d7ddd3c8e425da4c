/** What a person would see, kept, and read as one would: arrows with what stands on and below them. */

export class Screen {
  text = ''
  readonly #wanted: (() => void)[] = []

  write(text: string): void {
    this.text += text
    for (const look of this.#wanted.splice(0)) look()
  }

  get lines(): string[] {
    return this.text.split('\n')
  }

  /** Resolves with the match as soon as it can be seen. */
  until(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve) => {
      const look = () => {
        const match = pattern.exec(this.text)
        if (match) resolve(match)
        else this.#wanted.push(look)
      }
      look()
    })
  }
}

export interface Arrow {
  readonly side: 'xmpp' | 'sip'
  /** `> ` or `< `, the way it points on the screen, and what stands on it. */
  readonly text: string
  /** What stands below, its lines joined. */
  readonly notes: string
  /** What stands beside it. */
  readonly ms: number
}

/** Line, half, line, half, line: behind ten columns for the time. */
const ROW = /^(.{10})[│├](.*?)[│├┤](.*)[│┤]$/u

export function arrowsIn(lines: readonly string[]): Arrow[] {
  const arrows: { side: 'xmpp' | 'sip'; text: string; notes: string; ms: number }[] = []
  for (const line of lines) {
    const [, time = '', left = '', right = ''] = ROW.exec(line) ?? []
    const side = left.trim() !== '' ? 'xmpp' : 'sip'
    const cell = (side === 'xmpp' ? left : right).trim()
    const arrow = /^─ (.*) ─+►$/u.exec(cell) ?? /^◄─+ (.*) ─$/u.exec(cell)
    if (arrow) arrows.push({ side, text: `${cell.startsWith('◄') ? '<' : '>'} ${arrow[1]}`, notes: '', ms: milliseconds(time) })
    const last = arrows.at(-1)
    if (arrow || !last || cell === '' || cell.startsWith('═')) continue
    last.notes = last.notes === '' ? cell : `${last.notes} ${cell}`
  }
  return arrows
}

function milliseconds(time: string): number {
  const [amount = '', unit = ''] = time.trim().split(' ')
  return Number(amount) * (unit === 's' ? 1_000 : 1)
}
