/** `npm run demo`: the gateway, a client and a telephone that talk, and the ladder of what crosses. `--once` ends after the conversation. */
import { parseArgs } from 'node:util'
import { openLog } from '../log/winston.ts'
import { demonstrate } from './demonstration.ts'
import { hasColours, Palette } from './palette.ts'

/** For a pipe or a file, which have no width. */
const COLUMNS = 100
const PAUSE_MS = 700
const LINGER_MS = 2_000

const HELP = `Usage: npm run demo [-- --once]

Starts a gateway on free ports of this machine, lets an XMPP client and a SIP telephone talk, and draws what crosses.

  --once   ends after the conversation
  --help   prints this
`

const stop = new AbortController()
const { stdout, stderr, env } = process

async function main(): Promise<number> {
  let options: { once: boolean; help: boolean }
  try {
    options = parseArgs({ options: { once: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } }).values
  } catch (cause) {
    stderr.write(`${cause instanceof Error ? cause.message : cause}\n\n${HELP}`)
    return 2
  }
  if (options.help) {
    stdout.write(HELP)
    return 0
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end)
  // `npm run demo | head`: who stopped reading has seen enough.
  stdout.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EPIPE') throw cause
    stop.abort()
  })
  const { log, close } = openLog({
    directory: undefined,
    format: 'text',
    maxBytes: 0,
    keepMs: 0,
    maxTotalBytes: 0,
    levels: { rest: 'failures', XMPPI: 'failures', XMPPS: 'failures', SIP: 'failures' },
    console: true,
  })
  try {
    await demonstrate({
      output: stdout,
      columns: () => stdout.columns ?? COLUMNS,
      palette: new Palette(hasColours(stdout, env)),
      log,
      once: options.once,
      pauseMs: stdout.isTTY && !options.once ? PAUSE_MS : 0,
      stop: stop.signal,
    })
    return 0
  } catch (cause) {
    stderr.write(`${cause instanceof Error ? cause.stack : cause}\n`)
    return 1
  } finally {
    await close()
  }
}

/** Once asks it to end; twice ends it. */
function end(): void {
  if (stop.signal.aborted) process.exit(1)
  stop.abort()
}

process.exitCode = await main()
setTimeout(() => process.exit(), LINGER_MS).unref()
