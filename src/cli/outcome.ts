/** How a command ends: what scripts see (the exit code) and what a person reads (one line). */

export const DONE = 0
/** It could not be done: the account is there already, the port is in use. */
export const FAILED = 1
/** It was asked wrongly: the command line, the configuration. */
export const MISUSED = 2
/** By Ctrl-C, as shells count. */
export const INTERRUPTED = 130

/** Ends a command with a sentence on standard error. */
export class CommandError extends Error {
  override name = 'CommandError'

  constructor(
    message: string,
    readonly code: typeof FAILED | typeof MISUSED | typeof INTERRUPTED = FAILED,
  ) {
    super(message)
  }
}
