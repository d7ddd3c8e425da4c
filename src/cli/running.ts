/** `stoxgate status` and `stoxgate reload`: a word with a gateway that runs. */
import { ask, type ControlRequest, controlPath } from '../admin/control.ts'
import { dataDirectory } from '../config/settings.ts'
import { configured } from './configuration.ts'
import { CommandError, DONE } from './outcome.ts'
import type { Terminal } from './terminal.ts'

export async function status(terminal: Terminal, file: string | undefined): Promise<number> {
  const result = await tell(file, { command: 'status' })
  if (typeof result === 'object' && result !== null)
    for (const [name, value] of Object.entries(result)) terminal.stdout.write(`${name} ${String(value)}\n`)
  return DONE
}

export async function reload(terminal: Terminal, file: string | undefined): Promise<number> {
  const needingRestart = await tell(file, { command: 'reload' })
  terminal.stdout.write('the gateway has read its configuration and certificates again\n')
  if (Array.isArray(needingRestart) && needingRestart.length > 0)
    terminal.stdout.write(`changed, but only a restart brings it: ${needingRestart.join(', ')}\n`)
  return DONE
}

async function tell(file: string | undefined, request: ControlRequest): Promise<unknown> {
  const settings = await configured(file)
  const reply = await ask(controlPath(dataDirectory(settings)), request)
  if (!reply) throw new CommandError(`no gateway runs with ${settings.store.sqlite}; "stoxgate start" starts one`)
  if (!reply.ok) throw new CommandError(reply.error)
  return reply.result
}
