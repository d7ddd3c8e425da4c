/** The command line: what can be said, and which file does it. Those files are loaded when they are asked for, so that --help is there at once. */
import { Command, CommanderError } from 'commander'
import type { AccountOptions } from './account.ts'
import { CommandError, DONE, FAILED, MISUSED } from './outcome.ts'
import type { Signals, StartGateway } from './start.ts'
import type { Terminal } from './terminal.ts'
import { software } from './version.ts'

export interface World {
  readonly terminal: Terminal
  readonly signals: Signals
  readonly startGateway: StartGateway
}

const EXIT_CODES = `
Exit codes: 0 done; 1 it could not be done; 2 the command line or the configuration is wrong.`

/** Runs one command; resolves with the exit code. */
export async function run(words: readonly string[], world: World): Promise<number> {
  const { terminal } = world
  let code: number = DONE
  const program = programFor(world, (outcome) => {
    code = outcome
  })
  try {
    await program.parseAsync(words, { from: 'user' })
    return code
  } catch (cause) {
    // Commander has said already what is wrong, or printed what was asked for.
    if (cause instanceof CommanderError) return cause.exitCode === 0 ? DONE : MISUSED
    if (cause instanceof CommandError) {
      terminal.stderr.write(`${cause.message}\n`)
      return cause.code
    }
    const sentence = (await import('./start-failure.ts')).startFailure(cause)
    terminal.stderr.write(sentence === undefined && cause instanceof Error ? `${cause.stack}\n` : `${sentence ?? String(cause)}\n`)
    return FAILED
  }
}

function programFor({ terminal, signals, startGateway }: World, ended: (code: number) => void): Command {
  const program = new Command('stoxgate')
    .description('The XMPP front end of a SIP real-time core: XMPP clients and SIP telephones talk to each other.')
    .version(software().version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .helpCommand('help [command]', 'print what a command does')
    .exitOverride()
    .configureOutput({ writeOut: (text) => void terminal.stdout.write(text), writeErr: (text) => void terminal.stderr.write(text) })
    .showHelpAfterError('(--help tells what can be said)')
    .addHelpText(
      'after',
      `
Examples:
  stoxgate start                                  run with config/stoxgate.yaml, or the defaults where it is not there
  stoxgate check -c /etc/stoxgate.yaml            say what is wrong with a configuration
  stoxgate account add juliet@xmpp.example        make an account; the password is asked for
${EXIT_CODES}`,
    )

  configurable(program.command('start'))
    .description('run the gateway until SIGTERM or Ctrl-C; SIGHUP reads configuration and certificates again')
    .addHelpText(
      'after',
      `
Prints "listening WHAT ADDRESS:PORT" for each socket, then "stoxgate ready". Everything else goes to the log.

Examples:
  stoxgate start
  stoxgate start -c /etc/stoxgate.yaml
${EXIT_CODES}`,
    )
    .action(async ({ config }: { config?: string }) => {
      const { start } = await import('./start.ts')
      ended(await start(config, { terminal, signals, software: software(), startGateway }))
    })

  configurable(program.command('check'))
    .description('say what is wrong with a configuration: one line "file:line: key: sentence" for each mistake')
    .addHelpText(
      'after',
      `\nExamples:\n  stoxgate check\n  stoxgate check -c /etc/stoxgate.yaml && systemctl reload stoxgate\n${EXIT_CODES}`,
    )
    .action(async ({ config }: { config?: string }) => {
      const { check } = await import('./configuration.ts')
      ended(await check(terminal, config))
    })

  configurable(program.command('route'))
    .description('say which rule of the routes takes an address where, and what DNS says of the next hop')
    .argument('<address>', 'an XMPP address or a SIP URI')
    .addHelpText(
      'after',
      `\nExamples:\n  stoxgate route romeo@pbx.example\n  stoxgate route "sip:*72@pbx.example" -c /etc/stoxgate.yaml\n${EXIT_CODES}`,
    )
    .action(async (address: string, { config }: { config?: string }) => {
      const { route } = await import('./route.ts')
      ended(await route(terminal, address, config))
    })

  configurable(program.command('status'))
    .description('print what the running gateway does, one "name value" a line')
    .addHelpText('after', EXIT_CODES)
    .action(async ({ config }: { config?: string }) => {
      const { status } = await import('./running.ts')
      ended(await status(terminal, config))
    })

  configurable(program.command('reload'))
    .description('let the running gateway read its configuration and certificates again')
    .addHelpText('after', EXIT_CODES)
    .action(async ({ config }: { config?: string }) => {
      const { reload } = await import('./running.ts')
      ended(await reload(terminal, config))
    })

  addAccountCommands(program, terminal, ended)
  return program
}

function addAccountCommands(program: Command, terminal: Terminal, ended: (code: number) => void): void {
  const account = program
    .command('account')
    .description('make, change, remove and list accounts, also while the gateway runs')
    .addHelpText(
      'after',
      `
Examples:
  stoxgate account add juliet@xmpp.example                      asks for the password, twice
  echo "$PASSWORD" | stoxgate account passwd juliet@xmpp.example --password -
  stoxgate account remove juliet@xmpp.example                   ends what juliet has open, too
  stoxgate account list xmpp.example
${EXIT_CODES}`,
    )
  const word = '--password <->'
  const why = 'read the password from standard input, for scripts'

  configurable(account.command('add'))
    .description('make an account')
    .argument('<jid>', 'its address, user@domain; the domain is one of the configuration')
    .option(word, why)
    .action(async (jid: string, options: AccountOptions) => {
      const { addAccount } = await import('./account.ts')
      ended(await addAccount(terminal, jid, options))
    })
  configurable(account.command('passwd'))
    .description('give an account a new password; its sessions end')
    .argument('<jid>', 'its address, user@domain')
    .option(word, why)
    .action(async (jid: string, options: AccountOptions) => {
      const { changePassword } = await import('./account.ts')
      ended(await changePassword(terminal, jid, options))
    })
  configurable(account.command('pbx-password'))
    .description('keep the password an account has at its PBX, where that is not its own (pbx.credentials: stored); its sessions end')
    .argument('<jid>', 'its address, user@domain')
    .option(word, why)
    .action(async (jid: string, options: AccountOptions) => {
      const { changePbxPassword } = await import('./account.ts')
      ended(await changePbxPassword(terminal, jid, options))
    })
  configurable(account.command('remove'))
    .description('remove an account and all that belongs to it; its sessions end')
    .argument('<jid>', 'its address, user@domain')
    .action(async (jid: string, options: AccountOptions) => {
      const { removeAccount } = await import('./account.ts')
      ended(await removeAccount(terminal, jid, options))
    })
  configurable(account.command('list'))
    .description('print accounts, one a line')
    .argument('[jid]', 'a domain, to print its accounts; an account, to see whether it is there; all where it is left away')
    .action(async (jid: string | undefined, options: AccountOptions) => {
      const { listAccounts } = await import('./account.ts')
      ended(await listAccounts(terminal, jid, options))
    })
}

function configurable(command: Command): Command {
  return command.option('-c, --config <file>', 'the configuration (default: config/stoxgate.yaml if it is there)')
}
