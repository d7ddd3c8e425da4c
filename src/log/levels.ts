/** Which facts a tag writes: a level for each kind of tag, changed while the process runs. */
import { LEVELS, type Level } from './log.ts'

export type Wants = { readonly [level in Level]: boolean }

/** Levels by what a tag begins with (`XMPPS`, `SIP`); `rest` for all others. */
export interface TagLevels {
  readonly rest: Level
  readonly [prefix: string]: Level
}

class Threshold implements Wants {
  failures = true
  major = false
  problems = false
  'low-level' = false
  all = false

  set(level: Level): void {
    const upTo = LEVELS.indexOf(level)
    // failures stay on whatever is set: it is the lowest there is.
    this.major = upTo >= 1
    this.problems = upTo >= 2
    this['low-level'] = upTo >= 3
    this.all = upTo >= 4
  }
}

/** One shared, living answer for all logs of a kind: a change reaches those that exist, and asking costs one field. */
export class Thresholds {
  readonly #byPrefix = new Map<string, Threshold>()
  readonly #rest = new Threshold()

  constructor(levels: TagLevels) {
    this.set(levels)
  }

  set(levels: TagLevels): void {
    for (const threshold of this.#byPrefix.values()) threshold.set(levels.rest)
    for (const [prefix, level] of Object.entries(levels)) this.#at(prefix).set(level)
    this.#rest.set(levels.rest)
  }

  forTag(tag: string): Wants {
    return this.#byPrefix.get(prefixOf(tag)) ?? this.#rest
  }

  #at(prefix: string): Threshold {
    let threshold = this.#byPrefix.get(prefix)
    if (!threshold) {
      threshold = new Threshold()
      this.#byPrefix.set(prefix, threshold)
    }
    return threshold
  }
}

function prefixOf(tag: string): string {
  let end = 0
  while (end < tag.length) {
    const code = tag.charCodeAt(end)
    if (code < 0x41 || code > 0x5a) break
    end++
  }
  return end === tag.length ? tag : tag.slice(0, end)
}
