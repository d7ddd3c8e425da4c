/** What a room may say to the log. The level is compared before anything is formatted; winston is behind it (winston.ts). */

/** The model's names, from few words to many. */
export const LEVELS = ['failures', 'major', 'problems', 'low-level', 'all'] as const
export type Level = (typeof LEVELS)[number]

/** `what` is stable and grep-able; errors end in `_failed`. Bodies and secrets never stand here. */
export interface Fact {
  readonly what: string
  readonly [key: string]: unknown
}

export interface Log {
  /** Whether facts of this level are written at all: ask before building a costly one. */
  readonly wants: { readonly [level in Level]: boolean }
  failure(fact: Fact): void
  major(fact: Fact): void
  problem(fact: Fact): void
  lowLevel(fact: Fact): void
  /** The full text of what crossed, with passwords and SASL payloads blanked by the caller. */
  all(fact: Fact): void
  /** The same log under another tag, e.g. `XMPPI-000123([127.0.0.1]:51234)`. */
  tagged(tag: string): Log
}

/** For tests and for rooms that nobody listens to. */
export const silent: Log = {
  wants: { failures: false, major: false, problems: false, 'low-level': false, all: false },
  failure: () => {},
  major: () => {},
  problem: () => {},
  lowLevel: () => {},
  all: () => {},
  tagged: () => silent,
}
