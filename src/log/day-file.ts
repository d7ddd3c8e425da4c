/** Where the lines go: a file a day, continued in another when it is full, the oldest removed by age and by total size. A winston transport. */
import fs from 'node:fs'
import path from 'node:path'
import Transport from 'winston-transport'

export interface DayFileSettings {
  readonly directory: string
  /** A file that grows beyond this is continued in another of the same day. */
  readonly maxBytes: number
  /** All files together: the oldest go first, so that no flood of lines fills the disk. */
  readonly maxTotalBytes: number
  /** Files of days older than this are removed. */
  readonly keepMs: number
  /** The line that tells how many lines could not be written. */
  readonly lostLine: (count: number) => string
  readonly now?: () => number
}

/** Lines waiting for a slow disk; beyond it lines are counted and dropped, because the gateway's memory is worth more. */
export const WAITING_MAX_BYTES = 16 * 1024 * 1024

/** Where winston keeps the finished line. */
export const MESSAGE = Symbol.for('message')
const NAME = /^stoxgate-(\d{4}-\d{2}-\d{2})(?:\.(\d{1,9}))?\.log$/
const DAY_MS = 86_400_000

export class DayFile extends Transport {
  readonly #settings: DayFileSettings
  readonly #now: () => number
  #file: { fd: number; name: string; day: string; bytes: number } | undefined
  #waiting: string[] = []
  #waitingBytes = 0
  #lost = 0
  #isWriting = false
  #complained = false
  #whenDry: (() => void) | undefined

  constructor(settings: DayFileSettings) {
    super()
    this.#settings = settings
    this.#now = settings.now ?? Date.now
    fs.mkdirSync(settings.directory, { recursive: true, mode: 0o750 })
    this.#open(this.#today())
  }

  override log(info: { [MESSAGE]: string }, taken: () => void): void {
    const line = `${info[MESSAGE]}\n`
    const bytes = Buffer.byteLength(line)
    if (this.#waitingBytes + bytes > WAITING_MAX_BYTES) this.#lost++
    else {
      this.#waiting.push(line)
      this.#waitingBytes += bytes
    }
    if (!this.#isWriting) {
      this.#isWriting = true
      // One write for all lines of this turn of the event loop.
      setImmediate(() => this.#write())
    }
    taken()
  }

  override _final(done: () => void): void {
    const close = () => {
      if (this.#file) fs.closeSync(this.#file.fd)
      this.#file = undefined
      done()
    }
    if (this.#isWriting) this.#whenDry = close
    else close()
  }

  #write(): void {
    if (this.#lost > 0 && this.#waitingBytes < WAITING_MAX_BYTES / 2) {
      this.#waiting.push(`${this.#settings.lostLine(this.#lost)}\n`)
      this.#lost = 0
    }
    if (this.#waiting.length === 0) {
      this.#isWriting = false
      this.#whenDry?.()
      return
    }
    const count = this.#waiting.length
    let chunk: Buffer
    try {
      chunk = this.#takeWhatFits()
    } catch (cause) {
      this.#giveUp(cause, 0)
      return
    }
    this.#writeAll(chunk, count - this.#waiting.length)
  }

  /** Opens the file these lines belong to, and takes as many as it still holds, at least one. */
  #takeWhatFits(): Buffer {
    const today = this.#today()
    let file = this.#file
    if (!file || file.day !== today || file.bytes >= this.#settings.maxBytes) file = this.#open(today)
    let room = this.#settings.maxBytes - file.bytes
    let taken = 0
    for (const line of this.#waiting) {
      room -= Buffer.byteLength(line)
      if (room < 0 && (taken > 0 || file.bytes > 0)) break
      taken++
    }
    if (taken === 0) {
      this.#open(today, true)
      return this.#takeWhatFits()
    }
    const chunk = Buffer.from(this.#waiting.splice(0, taken).join(''))
    this.#waitingBytes = Math.max(0, this.#waitingBytes - chunk.length)
    return chunk
  }

  #writeAll(chunk: Buffer, lines: number): void {
    const file = this.#file
    if (!file) throw new Error('lines were taken without an open file')
    fs.write(file.fd, chunk, (cause, written) => {
      if (cause) {
        this.#giveUp(cause, lines)
        return
      }
      file.bytes += written
      this.#complained = false
      if (written < chunk.length) this.#writeAll(chunk.subarray(written), lines)
      else this.#write()
    })
  }

  /** A full disk must not end the gateway: said once on standard error, counted, and tried again with the next line. */
  #giveUp(cause: unknown, taken: number): void {
    this.#lost += taken + this.#waiting.length
    this.#waiting = []
    this.#waitingBytes = 0
    this.#isWriting = false
    if (!this.#complained) process.stderr.write(`the log in ${this.#settings.directory} cannot be written: ${String(cause)}\n`)
    this.#complained = true
    this.#whenDry?.()
  }

  #today(): string {
    return new Date(this.#now()).toISOString().slice(0, 10)
  }

  /** The last file of the day, or the one after it where that is full. */
  #open(day: string, next = false): { fd: number; name: string; day: string; bytes: number } {
    if (this.#file) fs.closeSync(this.#file.fd)
    this.#file = undefined
    const { directory, maxBytes } = this.#settings
    const ofToday = this.#files().filter((file) => file.day === day)
    const last = ofToday.at(-1)
    let number = last?.number ?? 0
    if (last && (next || last.bytes >= maxBytes)) number++
    const name = number === 0 ? `stoxgate-${day}.log` : `stoxgate-${day}.${number}.log`
    const fd = fs.openSync(path.join(directory, name), 'a', 0o640)
    this.#file = { fd, name, day, bytes: fs.fstatSync(fd).size }
    this.#removeOld()
    return this.#file
  }

  #removeOld(): void {
    const { directory, keepMs, maxTotalBytes } = this.#settings
    const files = this.#files()
    let total = 0
    for (const file of files) total += file.bytes
    for (const file of files) {
      if (file.name === this.#file?.name) continue
      const endOfDay = Date.parse(file.day) + DAY_MS
      if (endOfDay + keepMs > this.#now() && total <= maxTotalBytes) continue
      fs.rmSync(path.join(directory, file.name), { force: true })
      total -= file.bytes
    }
  }

  /** Ours only, oldest first. */
  #files(): { name: string; day: string; number: number; bytes: number }[] {
    const files = []
    for (const name of fs.readdirSync(this.#settings.directory)) {
      const [, day, number] = NAME.exec(name) ?? []
      if (day === undefined) continue
      const stat = fs.statSync(path.join(this.#settings.directory, name), { throwIfNoEntry: false })
      if (stat?.isFile()) files.push({ name, day, number: Number(number ?? 0), bytes: stat.size })
    }
    return files.sort((a, b) => (a.day === b.day ? a.number - b.number : a.day < b.day ? -1 : 1))
  }
}
