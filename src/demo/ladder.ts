/** The ladder: the client, the gateway and the telephone as three lines down the terminal, and what crosses between them as arrows. */
import { columnsOf, fitted, folded, harmless, wrapped } from './columns.ts'
import type { Crossing, Side, Witness } from './crossing.ts'
import type { Palette, Style } from './palette.ts'

export interface LadderOutput {
  write(text: string): unknown
}

/** Columns of a terminal that are used: with fewer nothing can be read, with more the eye loses the line. */
export const NARROWEST = 80
export const WIDEST = 200

const TIME_COLUMNS = 10
const CLIENT = "juliet's client"
const GATEWAY = 'gateway'
const TELEPHONE = "romeo's telephone"
const REMARK_COLUMNS_MAX = 96
/** `─ ` before a label, ` ─►` behind it. */
const AROUND_LABEL = 5
const NOTE_INDENT = 3
/** Of a header field, what shows its kind. */
const NOTE_LINES_MAX = 3

/** Painted text, and the columns it takes. */
interface Cell {
  readonly text: string
  readonly columns: number
}

const NOTHING: Cell = { text: '', columns: 0 }
const TONES: Readonly<Record<Crossing['tone'], Style | undefined>> = { asks: undefined, agrees: 'good', refuses: 'bad' }

export class Ladder implements Witness {
  /** When what is drawn now began; undefined until its first crossing. */
  #begun: number | undefined
  #isLive = false

  constructor(
    private readonly output: LadderOutput,
    /** Columns of the terminal at this moment: it may be resized. */
    private readonly columns: () => number,
    private readonly palette: Palette,
    private readonly now: () => number,
    private readonly clock: () => Date = () => new Date(),
  ) {}

  get width(): number {
    return Math.min(WIDEST, Math.max(NARROWEST, Math.trunc(this.columns())))
  }

  /** Text beside the ladder. */
  say(text: string, style: Style = 'plain'): void {
    this.output.write(`${this.palette.paint(text, style)}\n`)
  }

  names(): void {
    const { left, right } = this.#halves()
    const before = TIME_COLUMNS + left + 1 - Math.floor(GATEWAY.length / 2)
    const start = ' '.repeat(TIME_COLUMNS)
    const middle = ' '.repeat(Math.max(1, before - TIME_COLUMNS - CLIENT.length))
    const behind = right - Math.ceil(GATEWAY.length / 2) + 2 - TELEPHONE.length
    const { palette } = this
    this.say(
      start +
        palette.paint(CLIENT, 'xmpp') +
        middle +
        palette.paint(GATEWAY, 'strong') +
        ' '.repeat(Math.max(1, behind)) +
        palette.paint(TELEPHONE, 'sip'),
    )
  }

  scene(number: number, title: string, remark: string): void {
    this.#begun = undefined
    this.#rest()
    this.say(`${this.palette.paint(`${number}`.padStart(TIME_COLUMNS - 2), 'faint')}  ${this.palette.paint(title, 'strong')}`)
    const most = Math.min(this.width - TIME_COLUMNS, REMARK_COLUMNS_MAX)
    for (const line of wrapped(remark, most)) this.say(' '.repeat(TIME_COLUMNS) + this.palette.paint(line, 'faint'))
    this.#rest()
  }

  end(sentence: string): void {
    this.#rest()
    this.say(' '.repeat(TIME_COLUMNS) + this.palette.paint(sentence, 'faint'))
  }

  /** From now on the time of day stands beside what crosses, because nobody knows what will. */
  goLive(): void {
    this.#isLive = true
  }

  crossed(crossing: Crossing): void {
    const { side, direction, notes, tone } = crossing
    const { left, right } = this.#halves()
    const room = side === 'xmpp' ? left : right
    const goesRight = (side === 'xmpp') === (direction === 'in')
    const style = TONES[tone] ?? side
    const arrow = this.#arrow(crossing, room, goesRight, style)
    this.#row(this.#time(), side, arrow, goesRight ? 'start' : 'end')
    for (const note of notes) this.#note(note, side, room, goesRight, side === 'xmpp' ? style : 'faint')
  }

  remarked(side: Side, text: string): void {
    const { left, right } = this.#halves()
    const room = side === 'xmpp' ? left : right
    const words = ` ${fitted(harmless(text), room - 6)} `
    const before = Math.floor((room - columnsOf(words)) / 2)
    const behind = room - columnsOf(words) - before
    this.#row('', side, { text: this.palette.paint('═'.repeat(before) + words + '═'.repeat(behind), 'faint'), columns: room })
  }

  /** A block of lines near where its arrow begins. */
  #note(note: string, side: Side, room: number, goesRight: boolean, style: Style): void {
    const lines = folded(harmless(note), room - NOTE_INDENT - 1, NOTE_LINES_MAX)
    const widest = Math.max(...lines.map(columnsOf))
    const before = ' '.repeat(goesRight ? NOTE_INDENT : room - NOTE_INDENT - widest)
    for (const line of lines)
      this.#row('', side, { text: before + this.palette.paint(line, style), columns: before.length + columnsOf(line) })
  }

  #arrow({ what, said }: Crossing, room: number, goesRight: boolean, style: Style): Cell {
    const most = room - AROUND_LABEL
    const name = fitted(harmless(what), most)
    const left = most - columnsOf(name) - 1
    // Two quotation marks around one letter at least.
    const words = said !== undefined && left >= 4 ? ` “${fitted(harmless(said), left - 2)}”` : ''
    const line = '─'.repeat(room - columnsOf(name) - columnsOf(words) - 4)
    const { palette } = this
    const label = palette.paint(name, style) + words
    const text = goesRight
      ? `${palette.paint('─', style)} ${label} ${palette.paint(`${line}►`, style)}`
      : `${palette.paint(`◄${line}`, style)} ${label} ${palette.paint('─', style)}`
    return { text, columns: room }
  }

  /** One line of the ladder with nothing on it. */
  #rest(): void {
    this.#row('', 'xmpp', NOTHING)
  }

  /** `from`: at which end of its half an arrow begins. */
  #row(time: string, side: Side, cell: Cell, from?: 'start' | 'end'): void {
    const { left, right } = this.#halves()
    const { palette } = this
    const isLeft = side === 'xmpp'
    const half = (room: number, own: boolean) => (own ? cell.text + ' '.repeat(room - cell.columns) : ' '.repeat(room))
    const line = (begins: boolean, ends: boolean) => palette.paint(begins ? '├' : ends ? '┤' : '│', 'faint')
    this.output.write(
      palette.paint(time.padStart(TIME_COLUMNS - 1), 'faint') +
        ' ' +
        line(isLeft && from === 'start', false) +
        half(left, isLeft) +
        line(!isLeft && from === 'start', isLeft && from === 'end') +
        half(right, !isLeft) +
        line(false, !isLeft && from === 'end') +
        '\n',
    )
  }

  /** Columns between the lines. */
  #halves(): { readonly left: number; readonly right: number } {
    const both = this.width - TIME_COLUMNS - 3
    const left = Math.floor(both / 2)
    return { left, right: both - left }
  }

  #time(): string {
    if (this.#isLive) return this.clock().toTimeString().slice(0, 8)
    const now = this.now()
    this.#begun ??= now
    const ms = now - this.#begun
    return ms < 1_000 ? `${ms.toFixed(1)} ms` : `${(ms / 1_000).toFixed(2)} s`
  }
}
