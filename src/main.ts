#!/usr/bin/env node
/** The entry: the process as the command line sees it. The gateway is loaded only by who starts one. */
import { run } from './cli/program.ts'

/** What may still be open when a command has ended gets this long to close. */
const LINGER_MS = 2_000

// `stoxgate account list | head`: who stopped reading has what they wanted, and a gateway goes on without them.
for (const output of [process.stdout, process.stderr]) {
  output.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EPIPE') throw cause
  })
}

const code = await run(process.argv.slice(2), {
  terminal: process,
  signals: process,
  startGateway: async (...given) => (await import('./gateway.ts')).startGateway(...given),
})
process.exitCode = code
// A pager may take its time to read what was printed; nothing else may.
for (const output of [process.stdout, process.stderr]) await new Promise<void>((resolve) => output.write('', () => resolve()))
setTimeout(() => process.exit(code), LINGER_MS).unref()
