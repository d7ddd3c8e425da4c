/** One fact as one line of the log, in text or as JSON. `text` in a fact is what crossed a wire: in the text form a block of its own. */
import type { Fact, Level } from './log.ts'
import { block, inert, plain, quoted } from './value.ts'

export type Line = (at: Date, level: Level, tag: string, fact: Fact) => string

/** `2026-11-22T12:00:00.000Z MAJOR XMPPI-000123([127.0.0.1]:51234) client_refused why=channels limit=5000` */
export const textLine: Line = (at, level, tag, fact) => {
  let line = `${at.toISOString()} ${level.toUpperCase()} ${quoted(tag)} ${quoted(fact.what)}`
  let below = ''
  for (const key of Object.keys(fact)) {
    if (key === 'what') continue
    const value = fact[key]
    if (key === 'text' && typeof value === 'string') {
      below += block(value)
      continue
    }
    const shown = plain(value)
    if (shown === undefined) continue
    line += ` ${quoted(key)}=${typeof shown === 'string' ? quoted(shown) : inert(JSON.stringify(shown))}`
    const stack = stackOf(level, value)
    if (stack !== undefined) below += block(stack)
  }
  return line + below
}

/** One JSON object a line; `time`, `level`, `tag` and `what` come first and cannot be overwritten by the fact. */
export const jsonLine: Line = (at, level, tag, fact) => {
  const object: Record<string, unknown> = { time: at.toISOString(), level, tag, what: fact.what }
  for (const key of Object.keys(fact)) {
    if (Object.hasOwn(object, key)) continue
    const value = fact[key]
    object[key] = key === 'text' && typeof value === 'string' ? value : plain(value)
    const stack = stackOf(level, value)
    if (stack !== undefined) object[`${key}Stack`] = stack
  }
  return inert(JSON.stringify(object))
}

/** Only a failure is our own bug; elsewhere the message says it all. */
function stackOf(level: Level, value: unknown): string | undefined {
  return level === 'failures' && value instanceof Error ? value.stack : undefined
}
