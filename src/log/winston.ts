/** The log, on winston: the level is compared before anything is formatted, the line is made once, and winston takes it to its places. */
import winston from 'winston'
import { DayFile, MESSAGE } from './day-file.ts'
import { type TagLevels, Thresholds, type Wants } from './levels.ts'
import { jsonLine, type Line, textLine } from './line.ts'
import { type Fact, LEVELS, type Level, type Log } from './log.ts'

export interface LogSettings {
  /** Where the files go; undefined: standard error only. */
  readonly directory: string | undefined
  readonly format: 'text' | 'json'
  /** A file that grows beyond this is continued in another of the same day. */
  readonly maxBytes: number
  /** Files older than this are removed when a new one is begun. */
  readonly keepMs: number
  /** All files together; the oldest go first. */
  readonly maxTotalBytes: number
  readonly levels: TagLevels
  /** Standard error besides the files; without a directory it is used anyway. */
  readonly console: boolean
}

export interface OpenLog {
  /** Tagged CORE; rooms ask it for their own. */
  readonly log: Log
  setLevels(levels: TagLevels): void
  /** Resolves when every line written so far is in its file. */
  close(): Promise<void>
}

const WINSTON_LEVELS = Object.fromEntries(LEVELS.map((level, number) => [level, number]))

/** Throws what opening the first file throws (no such directory, no right to write): a log that cannot be written must be known at start. */
export function openLog(settings: LogSettings): OpenLog {
  const thresholds = new Thresholds(settings.levels)
  const sink = new Sink(settings, thresholds)
  return {
    log: new TaggedLog('CORE', thresholds.forTag('CORE'), sink),
    setLevels: (levels) => thresholds.set(levels),
    close: () => sink.close(),
  }
}

class Sink {
  readonly #logger: winston.Logger
  readonly #line: Line
  #closed: Promise<void> | undefined

  constructor(
    settings: LogSettings,
    readonly thresholds: Thresholds,
  ) {
    this.#line = settings.format === 'json' ? jsonLine : textLine
    const transports: winston.transport[] = []
    const lostLine = (count: number) => this.#line(new Date(), 'failures', 'CORE', { what: 'log_lines_lost', count })
    if (settings.directory !== undefined) transports.push(new DayFile({ ...settings, directory: settings.directory, lostLine }))
    if (settings.console || transports.length === 0) transports.push(new winston.transports.Console({ stderrLevels: [...LEVELS] }))
    // No level and no format here: what arrives has passed the threshold of its tag and is one finished line.
    this.#logger = winston.createLogger({ levels: WINSTON_LEVELS, level: 'all', format: finished, transports })
  }

  write(level: Level, tag: string, fact: Fact): void {
    if (this.#closed) return
    this.#logger.write({ level, [MESSAGE]: this.#line(new Date(), level, tag, fact) })
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      // A pipe that is read slowly holds lines back after winston is done with them.
      this.#logger.once('finish', () => process.stderr.write('', () => resolve()))
      this.#logger.end()
    })
    return this.#closed
  }
}

const finished: winston.Logform.Format = { transform: (info) => info }

/** Three fields, because every session has one of these. */
class TaggedLog implements Log {
  private readonly tag: string
  readonly wants: Wants
  private readonly sink: Sink

  constructor(tag: string, wants: Wants, sink: Sink) {
    this.tag = tag
    this.wants = wants
    this.sink = sink
  }

  failure(fact: Fact): void {
    this.sink.write('failures', this.tag, fact)
  }

  major(fact: Fact): void {
    if (this.wants.major) this.sink.write('major', this.tag, fact)
  }

  problem(fact: Fact): void {
    if (this.wants.problems) this.sink.write('problems', this.tag, fact)
  }

  lowLevel(fact: Fact): void {
    if (this.wants['low-level']) this.sink.write('low-level', this.tag, fact)
  }

  all(fact: Fact): void {
    if (this.wants.all) this.sink.write('all', this.tag, fact)
  }

  tagged(tag: string): Log {
    return new TaggedLog(tag, this.sink.thresholds.forTag(tag), this.sink)
  }
}
