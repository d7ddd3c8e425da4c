/** The configuration a command works with, or all that is wrong with it. */
import { loadSettings } from '../config/load.ts'
import { mistakeLine } from '../config/mistake.ts'
import type { Settings } from '../config/settings.ts'
import { lacksOf } from '../sip-stack.ts'
import { CommandError, DONE, MISUSED } from './outcome.ts'
import type { Terminal } from './terminal.ts'

export async function configured(file: string | undefined): Promise<Settings> {
  const { settings, mistakes } = await loadSettings(file)
  if (settings) return settings
  throw new CommandError(mistakes.map(mistakeLine).join('\n'), MISUSED)
}

/** `stoxgate check`: every mistake as `file:line: key: sentence` on standard output, as tools that read such lines expect. */
export async function check(terminal: Terminal, file: string | undefined): Promise<number> {
  const { settings, mistakes } = await loadSettings(file)
  if (mistakes) {
    for (const mistake of mistakes) terminal.stdout.write(`${mistakeLine(mistake)}\n`)
    return MISUSED
  }
  const { domains, store, log } = settings
  terminal.stdout.write(`${settings.file ?? 'no configuration file; the defaults'}: nothing is wrong\n`)
  terminal.stdout.write(`domains   ${domains.map(({ name }) => name).join(', ')}\n`)
  terminal.stdout.write(`database  ${store.sqlite}\n`)
  terminal.stdout.write(`logs      ${log.directory ?? 'standard error'}\n`)
  for (const lack of await lacksOf(settings)) terminal.stdout.write(`lacks     ${lack} (sip.stack: ${settings.sip.stack})\n`)
  return DONE
}
